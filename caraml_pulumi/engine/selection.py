"""Which resources an operation is about: ``--target``, ``--exclude`` and ``--replace``, as Pulumi defines them.

What is not selected stays as the state has it. What is not in the state either is not made, nor can be what needs it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from caraml_pulumi.engine.resource import PROVIDER_PREFIX, STACK_TYPE, ResourceState, is_urn, needs, urn_name, urn_type
from caraml_pulumi.errors import USAGE, CaramlError


@dataclass(frozen=True, slots=True)
class Selection:
    """What a user selects: each a URN, a pattern of URNs, or the logical name of one resource.

    In a pattern ``*`` is any text without a colon, ``**`` any text. `target_dependents` adds what depends on a target,
    `exclude_dependents` what depends on something excluded. There are targets or excludes, not both.
    """

    targets: tuple[str, ...] = ()
    target_dependents: bool = False
    excludes: tuple[str, ...] = ()
    exclude_dependents: bool = False
    replaces: tuple[str, ...] = ()


EVERYTHING: Final = Selection()
"""All of a stack's resources."""


class Patterns:
    """The resources that an option of the command line names. Iterating and `in` are by URN."""

    def __init__(self, option: str, texts: Iterable[str]) -> None:
        self.option = option
        self._urns = {text: text for text in texts if is_urn(text) and "*" not in text}
        self._globs = [_expression(text) for text in texts if "*" in text]
        self._names = {text: "" for text in texts if "*" not in text and not is_urn(text)}

    def __bool__(self) -> bool:
        return bool(self._urns or self._globs or self._names)

    def __contains__(self, urn: str) -> bool:
        return (
            urn in self._urns.values()
            or urn in self._names.values()
            or any(glob.fullmatch(urn) for glob in self._globs)
        )

    def note(self, urn: str, former: str = "") -> None:
        """There is a resource `urn`, which was `former`. Raises `CaramlError` if it is a second one of a given name."""
        for found in (self._urns, self._names):
            found.update({text: urn for text, before in found.items() if before and before == former})
        name = urn_name(urn)
        known = self._names.get(name)
        if known == "":
            self._names[name] = urn
        elif known is not None and known != urn:
            raise CaramlError(
                f"several resources have the name {name!r}",
                where=self.option,
                allowed=f"{known}, {urn}",
                fix="name the one that is meant by its URN, in quotes: a shell takes $ for a variable",
                exit_code=USAGE,
            )

    def require(self, known: set[str]) -> None:
        """Raise `CaramlError` for a URN that is not `known`, or a name that none has."""
        for text, urn in [*self._urns.items(), *self._names.items()]:
            if urn in known:
                continue
            choice = sorted(known if is_urn(text) else {urn_name(urn) for urn in known})
            raise CaramlError(
                f"there is no resource {text!r} in the stack",
                where=self.option,
                allowed=", ".join(get_close_matches(text, choice, n=5, cutoff=0.5)),
                fix="write a URN in single quotes: a shell takes $ for a variable"
                if is_urn(text) and "$" not in text
                else "see the names, and with --json the URNs, in `caraml preview`",
                exit_code=USAGE,
            )


def _expression(pattern: str) -> re.Pattern[str]:
    parts = [r"[^:]*".join(map(re.escape, part.split("*"))) for part in pattern.split("**")]
    return re.compile(".*".join(parts), re.DOTALL)


