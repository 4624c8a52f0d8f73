"""Former URNs of a resource, so that its state is found again after a rename, a move or another type.

The rules are those of Pulumi's engine: a resource has its own aliases, and where its parent was found by an alias,
those that follow from the parent's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from caraml_pulumi.engine.goal import AliasSpec, Goal
from caraml_pulumi.engine.resource import STACK_TYPE, make_urn, urn_name, urn_qualified_type, urn_type
from caraml_pulumi.errors import CaramlError


def former_urns(goal: Goal, stack: str, project: str, found: Mapping[str, str]) -> list[str]:
    """The URNs under which earlier states may know `goal`, nearest first.

    `found` has the resources of this run that were found by an alias: their URNs of now, and those they had. A child of
    one of them inherits the alias, and its name with it where that begins with the parent's name.
    """
    own = [_former(alias, goal, stack, project, found) for alias in goal.aliases]
    urns = dict.fromkeys(own)
    if former_parent := found.get(goal.parent):
        for type_, name in [(goal.type, goal.name), *((urn_type(urn), urn_name(urn)) for urn in own)]:
            rest = name.removeprefix(urn_name(goal.parent))
            inherited = urn_name(former_parent) + rest if rest != name else name
            urns.setdefault(make_urn(stack, project, type_, inherited, former_parent))
    return list(urns)


def _former(alias: AliasSpec, goal: Goal, stack: str, project: str, found: Mapping[str, str]) -> str:
    if alias.urn:
        return alias.urn
    parent = found.get(alias.parent, alias.parent) or goal.parent
    if alias.no_parent or (parent and urn_qualified_type(parent) == STACK_TYPE):
        parent = ""
    return make_urn(
        alias.stack or stack, alias.project or project, alias.type or goal.type, alias.name or goal.name, parent
    )


@dataclass(slots=True)
class Aliases:
    """The aliases that led to a resource in this run. Not safe to be called on several threads at a time."""

    stack: str
    project: str
    _former: dict[str, str] = field(default_factory=dict)
    _taken: dict[str, str] = field(default_factory=dict)

    def find(self, urn: str, goal: Goal, known: Mapping[str, object], registered: set[str]) -> str | None:
        """The URN in `known` that `goal` has there, its own one before all others; None where it has none.

        Raises:
            CaramlError: two resources of the program claim to be the same one: `registered` has those of before.
        """
        if urn in self._taken:
            raise _claimed_twice(urn, urn, self._taken[urn])
        if urn in known:
            return urn
        for former in former_urns(goal, self.stack, self.project, self._former):
            if former in self._taken:
                raise _claimed_twice(former, urn, self._taken[former])
            if former in known:
                if former in registered:
                    raise _claimed_twice(former, urn, former)
                self._taken[former] = urn
                self._former[urn] = former
                return former
        return None


def _claimed_twice(former: str, urn: str, other: str) -> CaramlError:
    return CaramlError(
        f"two resources of the program claim to be {former}: {urn}, and {other}"
        if urn != former
        else f"{urn} is registered, and is an alias of {other} as well",
        fix="take the alias away, or the resource that it names",
    )
