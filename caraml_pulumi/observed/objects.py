"""Parts of an object, and its conditions."""

from typing import Any

Object = dict[str, Any]
"""A Kubernetes object as its API has it."""


def at(obj: Any, *keys: str) -> Any:  # noqa: ANN401 - part of an object
    """What is at `keys` in nested mappings; None where one is missing."""
    for key in keys:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(key)
    return obj


def items_at(obj: Any, *keys: str) -> list[Object]:  # noqa: ANN401 - part of an object
    """The mappings in the list at `keys`."""
    found = at(obj, *keys)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def text_at(obj: Any, *keys: str) -> str:  # noqa: ANN401 - part of an object
    """The text at `keys`; empty where there is none."""
    found = at(obj, *keys)
    return found if isinstance(found, str) else ""


def number_at(obj: Any, *keys: str, default: int = 0) -> int:  # noqa: ANN401 - part of an object
    """The whole number at `keys`, else `default`."""
    found = at(obj, *keys)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def condition(obj: Object, type_: str) -> Object | None:
    """The status condition `type_`, compared without case as kubectl does; None when it is not there."""
    for item in items_at(obj, "status", "conditions"):
        if str(item.get("type", "")).lower() == type_.lower():
            return item
    return None


def is_condition(obj: Object, type_: str, status: str) -> bool:
    """Whether the condition `type_` is there and has `status`: ``True``, ``False`` or ``Unknown``."""
    found = condition(obj, type_)
    return found is not None and found.get("status") == status


def observed(obj: Object, source: Object | None = None) -> bool:
    """Whether the controller has seen the current generation, by `source` (a condition) or the status itself."""
    seen = (source or {}).get("observedGeneration", at(obj, "status", "observedGeneration"))
    generation = at(obj, "metadata", "generation")
    return not isinstance(seen, int) or not isinstance(generation, int) or seen >= generation


def reason_and_message(item: Object) -> str:
    """A condition's reason and message, as far as it has them: ``ProgressDeadlineExceeded: ReplicaSet …``."""
    return ": ".join(str(part) for part in (item.get("reason"), item.get("message")) if part)