@dataclass(slots=True)
class Scope:
    """The selection of one run over the resources that its state has. Not safe on several threads at a time."""

    selection: Selection
    resources: list[ResourceState]
    skipped: set[str] = field(default_factory=set)
    """What the program registers and the run does not make."""
    _targets: Patterns = field(init=False)
    _excludes: Patterns = field(init=False)
    _replaces: Patterns = field(init=False)
    _known: set[str] = field(default_factory=set)
    _placed: dict[str, ResourceState] = field(default_factory=dict)
    _included: set[str] = field(default_factory=set)
    _excluded: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._targets = Patterns("--target", self.selection.targets)
        self._excludes = Patterns("--exclude", self.selection.excludes)
        self._replaces = Patterns("--replace", self.selection.replaces)
        for resource in self.resources:
            self.note(resource.urn)

    @property
    def constrained(self) -> bool:
        """Whether the run is about some resources only."""
        return bool(self._targets or self._excludes)

    def note(self, urn: str, former: str = "") -> None:
        """There is a resource `urn`, which was `former`. Raises `CaramlError` where a given name is not one's alone."""
        self._known.add(urn)
        for patterns in (self._targets, self._excludes, self._replaces):
            patterns.note(urn, former)

    def require_replaced(self) -> None:
        """Raise `CaramlError` if what is to be replaced is not in the state."""
        self._replaces.require(self._known)

    def require_known(self) -> None:
        """Raise `CaramlError` if something selected is neither in the state nor, so far, in the program."""
        self._targets.require(self._known)
        self._excludes.require(self._known)

    def replaces(self, urn: str) -> bool:
        """Whether the resource is to be replaced though nothing in it changed."""
        return urn in self._replaces

    def includes(self, resource: ResourceState) -> bool:
        """Whether the run is about `resource`, which the program registers after all that it needs.

        Providers and the stack itself always are: what is selected may need them.
        """
        needed = needs(resource)
        if self._excludes:
            if resource.urn in self._excludes or (self.selection.exclude_dependents and needed & self._excluded):
                self._excluded.add(resource.urn)
            included = resource.urn not in self._excluded
        elif resource.urn in self._targets or (self.selection.target_dependents and needed & self._included):
            self._included.add(resource.urn)
            included = True
        else:
            included = not self._targets
        return included or urn_type(resource.urn) == STACK_TYPE or resource.type.startswith(PROVIDER_PREFIX)

    def place(self, resource: ResourceState) -> None:
        """The run makes `resource` so, leaves it in the state so, or skips it, as it would have been."""
        self._placed[resource.urn] = resource

    def require_made(self, resource: ResourceState) -> None:
        """Raise `CaramlError` if `resource` needs what the run does not make, or what still needs it in turn."""
        reached, frontier = set[str](), needs(resource)
        while frontier:
            reached |= frontier
            frontier = {urn for one in frontier if one in self._placed for urn in needs(self._placed[one])} - reached
        if resource.urn in reached:
            raise CaramlError(
                f"{resource.type} {resource.name!r} needs what needs it itself, as long as the state stays as it is",
                where=resource.urn,
                allowed="whatever it needs is selected with it",
                fix="select all that it needs, or everything",
            )
        if missing := sorted(reached & self.skipped):
            listed = ", ".join(missing)
            raise CaramlError(
                f"{resource.type} {resource.name!r} needs what is not there yet and is not selected: {listed}",
                where=resource.urn,
                fix="add " + " ".join(f"--target '{urn}'" for urn in missing)
                if self._targets
                else "exclude this one as well, or exclude less",
            )

    def refreshed(self) -> list[ResourceState]:
        """The resources of the state that a refresh is about."""
        if self._excludes:
            left = self._closed(self._excludes, dependents=self.selection.exclude_dependents)
            return [item for item in self.resources if item.urn not in left]
        if self._targets:
            chosen = self._closed(self._targets, dependents=self.selection.target_dependents)
            return [item for item in self.resources if item.urn in chosen]
        return self.resources

    def deleted(self, candidates: Iterable[ResourceState]) -> tuple[list[ResourceState], list[CaramlError]]:
        """Those of `candidates` that the run is to delete, and why it may not delete some of them.

        What depends on a target goes with it, if `target_dependents` allows that; what something excluded needs stays.
        """
        if self._excludes:
            kept = self._needed(self._closed(self._excludes, dependents=self.selection.exclude_dependents))
            return [item for item in candidates if item.urn not in kept], []
        if not self._targets:
            return list(candidates), []
        doomed = self._closed(self._targets, dependents=True)
        chosen = [item for item in candidates if item.urn in doomed]
        if self.selection.target_dependents:
            return chosen, []
        return chosen, [_dependent(item) for item in chosen if item.urn not in self._targets]

    def _closed(self, patterns: Patterns, *, dependents: bool) -> set[str]:
        """The URNs of the state in `patterns`, with those that directly or indirectly depend on them if asked for."""
        found = {item.urn for item in self.resources if item.urn in patterns}
        while dependents and (
            more := {item.urn for item in self.resources if item.urn not in found and needs(item) & found}
        ):
            found |= more
        return found

    def _needed(self, urns: set[str]) -> set[str]:
        """`urns` with all that they directly or indirectly need."""
        found = set(urns)
        while more := {urn for item in self.resources if item.urn in found for urn in needs(item)} - found:
            found |= more
        return found


def _dependent(item: ResourceState) -> CaramlError:
    return CaramlError(
        f"{item.type} {item.name!r} depends on a target, and would be deleted with it",
        where=item.urn,
        fix="add it with --target, or give --target-dependents",
    )
