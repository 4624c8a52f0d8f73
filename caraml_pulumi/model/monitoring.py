"""What watches models: settings of a platform, and those of an endpoint, which come first."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import labels
from caraml_pulumi.model.alerts import DEFAULT_ALERTS, AlertSpec, alerts_are_distinct, decided_alerts
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.objective import ObjectiveSpec
from caraml_pulumi.model.spec import Spec, prepared, rule

LabelMap = dict[Annotated[str, rule(labels.label_key)], Annotated[str, rule(labels.label_value)]]
Alerts = Annotated[list[AlertSpec], rule(alerts_are_distinct)]


def platform_alerts(given: list[AlertSpec]) -> list[AlertSpec]:
    """The alerts of a platform that is given some: the defaults, but for these. Raises `CaramlError`."""
    return list(decided_alerts(given, DEFAULT_ALERTS))


class RequestMetrics(StrEnum):
    """Whose metrics tell of requests: their number, duration and failures."""

    ISTIO = "ISTIO"
    """Those of Istio's gateways; number and duration of SERVERLESS those of Knative's queue-proxy (Merlin)."""
    QUEUE_PROXY = "QUEUE_PROXY"
    """Those of Knative's queue-proxy; of RAW_DEPLOYMENT those of SERVER."""
    SERVER = "SERVER"
    """Those of the model servers: OpenTelemetry's names over HTTP, go-grpc-prometheus' over gRPC."""


class KnativeTelemetry(StrEnum):
    """The names that Knative's queue-proxy gives its metrics."""

    OPENCENSUS = "OPENCENSUS"
    """``revision_request_count`` and so on: Knative until 1.18."""
    OPENTELEMETRY = "OPENTELEMETRY"
    """``http_server_request_duration_seconds``: Knative from 1.19 on."""


def web_address(value: str) -> str:
    """An address of a web server, without a slash at the end. Raises `CaramlError`."""
    authority = value.partition("://")[2].partition("/")[0]
    if "@" in (authority or value):
        raise CaramlError(
            "an address has no name and password in it (not shown)", allowed="https://host/path", fix="leave them out"
        )
    if not value.startswith(("http://", "https://")) or any(char.isspace() or char in '"\\' for char in value):
        raise CaramlError(f'"{value}" is not the address of a web server', allowed="https://host/path")
    return value.rstrip("/")


class MonitoringSpec(Spec):
    """How models are watched on a platform."""

    enabled: bool = True
    """Whether endpoints are watched that do not say themselves."""
    cluster_name: Annotated[str, rule(labels.label_value), Field(min_length=1)] | None = None
    """The label ``cluster_name`` that the metrics of this cluster have where one Prometheus watches several, as in
    Merlin. Default: `cluster.name` of the platform; without one, metrics have no such label."""
    request_metrics: RequestMetrics | None = None
    """Whose metrics tell of requests. Default: ISTIO where versions are routed by it, else QUEUE_PROXY."""
    knative_telemetry: KnativeTelemetry = KnativeTelemetry.OPENCENSUS
    """The names of the queue-proxy's metrics, which changed with Knative 1.19."""
    prometheus_url: Annotated[str, rule(web_address)] | None = None
    """Where ``caraml rollout`` asks Prometheus. Default: none."""
    grafana_url: Annotated[str, rule(web_address)] | None = None
    """Where Grafana is, for links to the dashboards. Default: no links."""
    monitoring_base_url: Annotated[str, rule(web_address)] | None = None
    """A dashboard of all models to link to, as Merlin's ``MonitoringBaseURL``. Default: the model's own dashboard."""
    playbook_url: Annotated[str, rule(web_address)] | None = None
    """What to do about alerts: their annotation ``playbook``. Default: none."""
    alerts: Annotated[Alerts, rule(platform_alerts)] = Field(default_factory=lambda: list(DEFAULT_ALERTS))
    """The alerts of every model, in place of the defaults of the same metric and severity, or besides them. Default: on
    error rate (1 and 5 percent), latency (1000 and 2000 ms), CPU and memory (80 and 95 percent of the request), each as
    warning and critical."""
    objective: ObjectiveSpec = ObjectiveSpec()
    """The availability that models are to have."""
    rule_labels: LabelMap = Field(default_factory=dict)
    """Labels of PrometheusRules and PodMonitors by which a Prometheus selects them, such as ``release``."""
    pod_monitors: bool = True
    """Whether PodMonitors tell Prometheus where metrics are; false if it finds pods by their annotations."""
    queue_proxy: bool = True
    """Whether they tell of Knative's queue-proxy too; false if the platform scrapes it already."""
    scrape_interval_seconds: Annotated[WholeNumber, Field(ge=1, le=30)] = 15
    """How often pods are scraped; rates over a minute need two samples."""
    dashboards: bool = True
    """Whether each model gets a dashboard."""
    dashboard_labels: LabelMap = Field(default_factory=lambda: {"grafana_dashboard": "1"})
    """Labels of the ConfigMaps by which Grafana finds dashboards. Default: ``grafana_dashboard: "1"``, that of the
    sidecar of Grafana's chart."""


class MonitoringSettings(Spec):
    """How one endpoint is watched; what is left out is the platform's."""

    enabled: bool | None = None
    """Whether it is watched. Default: the platform's."""
    alerts: Alerts = Field(default_factory=list)
    """Alerts in place of the platform's of the same metric and severity, or besides them."""
    objective: ObjectiveSpec | None = None
    """The availability that the model is to have. Default: the platform's, property by property."""
    dashboard: bool | None = None
    """Whether it has a dashboard. Default: the platform's."""
    playbook_url: Annotated[str, rule(web_address)] | None = None
    """What to do about its alerts. Default: the platform's."""


def is_watched(settings: MonitoringSettings, platform: MonitoringSpec) -> bool:
    """Whether an endpoint is watched: by its own setting, else by the platform's."""
    return platform.enabled if settings.enabled is None else settings.enabled


def switch_or_settings(value: Any) -> Any:  # noqa: ANN401 - as it is given
    """`monitoring: false` in place of `monitoring: {enabled: false}`."""
    return {"enabled": value} if isinstance(value, bool) else value


Monitoring = Annotated[MonitoringSettings, prepared(switch_or_settings)]
"""The property `monitoring` of an endpoint."""
