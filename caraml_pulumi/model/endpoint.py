"""A model endpoint: one address of a model, and the versions that answer there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, model_validator

from caraml_pulumi.model import labels, names, traffic
from caraml_pulumi.model.modes import Protocol
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.spec import Spec, as_validation_error, rule, within
from caraml_pulumi.model.version import LabelMap

PREDICT_PATH = "/v1/predict"
"""Where a model endpoint is asked for predictions, whichever version answers (Merlin)."""


class VersionTraffic(Spec):
    """A version and its share of the traffic."""

    version: Annotated[WholeNumber, rule(names.version_number)]
    """Which version of the endpoint's model."""
    weight: WholeNumber
    """Percent of the requests."""


class EndpointSettings(Spec):
    """Everything about an endpoint but whose it is."""

    traffic: Annotated[list[VersionTraffic], Field(min_length=1)]
    """One or two versions; the weights sum to 100."""
    labels: LabelMap = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hold_rules(self) -> "EndpointSettings":
        with as_validation_error("traffic"):
            traffic.versions_are_unique([share.version for share in self.traffic], "in the traffic")
            traffic.weights_sum_to_100([share.weight for share in self.traffic])
        return self


class ModelEndpointSpec(EndpointSettings):
    """The endpoint of a model in a project, as a user asks for it."""

    model: Annotated[str, rule(names.model_name)]
    project: Annotated[str, rule(names.project_name)]
    protocol: Protocol = Protocol.HTTP_JSON
    team: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None
    stream: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """A version's host and its share of the requests."""

    version: int
    host: str
    weight: int


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """An endpoint with every value decided: what its manifests are made from."""

    model: str
    project: str
    environment: str
    host: str
    """`{model}.{project}.{domain}`."""
    protocol: Protocol
    shares: Sequence[Share]
    labels: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where predictions are asked for; over gRPC a host alone (Merlin)."""
        return self.host if self.protocol is Protocol.UPI_V1 else f"http://{self.host}{PREDICT_PATH}"

    def props(self) -> dict[str, Any]:
        """The decided values in camelCase, as policies and previews read them."""
        return {
            "model": self.model,
            "project": self.project,
            "environment": self.environment,
            "protocol": self.protocol.value,
            "traffic": [{"version": share.version, "weight": share.weight} for share in self.shares],
            "labels": dict(self.labels),
        }


def plan_endpoint(spec: ModelEndpointSpec, platform: PlatformSpec) -> EndpointPlan:
    """Decide every value of `spec` on `platform`. Raises `CaramlError` for the first rule that is broken."""
    with within("traffic"):
        traffic.at_most_two_deployed_versions(
            (share.version for share in spec.traffic), model=spec.model, environment=platform.environment
        )
    with within("labels"):
        labels.labels_are_free(spec.labels, platform.label_prefix)
    own_labels = labels.platform_labels(
        platform.label_prefix,
        component=labels.MODEL_ENDPOINT,
        model=spec.model,
        environment=platform.environment,
        team=spec.team,
        stream=spec.stream,
    )
    shares = [
        Share(
            version=share.version,
            host=names.host(names.full_name(spec.model, share.version), spec.project, platform.domain),
            weight=share.weight,
        )
        for share in spec.traffic
    ]
    return EndpointPlan(
        model=spec.model,
        project=spec.project,
        environment=platform.environment,
        host=names.host(spec.model, spec.project, platform.domain),
        protocol=spec.protocol,
        shares=shares,
        labels={**spec.labels, **own_labels},
    )
