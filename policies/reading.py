"""What the rules share: which resources they look at, and how a broken rule becomes an error to report.

Properties come as read-only mappings whose numbers are floats. Reading one that is not known at preview raises
`UnknownValueError`, so only what a rule needs is read.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple, ParamSpec

from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.model.labels import APP, ENVIRONMENT, ORCHESTRATOR, ORCHESTRATOR_NAME, VERSION
from caraml_pulumi.model.modes import VersionStatus

STACK: Final = "pulumi:pulumi:Stack"
MODEL_VERSION: Final = "caraml:index:CustomModelVersion"
MODEL_PROJECT: Final = "caraml:index:ModelProject"
MODEL_ENDPOINT: Final = "caraml:index:ModelEndpoint"
ARTIFACT_BUCKET: Final = "caraml:index:ArtifactBucket"
IMAGE_BUILD: Final = "caraml:index:ImageBuild"
KNATIVE_SERVICE: Final = "kubernetes:serving.knative.dev/v1:Service"
DEPLOYMENT: Final = "kubernetes:apps/v1:Deployment"
HORIZONTAL_POD_AUTOSCALER: Final = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
POD_DISRUPTION_BUDGET: Final = "kubernetes:policy/v1:PodDisruptionBudget"
NAMESPACE: Final = "kubernetes:core/v1:Namespace"
SERVICE: Final = "kubernetes:core/v1:Service"
PERSISTENT_VOLUME: Final = "kubernetes:core/v1:PersistentVolume"
PERSISTENT_VOLUME_CLAIM: Final = "kubernetes:core/v1:PersistentVolumeClaim"

Value = Any
Properties = Mapping[str, Value]
Rule = ParamSpec("Rule")


def at(properties: Value, *path: str) -> Value:
    """The value at `path`, or an empty mapping if there is none."""
    for name in path:
        properties = properties.get(name) if isinstance(properties, Mapping) else None
    return {} if properties is None else properties


class DeployedVersion(NamedTuple):
    """A version that is deployed, and where."""

    environment: str
    project: str
    model: str
    version: int


def versions_of_endpoint(props: Properties) -> set[int]:
    """The versions that a ModelEndpoint sends requests to, or copies of them."""
    divisions = [props["traffic"], *(match["traffic"] for match in props.get("matches") or ())]
    mirrored = [props["mirror"]] if props.get("mirror") else []
    return {int(share["version"]) for share in [*(share for division in divisions for share in division), *mirrored]}


def version_of_component(outputs: Properties) -> DeployedVersion | None:
    """The version that a CustomModelVersion deploys, by its outputs; none if it is stopped."""
    if "version" not in outputs or outputs.get("status") == VersionStatus.TERMINATED:
        return None
    return DeployedVersion(outputs["environment"], outputs["project"], outputs["model"], int(outputs["version"]))


def version_of_object(properties: Properties, prefix: str) -> DeployedVersion | None:
    """The version that a Kubernetes object belongs to, by its labels; none if it carries no version's, or runs none."""
    if at(properties, "spec", "replicas") == 0:
        return None
    labels = at(properties, "metadata", "labels")
    values = [at(labels, prefix + name) for name in (ENVIRONMENT, APP, VERSION)]
    if at(labels, prefix + ORCHESTRATOR) != ORCHESTRATOR_NAME or not all(isinstance(value, str) for value in values):
        return None
    environment, model, version = values
    if not version.isdecimal():
        return None
    return DeployedVersion(environment, str(at(properties, "metadata", "namespace") or "default"), model, int(version))


def broken(rule: Callable[Rule, object], *args: Rule.args, **kwargs: Rule.kwargs) -> Iterator[CaramlError]:
    """The error of the rule, or its errors, if these arguments break it."""
    try:
        rule(*args, **kwargs)
    except CaramlErrors as errors:
        yield from errors.errors
    except CaramlError as error:
        yield error
