"""What containers ask for and may use, and the rule by which the environment decides it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.platform import ComputeLimits
from caraml_pulumi.model.quantities import parse_quantity
from policies.platform_config import platform
from policies.reading import Properties, at

MAX_CPU: Final = "maxCpu"
MAX_MEMORY: Final = "maxMemory"
CPU_FACTOR: Final = "cpuFactor"
MEMORY_FACTOR: Final = "memoryFactor"


def amount(value: object) -> str | None:
    """A quantity as text; Pulumi hands numbers on as floats, as which they are written in YAML at times."""
    if value is None or value == {}:
        return None
    if isinstance(value, bool) or not isinstance(value, str | float):
        raise TypeError("a quantity is a text or a number")
    return f"{value:.12g}" if isinstance(value, float) else value


def requested(container: Properties, resource: str) -> str | None:
    """What a container asks for, of cpu or memory; Kubernetes takes the limit where only that is given."""
    return amount(at(container, "resources", "requests", resource)) or limited(container, resource)


def limited(container: Properties, resource: str) -> str | None:
    """What a container may use at most, of cpu or memory."""
    return amount(at(container, "resources", "limits", resource))


class Ceilings(NamedTuple):
    """What a replica may ask for at most; None: no ceiling."""

    cpu: str | None
    memory: str | None


def ceilings(settings: Mapping[str, Any]) -> Ceilings:
    """The ceilings of a rule with these settings: its own, else the platform's."""
    configured = platform()
    return Ceilings(
        _quantity(settings, MAX_CPU) or (configured.max_cpu if configured else None),
        _quantity(settings, MAX_MEMORY) or (configured.max_memory if configured else None),
    )


def _quantity(settings: Mapping[str, Any], name: str) -> str:
    """A setting that is a quantity; empty if it is not set. Raises `CaramlError` that names it if it is none."""
    given = str(settings.get(name) or "")
    try:
        if given:
            parse_quantity(given)
    except CaramlError as error:
        raise CaramlError(f"the setting {name} of the rule: {error.what}", allowed=error.allowed) from None
    return given


class LimitRule(NamedTuple):
    """How limits follow from requests; None: not known."""

    cpu_factor: float | None
    default_cpu: str
    memory_factor: float | None
    max_cpu: str | None
    """How much CPU a limit of one's own may be."""


def limit_rule(settings: Mapping[str, Any]) -> LimitRule:
    """The rule that a rule with these settings holds limits to: its own factors, else the platform's."""
    configured = platform()
    limits = configured.limits if configured else None
    cpu, memory = settings.get(CPU_FACTOR), settings.get(MEMORY_FACTOR)
    return LimitRule(
        (limits.cpu_factor if limits else None) if cpu is None else float(cpu),
        (limits or ComputeLimits()).default_cpu,
        (limits.memory_factor if limits else None) if memory is None else float(memory),
        ceilings(settings).cpu,
    )
