"""How far an object is on its way to being ready."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from caraml_pulumi.engine.providers.kubernetes.objects import Object, at

Find = Callable[[str, str, str, str], Object | None]
"""Gets another object: apiVersion, kind, namespace, name; None when it does not exist."""
FindAll = Callable[[str, str, str, str], list[Object]]
"""Lists objects: apiVersion, kind, namespace, label selector."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`ready`, or what is still missing; `failed` when waiting on is of no use."""

    ready: bool
    message: str = ""
    failed: bool = False


READY = Progress(True)


def waiting(message: str) -> Progress:
    """Not ready yet, because of `message`."""
    return Progress(False, message)


def failed(message: str) -> Progress:
    """Never ready, because of `message`."""
    return Progress(False, message, failed=True)


def condition(obj: Object, type_: str) -> dict[str, Any] | None:
    """The status condition `type_`, compared without case as kubectl does; None when it is not there."""
    for item in at(obj, "status", "conditions") or []:
        if isinstance(item, dict) and str(item.get("type", "")).lower() == type_.lower():
            return item
    return None


def observed(obj: Object, source: dict[str, Any] | None = None) -> bool:
    """Whether the controller has seen the current generation, by `source` (a condition) or the status itself."""
    seen = (source or {}).get("observedGeneration", at(obj, "status", "observedGeneration"))
    generation = at(obj, "metadata", "generation")
    return not isinstance(seen, int) or not isinstance(generation, int) or seen >= generation


def reason_and_message(item: dict[str, Any]) -> str:
    """A condition's reason and message, as far as it has them: ``ProgressDeadlineExceeded: ReplicaSet …``."""
    return ": ".join(str(part) for part in (item.get("reason"), item.get("message")) if part)
