"""Tells what happens, as engine events in order, and counts it."""

import queue
import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any, Final, Literal

from caraml_pulumi.engine.events import EngineEvent, EventSink
from caraml_pulumi.engine.providers.base import Diff
from caraml_pulumi.engine.resource import PROVIDER_PREFIX, ResourceState, urn_name, urn_type
from caraml_pulumi.engine.values import SECRET_SIGNATURE, SIGNATURE_KEY, UNKNOWN, UNKNOWN_TEXT, PropertyValue, Secret
from caraml_pulumi.errors import CaramlError

Op = Literal[
    "same",
    "create",
    "update",
    "delete",
    "replace",
    "create-replacement",
    "delete-replaced",
    "read",
    "refresh",
    "import",
    "import-replacement",
]
Severity = Literal["debug", "info", "info#err", "warning", "error"]

COUNTED: Final = frozenset({"same", "create", "update", "delete", "replace", "import"})


def is_default_provider(urn: str) -> bool:
    """Whether `urn` is a provider that the engine made for resources that named none."""
    return urn_type(urn).startswith(PROVIDER_PREFIX) and urn_name(urn).startswith("default")


@dataclass(slots=True)
class Step:
    """One operation on one resource. `logical` is false for the parts of a replacement."""

    op: Op
    urn: str
    old: ResourceState | None = None
    new: ResourceState | None = None
    diff: Diff | None = None
    logical: bool = True


@dataclass(slots=True)
class Reporter:
    """Sends events to `sink` from a thread of its own, so that a slow terminal holds up nothing.

    `close` must be called in the end: it waits until everything was shown.
    """

    sink: EventSink
    preview: bool
    changes: Counter[str] = field(default_factory=Counter)
    _queue: "queue.SimpleQueue[EngineEvent | None]" = field(default_factory=queue.SimpleQueue)
    _lock: Lock = field(default_factory=Lock)
    _sequence: int = 0
    _thread: Thread | None = None

    def __post_init__(self) -> None:
        self._thread = Thread(target=self._deliver, name="events", daemon=True)
        self._thread.start()

    def _deliver(self) -> None:
        while (event := self._queue.get()) is not None:
            self.sink(event)

    def close(self) -> None:
        """Wait until all events were delivered."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _emit(self, kind: str, payload: dict[str, Any]) -> None:
        with self._lock:
            self._sequence += 1
            self._queue.put({"sequence": self._sequence, "timestamp": int(time.time()), kind: payload})

    def prelude(self, config: dict[str, str]) -> None:
        """The configuration of this run, secrets as ``[secret]``."""
        self._emit("preludeEvent", {"config": config})

    def started(self, step: Step) -> None:
        """A step begins."""
        self._emit("resourcePreEvent", {"metadata": _metadata(step), "planning": self.preview})

    def done(self, step: Step, *, count: bool = True) -> None:
        """A step is done; `count` it in the summary unless it was counted before."""
        if count and step.op in COUNTED and not is_default_provider(step.urn):
            with self._lock:
                self.changes[step.op] += 1
        self._emit("resOutputsEvent", {"metadata": _metadata(step), "planning": self.preview})

    def failed(self, step: Step, error: CaramlError) -> None:
        """A step failed with `error`."""
        self._emit("resOpFailedEvent", {"metadata": _metadata(step), "status": 0, "steps": 0})
        self.diagnostic("error", str(error), step.urn)

    def diagnostic(self, severity: Severity, message: str, urn: str = "", *, ephemeral: bool = False) -> None:
        """A message about a resource, or about the run. Ephemeral ones are passing status lines."""
        payload = {"message": message + "\n", "color": "never", "severity": severity}
        if urn:
            payload["urn"] = urn
        if ephemeral:
            self._emit("diagnosticEvent", {**payload, "ephemeral": True})
        else:
            self._emit("diagnosticEvent", payload)

    def policy(self, event: dict[str, Any]) -> None:
        """A policy was violated; `event` is a ``policyEvent``."""
        self._emit("policyEvent", event)

    def policy_not_applicable(self, event: dict[str, Any]) -> None:
        """A policy could not judge; `event` is a ``policyNotApplicableEvent``."""
        self._emit("policyNotApplicableEvent", event)

    def summary(self, seconds: float, packs: dict[str, str], *, succeeded: bool) -> None:
        """The end of the operation."""
        self._emit(
            "summaryEvent",
            {
                "maybeCorrupt": False,
                "durationSeconds": round(seconds),
                "resourceChanges": dict(self.changes),
                "PolicyPacks": packs,
                "isPreview": self.preview,
                "result": "succeeded" if succeeded else "failed",
            },
        )
        self._emit("cancelEvent", {})


def _metadata(step: Step) -> dict[str, Any]:
    state = step.new or step.old
    old = _state(step.old)
    metadata: dict[str, Any] = {
        "op": step.op,
        "urn": step.urn,
        "type": urn_type(step.urn),
        "old": old,
        "new": old if step.new is step.old else _state(step.new),
        "detailedDiff": _detailed(step.diff),
        "provider": state.provider if state is not None else "",
    }
    if step.diff is not None and step.diff.replace_keys:
        metadata["keys"] = step.diff.replace_keys
    if step.diff is not None:
        metadata["diffs"] = sorted({path.split(".")[0].split("[")[0] for path in step.diff.detailed})
    if step.logical:
        metadata["logical"] = True
    return metadata


def _detailed(diff: Diff | None) -> dict[str, Any] | None:
    if diff is None or not diff.detailed:
        return None
    return {path: {"diffKind": kind, "inputDiff": False} for path, kind in diff.detailed.items()}


def _state(state: ResourceState | None) -> dict[str, Any] | None:
    if state is None:
        return None
    event: dict[str, Any] = {
        "type": state.type,
        "urn": state.urn,
        "id": state.id,
        "parent": state.parent,
        "inputs": shown(state.inputs),
        "outputs": shown(state.outputs),
        "provider": state.provider,
    }
    for name in ("custom", "delete", "protect", "external"):
        if getattr(state, name):
            event[name] = True
    if state.init_errors:
        event["initErrors"] = state.init_errors
    return event


_HIDDEN: Final = {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": "[secret]"}


def shown(value: PropertyValue) -> PropertyValue:
    """`value` as events carry it: secrets hidden, unknowns as Pulumi's placeholder."""
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, Secret):
        return _HIDDEN
    return UNKNOWN_TEXT if value is UNKNOWN else value
