"""Metrics of a workload: where Prometheus finds them, or where the server pushes them."""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.probes import probe_path
from caraml_pulumi.model.spec import Spec, as_validation_error, rule

METRICS_PATH: Final = "/metrics"
"""Seed: Custom Model."""
SELDON_METRICS: Final = ("/prometheus", 6000)
"""Path and port of the metrics of Seldon's language wrappers."""
PUSHGATEWAY_ENV: Final = "PUSHGATEWAY_URL"
"""The variable that tells a server where to push its metrics."""


def pushgateway_address(value: str) -> str:
    """The address of a Prometheus pushgateway. Raises `CaramlError`."""
    if not value.startswith(("http://", "https://")) or any(char.isspace() for char in value):
        raise CaramlError(f'"{value}" is not the address of a pushgateway', allowed="http://host:port")
    return value


class MetricsSettings(Spec):
    """Where the metrics are; what is left out follows from the protocol."""

    enabled: bool | None = None
    """Whether Prometheus is told to scrape; default: yes, but not for UPI_V1, whose one port speaks gRPC unless the
    server answers HTTP there as well, nor for SELDON in SERVERLESS, where its second port is closed."""
    path: Annotated[str, rule(probe_path)] | None = None
    """Default: ``/metrics``; SELDON: ``/prometheus``."""
    port: Annotated[WholeNumber, Field(ge=1, le=65535)] | None = None
    """Default: the port of the predictions; SELDON: 6000. Another port needs RAW_DEPLOYMENT: Knative opens one."""
    pushgateway_url: Annotated[str, rule(pushgateway_address)] | None = None
    """Push instead: the address is given to the server as `PUSHGATEWAY_URL`, and nothing is scraped."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "MetricsSettings":
        with as_validation_error("pushgateway_url"):
            if self.pushgateway_url and (self.enabled or self.path or self.port):
                raise CaramlError("metrics are either pushed or scraped", fix="remove pushgatewayUrl or the rest")
        return self


@dataclass(frozen=True, slots=True)
class Metrics:
    """What Prometheus scrapes on each replica."""

    path: str
    port: int


def plan_metrics(settings: MetricsSettings, protocol: Protocol, mode: DeploymentMode, port: int) -> Metrics | None:
    """What is scraped of a server on `port`, or nothing. Raises `CaramlError` for a port that Knative does not open."""
    serverless = mode is DeploymentMode.SERVERLESS
    seldon = protocol is Protocol.SELDON
    default = protocol is not Protocol.UPI_V1 and not (seldon and serverless)
    if settings.pushgateway_url or not (default if settings.enabled is None else settings.enabled):
        return None
    path, default_port = SELDON_METRICS if seldon else (METRICS_PATH, port)
    scraped = settings.port or default_port
    if serverless and scraped != port:
        raise CaramlError(
            f"metrics on port {scraped} cannot be reached: Knative opens {port} alone",
            fix="serve metrics on the same port, push them to a pushgateway, or deploy as RAW_DEPLOYMENT",
        )
    return Metrics(settings.path or path, scraped)
