"""Instance types: the sizes of replicas that a platform or a project offers by name (PrimeHub's InstanceType)."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import names
from caraml_pulumi.model.gpu import NVIDIA_GPU, extended_resource
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.placement import NodeSelector, Toleration
from caraml_pulumi.model.quantities import parse_quantity
from caraml_pulumi.model.resources import MemoryText, QuantityText
from caraml_pulumi.model.spec import Spec, as_validation_error, did_you_mean, rule


def _positive(value: str) -> str:
    if not parse_quantity(value).value:
        raise CaramlError("an instance type gives 0", allowed="more than 0")
    return value


Amount = Annotated[QuantityText, rule(_positive)]
"""A quantity of more than nothing."""
Memory = Annotated[MemoryText, rule(_positive)]
"""Memory of more than nothing."""


class InstanceLimits(Spec):
    """What a replica may use."""

    cpu: Amount
    """CPU cores, such as ``"2"`` or ``500m``."""
    memory: Memory
    """Memory in bytes, such as ``4Gi``."""
    gpu: Annotated[WholeNumber, Field(ge=0)] = 0
    """Whole GPUs; Kubernetes asks for as many as it limits."""


class InstanceRequests(Spec):
    """What a replica asks for; what is left out is the limit (PrimeHub)."""

    cpu: Amount | None = None
    """CPU cores."""
    memory: Memory | None = None
    """Memory in bytes."""


class InstanceType(Spec):
    """A size of replicas: resources, and the nodes that have them."""

    limits: InstanceLimits
    """What a replica may use."""
    requests: InstanceRequests = InstanceRequests()
    """Default: the limits."""
    gpu_resource_name: Annotated[str, rule(extended_resource)] = NVIDIA_GPU
    """What the GPU is called in Kubernetes, such as ``amd.com/gpu``."""
    node_selector: NodeSelector = Field(default_factory=dict)
    """Labels of the nodes that replicas run on."""
    tolerations: list[Toleration] = Field(default_factory=list)
    """Taints of those nodes that replicas tolerate."""
    display_name: str = ""
    """What people call it; default: its name."""
    description: str = ""
    """What it is for."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "InstanceType":
        for name, request, limit in (
            ("cpu", self.requests.cpu, self.limits.cpu),
            ("memory", self.requests.memory, self.limits.memory),
        ):
            with as_validation_error("requests", name):
                _within_limit(name, request, limit)
        return self

    @property
    def cpu_request(self) -> str:
        """CPU cores that a replica asks for."""
        return self.requests.cpu or self.limits.cpu

    @property
    def memory_request(self) -> str:
        """Memory that a replica asks for."""
        return self.requests.memory or self.limits.memory


InstanceTypes = dict[Annotated[str, rule(names.dns_name)], InstanceType]
"""Instance types by name."""


def _within_limit(name: str, request: str | None, limit: str) -> None:
    if request is not None and parse_quantity(request) > parse_quantity(limit):
        raise CaramlError(f"the {name} request {request} is more than the limit {limit}", allowed=f"at most {limit}")


def find_instance_type(
    name: str, *, of_project: Mapping[str, InstanceType], of_platform: Mapping[str, InstanceType]
) -> InstanceType:
    """The instance type that a version names: the project's, else the platform's, as PrimeHub looks them up.

    Raises `CaramlError` in PrimeHub's words if neither has it.
    """
    known = {**of_platform, **of_project}
    if name not in known:
        raise CaramlError(
            f"InstanceType not found: {name}",
            allowed=", ".join(sorted(known)) or "none: neither the project nor the platform has any",
            fix=did_you_mean(name, [*known]),
        )
    return known[name]
