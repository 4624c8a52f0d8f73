"""Events of the Pulumi CLI, as the Automation API passes them on, made those of our own engine."""

from dataclasses import dataclass, field
from enum import Enum
from threading import Lock
from typing import Any, Final

from caraml_pulumi.engine.api import ChangeRule
from caraml_pulumi.engine.events import EngineEvent, EventSink
from caraml_pulumi.engine.resource import STACK_TYPE
from caraml_pulumi.engine.values import PropertyValue
from caraml_pulumi.errors import CaramlError

_EXACT_NAMES: Final = {"policy_packs": "PolicyPacks"}
"""Attributes of the Automation API whose JSON name is not simply in camel case."""
_STANDARD_ERROR: Final = "info#err"
"""The severity of what a program writes to its standard error."""
_INTERRUPTED: Final = frozenset({"preview failed", "update failed"})
"""What the CLI says when it ends a program."""


def event_to_json(event: object) -> PropertyValue:
    """An event of the Automation API as the JSON of Pulumi's event log, what is not set left out."""
    if isinstance(event, Enum):
        return event.value
    if isinstance(event, dict):
        return {event_to_json(key): event_to_json(value) for key, value in event.items()}
    if isinstance(event, list | tuple):
        return [event_to_json(item) for item in event]
    if not hasattr(event, "__dict__"):
        return event
    found: dict[str, Any] = {}
    for attribute, value in vars(event).items():
        if value is not None:
            found[_EXACT_NAMES.get(attribute) or _camel(attribute)] = event_to_json(value)
    return found


def _pack_name(name: str) -> str:
    """The name of a policy pack, which the CLI writes as ``name|local|directory``."""
    return name.partition("|")[0]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


@dataclass(slots=True)
class Watcher:
    """Passes events on, one at a time, and remembers what an `Outcome` needs; holds planned changes to `rules`."""

    sink: EventSink
    changes: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    rules: tuple[ChangeRule, ...] = ()
    refusals: list[CaramlError] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    forbidden: bool = False
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, event: object) -> None:
        """Take in an event of the Automation API, from any thread."""
        with self._lock:
            document: EngineEvent = event_to_json(event)
            if self._is_of_interrupted_program(document):
                return
            if packs := (document.get("summaryEvent") or {}).get("PolicyPacks"):
                document["summaryEvent"]["PolicyPacks"] = {_pack_name(name): version for name, version in packs.items()}
            self._remember(document)
            self._judge(document)
            self.sink(document)

    def _remember(self, event: EngineEvent) -> None:
        if summary := event.get("summaryEvent"):
            self.changes = dict(summary["resourceChanges"])
        elif policy := event.get("policyEvent"):
            self.forbidden = self.forbidden or policy["enforcementLevel"] == "mandatory"
        elif diagnostic := event.get("diagnosticEvent"):
            if diagnostic["severity"] == "error" and not diagnostic.get("ephemeral"):
                self.errors.append(diagnostic["message"].strip())
        elif (done := event.get("resOutputsEvent")) and done["metadata"]["type"] == STACK_TYPE:
            self.outputs = (done["metadata"].get("new") or {}).get("outputs") or {}

    def _is_of_interrupted_program(self, event: EngineEvent) -> bool:
        """Whether it is a line of the traceback of a program that the CLI interrupted when a policy was violated."""
        return (
            self.forbidden
            and (event.get("diagnosticEvent") or {}).get("severity") == _STANDARD_ERROR
            and any(error in _INTERRUPTED for error in self.errors)
        )

    def _judge(self, event: EngineEvent) -> None:
        """Hold a planned change to the rules; secret values are hidden in events, and the same on both sides."""
        step = (event.get("resourcePreEvent") or {}).get("metadata") or {}
        old, new = step.get("old") or {}, step.get("new") or {}
        for rule in self.rules if old and new else ():
            try:
                rule(step["type"], old.get("inputs") or {}, new.get("inputs") or {})
            except CaramlError as error:
                self.refusals.append(error)
