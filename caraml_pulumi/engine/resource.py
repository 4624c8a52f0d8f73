"""A resource as the engine remembers it, and its URN."""

from dataclasses import dataclass, field
from typing import Any

from caraml_pulumi.engine.values import Properties, PropertyValue

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


def make_urn(stack: str, project: str, type_: str, name: str, parent: str = "") -> str:
    """The URN of a resource: its own type qualified by its ancestors' types; the stack as parent adds nothing."""
    parent_type = urn_qualified_type(parent) if parent else ""
    qualified = f"{parent_type}${type_}" if parent_type and parent_type != STACK_TYPE else type_
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def is_urn(text: str) -> bool:
    """Whether `text` is written as a URN is."""
    return text.startswith("urn:pulumi:") and text.count("::") >= 3


def urn_qualified_type(urn: str) -> str:
    """The types in `urn`, from the outermost component to the resource, joined by ``$``."""
    return urn.split("::", 3)[2]


def urn_type(urn: str) -> str:
    """The resource's own type."""
    return urn_qualified_type(urn).rsplit("$", 1)[-1]


def urn_name(urn: str) -> str:
    """The resource's logical name."""
    return urn.split("::", 3)[3]


@dataclass(slots=True)
class ResourceState:
    """What a checkpoint holds of one resource; the names are those of Pulumi's state, in snake case.

    `created` and `modified` are RFC 3339 texts. `extra` keeps keys of state that the engine does not use, so that they
    are written back unchanged.
    """

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    additional_secret_outputs: list[str] = field(default_factory=list)
    init_errors: list[str] = field(default_factory=list)
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    """Seconds by ``create``, ``update``, ``delete``."""
    import_id: str = ""
    """The id in the program's resource option ``import_``."""
    protect: bool = False
    external: bool = False
    delete: bool = False
    """Replaced, and still to be deleted."""
    pending_replacement: bool = False
    """Deleted before its replacement was made."""
    retain_on_delete: bool = False
    taint: bool = False
    """To be replaced by the next update, as ``pulumi state taint`` asks for."""
    deleted_with: str = ""
    """The URN of the resource that takes this one along when it is deleted."""
    replace_with: list[str] = field(default_factory=list)
    """The URNs of the resources that take this one along when they are replaced."""
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    replacement_trigger: PropertyValue = None
    """The resource is replaced when this value becomes another one."""
    resource_hooks: dict[str, list[str]] = field(default_factory=dict)
    """The names of its hooks, by when they run (``BeforeCreate``)."""
    created: str = ""
    modified: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The logical name."""
        return urn_name(self.urn)


def needs(resource: ResourceState) -> set[str]:
    """The URNs that must exist before `resource`, and go after it."""
    urns = {*resource.dependencies, *resource.replace_with}
    for dependencies in resource.property_dependencies.values():
        urns.update(dependencies)
    urns.update(urn for urn in (resource.parent, resource.deleted_with) if urn)
    if resource.provider:
        urns.add(resource.provider.rsplit("::", 1)[0])
    return urns
