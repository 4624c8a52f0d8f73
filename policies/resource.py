"""Resources as the judges of rules see them, one by one and as a whole stack."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import merge
from operator import itemgetter
from typing import Any

from pulumi_policy import PolicyResource

from caraml_pulumi.model.labels import ENVIRONMENT
from policies.platform_config import label_prefix
from policies.reading import Properties, at


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as a judge sees it: its inputs in a rule about a resource, its outputs in one about a stack."""

    type: str
    name: str
    """Its logical name."""
    urn: str
    parent: str
    """The URN of its parent; empty without one."""
    props: Properties
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The rule's settings, defaults filled in."""

    @property
    def environment(self) -> str:
        """The environment that it belongs to: what a component or a label says, else the stack's name."""
        said = self.props.get("environment") if self.type.startswith("caraml:") else None
        said = said or at(self.props, "metadata", "labels", label_prefix(self.settings) + ENVIRONMENT)
        return said if isinstance(said, str) else _stack_name(self.urn)


class Resources(list[PolicyResource]):
    """All resources of a stack, found by their types without going through all of them for every rule."""

    @cached_property
    def by_type(self) -> Mapping[str, list[tuple[int, PolicyResource]]]:
        """The resources of each type, with their places in the whole."""
        found: dict[str, list[tuple[int, PolicyResource]]] = defaultdict(list)
        for place, resource in enumerate(self):
            found[resource.resource_type].append((place, resource))
        return found

    def of(self, types: Collection[str]) -> Iterator[PolicyResource]:
        """The resources of these types, in the order of the whole."""
        groups = [self.by_type[type_] for type_ in {*types} if type_ in self.by_type]
        return (resource for _, resource in merge(*groups, key=itemgetter(0)))


class Stack:
    """All resources of a stack, as a rule about a stack sees them."""

    def __init__(self, found: Sequence[PolicyResource], settings: Mapping[str, Any]) -> None:
        self._found = found if isinstance(found, Resources) else Resources(found)
        self.settings = settings

    def of(self, *types: str) -> list[Resource]:
        """The resources of these types. Those of other types are not even read."""
        return [_of_stack(found, self.settings) for found in self._found.of(types)]

    @property
    def resources(self) -> list[Resource]:
        """All resources, which takes long to read; see `of`."""
        return [_of_stack(found, self.settings) for found in self._found]

    @property
    def urns(self) -> Mapping[str, str]:
        """The URN of each resource, and its logical name."""
        return {found.urn: found.name for found in self._found}

    @property
    def environment(self) -> str:
        """The environment of its components, else the stack's name."""
        for found in self._found.of([type_ for type_ in self._found.by_type if type_.startswith("caraml:")]):
            if "environment" in found.props:
                return str(found.props["environment"])
        return _stack_name(self._found[0].urn) if self._found else ""


def _stack_name(urn: str) -> str:
    return urn.split(":", 3)[2] if urn.count(":") > 2 else ""


def _of_stack(resource: PolicyResource, settings: Mapping[str, Any]) -> Resource:
    parent = resource.parent.urn if resource.parent else resource.opts.parent or ""
    return Resource(resource.resource_type, resource.name, resource.urn, parent, resource.props, settings)
