"""What a program asks for: one resource as it should be."""

import re
from dataclasses import dataclass, field
from typing import Final

from caraml_pulumi.engine.values import Properties, PropertyValue


@dataclass(frozen=True, slots=True)
class AliasSpec:
    """A former identity of a resource. Empty parts are those of today; `urn` alone says it all."""

    urn: str = ""
    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""
    no_parent: bool = False


@dataclass(slots=True)
class Goal:
    """A resource as a program registered it; the names are those of Pulumi's resource options."""

    type: str
    name: str
    custom: bool
    inputs: Properties
    parent: str = ""
    provider: str = ""
    """``urn::id`` of an explicit provider; empty for the default one."""
    version: str = ""
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    replace_with: list[str] = field(default_factory=list)
    deleted_with: str = ""
    replacement_trigger: PropertyValue = None
    additional_secret_outputs: list[str] = field(default_factory=list)
    aliases: list[AliasSpec] = field(default_factory=list)
    import_id: str = ""
    """The id of an existing resource to take over."""
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool | None = None
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    """Seconds by ``create``, ``update``, ``delete``."""
    hooks: dict[str, list[str]] = field(default_factory=dict)
    """The names of its hooks, by when they run (``BeforeCreate``)."""


_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|ns|m|s)")


def duration_seconds(text: str) -> float:
    """Seconds in a duration as Go writes it: ``1h2m3.5s``, ``500ms``. Raises ValueError for anything else."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration such as 30s or 5m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
