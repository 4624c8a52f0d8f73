"""Which properties a step changes: the leaves, with their old and new values.

Where the provider says so (``detailedDiff``), its word counts: a path compares what was really there (old outputs, or
old inputs with ``inputDiff``) with what the program wants (new inputs). Otherwise the inputs are compared, which is how
components and dynamic resources are diffed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from caraml_pulumi.engine.display.paths import Path, format_path, lookup, parse_path
from caraml_pulumi.engine.display.values import is_secret
from caraml_pulumi.engine.values import PropertyValue, same

MISSING: Final = object()
"""No value at all, which is not the same as null."""


class Kind(Enum):
    """What happens to a property."""

    ADD = "+"
    UPDATE = "~"
    DELETE = "-"


@dataclass(frozen=True, slots=True)
class Change:
    """One changed property. `old` or `new` is `MISSING` where there is none; `replaces`: it forces a replacement."""

    path: Path
    kind: Kind
    old: PropertyValue
    new: PropertyValue
    replaces: bool = False

    @property
    def where(self) -> str:
        """The path as text, ``spec.containers[0].image``."""
        return format_path(self.path)


def changes_of(metadata: Mapping[str, Any], *, refreshed: bool = False) -> list[Change]:
    """The changed properties of a step, in the order of their paths.

    With `refreshed` the new value is what was found in the cluster rather than what the program asks for.
    """
    old, new = metadata.get("old") or {}, metadata.get("new") or {}
    if not old or not new:
        return []
    detailed = metadata.get("detailedDiff")
    found = list(_from_detailed(detailed, old, new, refreshed)) if detailed else []
    if not found:
        found = list(compare((), _visible(old.get("inputs")), _visible(new.get("inputs"))))
    if not found:
        found = [Change((name,), Kind.UPDATE, MISSING, MISSING) for name in metadata.get("diffs") or []]
    forcing = {parse_path(key) for key in metadata.get("keys") or []}
    marked = (
        Change(c.path, c.kind, c.old, c.new, c.replaces or any(c.path[: len(key)] == key for key in forcing))
        for c in found
    )
    return sorted(marked, key=lambda change: [(isinstance(part, str), part) for part in change.path])


def output_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """What changes from the stack outputs `old` to `new`, by output."""
    found = []
    for name in sorted({*old, *new}):
        before, after = old.get(name, MISSING), new.get(name, MISSING)
        if before is MISSING:
            found.append(Change((name,), Kind.ADD, before, after))
        elif after is MISSING:
            found.append(Change((name,), Kind.DELETE, before, after))
        elif not same(before, after):
            found.append(Change((name,), Kind.UPDATE, before, after))
    return found


def changed_names(changes: list[Change]) -> str:
    """The changed top-level properties in Pulumi's short form: ``~spec,+status``."""
    kinds: dict[str, Kind] = {}
    for change in changes:
        name = str(change.path[0])
        kind = change.kind if len(change.path) == 1 else Kind.UPDATE
        kinds[name] = kind if kinds.get(name, kind) == kind else Kind.UPDATE
    return ",".join(f"{kind.value}{name}" for name, kind in kinds.items())


_KINDS: Final = {"add": Kind.ADD, "delete": Kind.DELETE, "update": Kind.UPDATE}


def _from_detailed(
    detailed: Mapping[str, Mapping[str, Any]], old: Mapping[str, Any], new: Mapping[str, Any], refreshed: bool
) -> Iterator[Change]:
    for text, diff in detailed.items():
        kind_text, _, replaces = diff["diffKind"].partition("-")
        kind = _KINDS[kind_text]
        path = parse_path(text)
        before, after = _values(path, old, new, bool(diff.get("inputDiff")), refreshed)
        yield Change(
            path,
            kind,
            MISSING if kind is Kind.ADD else before,
            MISSING if kind is Kind.DELETE else after,
            bool(replaces),
        )


def _values(
    path: Path, old: Mapping[str, Any], new: Mapping[str, Any], input_diff: bool, refreshed: bool
) -> tuple[PropertyValue, PropertyValue]:
    """The values at `path` before and after."""

    def at(state: Mapping[str, Any], place: str) -> PropertyValue:
        return lookup(state.get(place) or {}, path, MISSING)

    if refreshed and at(old, "inputs") == at(new, "inputs"):
        return at(old, "outputs"), at(new, "outputs")
    before, after = at(old, "inputs"), at(new, "inputs")
    if not input_diff and not refreshed and (live := at(old, "outputs")) is not MISSING:
        before = live
    return before, at(new, "outputs") if after is MISSING else after


def _visible(properties: Mapping[str, Any] | None) -> dict[str, Any]:
    """Without Pulumi's own properties (``__provider``, ``__internal``), which mean nothing to a reader."""
    return {key: value for key, value in (properties or {}).items() if not key.startswith("__")}


def compare(path: Path, old: PropertyValue, new: PropertyValue) -> Iterator[Change]:
    """The leaves below `path` in which `old` and `new` differ; lists of different lengths differ as a whole."""
    if same(old, new):
        return
    if is_secret(old) or is_secret(new):
        yield Change(path, Kind.UPDATE, old, new)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _compare_item((*path, key), old.get(key, MISSING), new.get(key, MISSING))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _compare_item((*path, index), before, after)
    else:
        yield Change(path, Kind.UPDATE, old, new)


def _compare_item(path: Path, old: PropertyValue, new: PropertyValue) -> Iterator[Change]:
    if old is MISSING:
        yield Change(path, Kind.ADD, old, new)
    elif new is MISSING:
        yield Change(path, Kind.DELETE, old, new)
    else:
        yield from compare(path, old, new)
