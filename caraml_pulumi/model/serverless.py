"""What only Knative has: features that must be enabled for parts of a pod, timeouts, and its queue-proxy."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.resources import MemoryText, QuantityText, limit_above_request
from caraml_pulumi.model.spec import Spec, as_validation_error

MAX_TIMEOUT_SECONDS: Final = 600
"""Knative's ceiling for a request, `max-revision-timeout-seconds`."""


class KnativeFeature(StrEnum):
    """Parts of a pod that Knative refuses unless its ConfigMap config-features enables them; all are off by default."""

    NODE_SELECTOR = "kubernetes.podspec-nodeselector"
    TOLERATIONS = "kubernetes.podspec-tolerations"
    AFFINITY = "kubernetes.podspec-affinity"
    TOPOLOGY_SPREAD = "kubernetes.podspec-topologyspreadconstraints"
    INIT_CONTAINERS = "kubernetes.podspec-init-containers"
    SECURITY_CONTEXT = "kubernetes.podspec-securitycontext"
    PRIORITY_CLASS = "kubernetes.podspec-priorityclassname"
    RUNTIME_CLASS = "kubernetes.podspec-runtimeclassname"
    PVC = "kubernetes.podspec-persistent-volume-claim"
    ADD_CAPABILITIES = "kubernetes.containerspec-addcapabilities"


class KnativeSpec(Spec):
    """How Knative is installed in the cluster."""

    features: list[KnativeFeature] = Field(default_factory=list)
    """What its ConfigMap config-features enables. Default: none, as Knative installs itself."""
    allow_zero_initial_scale: bool = False
    """Whether its ConfigMap config-autoscaler allows a version to start without replicas."""


class QueueProxySpec(Spec):
    """Resources of Knative's own container beside the model's; what is left out is Knative's default."""

    cpu_request: QuantityText | None = None
    """CPU cores."""
    cpu_limit: QuantityText | None = None
    """CPU cores."""
    memory_request: MemoryText | None = None
    """Memory in bytes."""
    memory_limit: MemoryText | None = None
    """Memory in bytes."""
    resource_percentage: Annotated[float, Field(ge=0.1, le=100)] | None = None
    """Percent of the model's resources instead, as Merlin's `queue_resource_percentage`; Knative deprecates it."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "QueueProxySpec":
        with as_validation_error("cpu_limit"):
            limit_above_request("CPU", self.cpu_request, self.cpu_limit)
        with as_validation_error("memory_limit"):
            limit_above_request("memory", self.memory_request, self.memory_limit)
        return self


TimeoutSeconds = Annotated[WholeNumber, Field(ge=1, le=MAX_TIMEOUT_SECONDS)]
"""Seconds that a request may take."""
ContainerConcurrency = Annotated[WholeNumber, Field(ge=0, le=1000)]
"""Requests that a replica handles at a time, at most; 0: any number."""


def knative_features_missing(missing: Iterable[KnativeFeature]) -> CaramlError:
    """What is said of a SERVERLESS workload that needs features which the platform does not say are enabled."""
    return CaramlError(
        f"SERVERLESS needs Knative's {' and '.join(missing)}, which the platform does not list as enabled",
        allowed="features in the platform's knative.features",
        fix="enable it in the ConfigMap config-features of knative-serving and list it there, "
        "or deploy as RAW_DEPLOYMENT",
    )
