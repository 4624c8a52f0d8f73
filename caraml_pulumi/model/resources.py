"""What a replica asks for and may use: requests, limits by the platform's factors, and ceilings."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.gpu import GpuRequest
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.quantities import bytes_of_memory, parse_quantity, quantity, scaled
from caraml_pulumi.model.spec import Spec, prepared

QuantityText = Annotated[str, prepared(quantity)]
"""A property that is a quantity, kept in canonical form."""
MemoryText = Annotated[str, prepared(bytes_of_memory)]
"""A property that is an amount of memory in whole bytes, kept in canonical form."""


class ResourceRequest(Spec):
    """What each replica asks for, and how many there may be; the names are Merlin's.

    What is left out comes from the environment's `defaultDeploymentConfig`, property by property.
    """

    min_replica: WholeNumber | None = None
    """Replicas at least. 0 lets a version scale to zero, where the mode and metric allow it."""
    max_replica: WholeNumber | None = None
    """Replicas at most."""
    cpu_request: QuantityText | None = None
    """CPU cores, such as ``500m``."""
    memory_request: MemoryText | None = None
    """Memory in bytes, such as ``500Mi``."""
    cpu_limit: QuantityText | None = None
    """CPU cores a replica may use. Default: by the platform's factor or constant."""
    gpu_name: str | None = None
    """The type of GPU, by the name that the platform's `gpus` give it."""
    gpu_request: Annotated[WholeNumber, Field(ge=0)] | None = None
    """GPUs of that type for each replica."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What each replica of a planned version asks for and may use, in canonical quantities."""

    cpu_request: str
    memory_request: str
    cpu_limit: str
    memory_limit: str | None
    gpu: GpuRequest | None = None


def requests_within_ceilings(resources: Resources, *, max_cpu: str | None, max_memory: str | None) -> None:
    """Refuse requests above the environment's ceilings; without a ceiling nothing is refused.

    Exact, also for fractions of a core, which Merlin's comparison let through.
    """
    amount_within_ceiling("cpuRequest", resources.cpu_request, max_cpu, "maxCpu")
    amount_within_ceiling("memoryRequest", resources.memory_request, max_memory, "maxMemory")


def amount_within_ceiling(name: str, amount: str, ceiling: str | None, setting: str) -> None:
    """Refuse an amount above the environment's ceiling, if it has one; `setting` is what the ceiling is called."""
    if ceiling is not None and parse_quantity(amount) > parse_quantity(ceiling):
        raise CaramlError(
            f"{name} {amount} is more than the environment allows",
            allowed=f"at most {ceiling} ({setting})",
            fix=f"lower {name} to {ceiling}, or less",
        )


def explicit_limit_within_ceiling(cpu_limit: str | None, *, max_cpu: str | None) -> None:
    """Refuse a CPU limit of the user's own above the environment's ceiling, which Merlin does not look at."""
    if cpu_limit is not None:
        amount_within_ceiling("cpuLimit", cpu_limit, max_cpu, "maxCpu")


def requests_are_positive(resources: Resources) -> None:
    """Refuse a request of nothing: it could be neither scheduled sensibly nor scaled on."""
    amount_is_requested("cpuRequest", resources.cpu_request)
    amount_is_requested("memoryRequest", resources.memory_request)


def amount_is_requested(name: str, amount: str | None) -> None:
    """Refuse a request that is missing, or of nothing or less. Raises `CaramlError`."""
    if amount is None:
        raise CaramlError(
            f"{name} is missing: without it, replicas are placed on nodes that are full",
            allowed="more than 0",
            fix=f"set {name}",
        )
    if parse_quantity(amount).value <= 0:
        raise CaramlError(f"{name} is {amount}", allowed="more than 0")


def limits_above_requests(resources: Resources) -> None:
    """Refuse a limit below its request, which Kubernetes would refuse."""
    pairs = (
        ("CPU", resources.cpu_request, resources.cpu_limit),
        ("memory", resources.memory_request, resources.memory_limit),
    )
    for noun, request, limit in pairs:
        limit_above_request(noun, request, limit)


def limit_above_request(noun: str, request: str | None, limit: str | None) -> None:
    """Refuse a limit of CPU or memory below its request, where both are given. Raises `CaramlError`."""
    if request is not None and limit is not None and parse_quantity(limit) < parse_quantity(request):
        raise CaramlError(
            f"the {noun} limit {limit} is less than the request {request}",
            fix="lower the request or raise the limit",
        )


def limit_is_set(noun: str, limit: str | None) -> None:
    """Refuse a container without a limit of CPU or memory: it could take all that its node has."""
    if limit is None:
        raise CaramlError(
            f"there is no {noun} limit: one replica could take all of its node's {noun}",
            fix=f"set limits.{noun.lower()}",
        )


def limit_by_factor(noun: str, request: str, limit: str, *, factor: float, ceiling: str | None = None) -> None:
    """Refuse a limit above the request by the platform's factor; a factor of 0 means none.

    With a `ceiling`, a limit of one's own may be up to that, as a version's `cpuLimit`. Raises `CaramlError`.
    """
    if not factor:
        return
    by_factor = scaled(request, factor)
    most = by_factor if ceiling is None else max(by_factor, ceiling, key=parse_quantity)
    if parse_quantity(limit) > parse_quantity(most):
        raise CaramlError(
            f"the {noun} limit {limit} is more than {factor:g} x the request {request}",
            allowed=f"at most {most}",
            fix="lower the limit or raise the request",
        )


def cpu_limit_by_rule(request: str, limit: str, *, factor: float, default: str, ceiling: str | None) -> None:
    """Refuse a version's CPU limit above both the environment's ceiling and what the platform's rule gives.

    Without a ceiling, a version's own `cpuLimit` may be any (seed: Deploying a Model Version).
    """
    if ceiling is not None:
        by_rule = cpu_limit(request, explicit=None, factor=factor, default=default)
        amount_within_ceiling("cpuLimit", limit, max(by_rule, ceiling, key=parse_quantity), "maxCpu")


def cpu_limit(request: str, *, explicit: str | None, factor: float, default: str) -> str:
    """The CPU limit: the explicit one, else the request by the platform's factor, else the platform's constant.

    A factor of 0 means none, and an explicit limit of 0 too (seed: Deploying a Model Version; Merlin).
    """
    if explicit is not None and parse_quantity(explicit).value:
        return explicit
    return scaled(request, factor) if factor else default


def memory_limit(request: str, *, factor: float) -> str | None:
    """The memory limit: the request by the platform's factor, in whole bytes; none if the factor is 0 (Merlin)."""
    return scaled(request, factor, step="1") if factor else None
