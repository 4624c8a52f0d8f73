"""How far an object is on its way to being ready."""

from collections.abc import Callable
from dataclasses import dataclass

from caraml_pulumi.engine.providers.kubernetes.objects import Object

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
