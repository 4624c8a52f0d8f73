"""GPU types: what an environment offers by name, and how many of one a replica asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import labels
from caraml_pulumi.model.placement import NodeSelector, Toleration
from caraml_pulumi.model.spec import Spec, as_validation_error, did_you_mean, rule

NO_GPU: Final = "None"
"""How Merlin writes, among the values of a type, that none need be asked for."""


NVIDIA_GPU: Final = "nvidia.com/gpu"
"""What a GPU is called in Kubernetes unless an environment or an instance type says otherwise (Merlin, PrimeHub)."""


def extended_resource(value: str) -> str:
    """The name of a device in Kubernetes: a label key with a DNS name of its vendor, such as ``amd.com/gpu``.

    Raises `CaramlError`, also for names that Kubernetes keeps for its own resources.
    """
    labels.label_key(value)
    vendor, slash, _ = value.partition("/")
    if not slash or vendor == "kubernetes.io" or vendor.endswith(".kubernetes.io") or vendor.startswith("requests."):
        raise CaramlError(
            f'"{value}" is not the name of a device', allowed=f"the vendor's domain, a slash and a name: {NVIDIA_GPU}"
        )
    return value


class GpuType(Spec):
    """A type of GPU that an environment offers; the properties are those of Merlin's environments."""

    name: Annotated[str, Field(min_length=1)]
    """The name that versions ask for it by, such as ``NVIDIA T4``."""
    values: list[str] = Field(default_factory=list)
    """How many a replica may ask for, as texts, such as ``["None", "1"]``. Default: any number."""
    resource_type: Annotated[str, rule(extended_resource)] = NVIDIA_GPU
    """The resource by which the nodes offer it."""
    node_selector: NodeSelector = Field(default_factory=dict)
    """Labels of the nodes that have it."""
    tolerations: list[Toleration] = Field(default_factory=list)
    """Taints of the nodes that have it."""
    min_monthly_cost_per_gpu: Annotated[float, Field(ge=0)] | None = None
    """What one costs a month at least, in the platform's currency."""
    max_monthly_cost_per_gpu: Annotated[float, Field(ge=0)] | None = None
    """What one costs a month at most, in the platform's currency."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "GpuType":
        with as_validation_error("values"):
            wrong = [value for value in self.values if value != NO_GPU and not (value.isdigit() and int(value))]
            if wrong:
                raise CaramlError(f'"{wrong[0]}" is not a number of GPUs', allowed=f'{NO_GPU}, or "1", "2", ...')
        return self


@dataclass(frozen=True, slots=True)
class GpuRequest:
    """How many GPUs each replica gets: a request and a limit alike."""

    resource_name: str
    count: int


def find_gpu_type(name: str, offered: Sequence[GpuType]) -> GpuType:
    """The type called `name`. Raises `CaramlError` if there is none; Merlin would silently give no GPU."""
    for gpu_type in offered:
        if gpu_type.name == name:
            return gpu_type
    known = [gpu_type.name for gpu_type in offered]
    raise CaramlError(
        f'GPU type "{name}" is not offered',
        allowed=", ".join(known) or "none: the platform lists no gpus",
        fix=did_you_mean(name, known),
    )


def gpu_request(gpu_type: GpuType, count: int) -> GpuRequest:
    """`count` GPUs of a type. Raises `CaramlError` for none, and for a count that the type does not have."""
    if count < 1:
        raise CaramlError("GPU request cannot be set as 0", allowed="at least 1", fix="remove gpuName to use none")
    if gpu_type.values and str(count) not in gpu_type.values:
        raise CaramlError(
            f'{count} GPUs of "{gpu_type.name}" cannot be asked for',
            allowed=", ".join(value for value in gpu_type.values if value != NO_GPU) or "none",
        )
    return GpuRequest(gpu_type.resource_type, count)
