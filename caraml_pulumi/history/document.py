"""Releases and their changes as texts and as JSON."""

from collections.abc import Mapping
from difflib import unified_diff
from typing import Any, Final

import yaml

from caraml_pulumi.engine.display.values import plain_value
from caraml_pulumi.history.changes import ModelChange
from caraml_pulumi.history.models import ModelState

_FIRST: Final = ("model", "project", "version", "name", "image", "storageUri", "deploymentMode", "protocol")
"""The properties that a release begins with; the others follow by name."""
_LAST: Final = ("versions", "endpoint", "promotedFrom")


def release_text(state: ModelState | None, *, declared: bool) -> str:
    """A release as YAML, as its file said it or as its components got it; nothing if the model is not deployed."""
    return "" if state is None else yaml_text(state.document(declared=declared))


def yaml_text(document: Mapping[str, Any]) -> str:
    """A release as YAML, in the order in which people write one."""
    return yaml.safe_dump(ordered(document), sort_keys=False, allow_unicode=True, width=1_000_000)


def ordered(value: Any) -> Any:  # noqa: ANN401 - whatever YAML has there
    """`value` with the properties of each map in the order in which people write them."""
    if isinstance(value, Mapping):
        return {key: ordered(value[key]) for key in sorted(value, key=_rank)}
    return [ordered(item) for item in value] if isinstance(value, list) else value


def _rank(key: str) -> tuple[int, str]:
    if key in _FIRST:
        return _FIRST.index(key), key
    return len(_FIRST) + 1 + (_LAST.index(key) + 1 if key in _LAST else 0), key


def diff(change: ModelChange, before: int, after: int) -> list[str]:
    """The change of a release between the updates `before` and `after`, as a unified diff; empty if it is the same.

    Both sides are as their files said them where both updates recorded releases, else as their components got them.
    """
    declared = all(state is None or state.release is not None for state in (change.before, change.after))
    old, new = (release_text(state, declared=declared).splitlines() for state in (change.before, change.after))
    title, new_title = (
        f"{change.name} (update {number}{'' if state else ': not there'})"
        for number, state in ((before, change.before), (after, change.after))
    )
    return list(unified_diff(old, new, title, new_title, lineterm=""))


def change_document(change: ModelChange) -> dict[str, Any]:
    """The change of a model as JSON: as in a review's document, without objects, and in a few words."""
    objects = {"objects", "urn"}
    review = change.review().model_dump(
        mode="json", by_alias=True, exclude={"versions": {"__all__": objects}, "endpoint": objects}
    )
    promotion = change.promoted_from
    return {
        "project": change.name.project,
        "model": change.name.model,
        "change": change.kind,
        "summary": change.summary(),
        "versions": review["versions"],
        "endpoint": review["endpoint"],
        "promotedFrom": plain_value(dict(promotion)) if promotion else None,
    }


def release_document(state: ModelState | None) -> dict[str, Any] | None:
    """A release as JSON, and whether its file said it so; None if the model is not deployed."""
    if state is None:
        return None
    return {"declared": state.release is not None, "release": ordered(state.document(declared=True))}
