"""Builds engine events, and replays recorded ones."""

import json
from pathlib import Path
from typing import Any

from caraml_pulumi.engine.display.tree import Tree
from caraml_pulumi.engine.events import EngineEvent
from caraml_pulumi.engine.resource import make_urn
from caraml_pulumi.engine.values import SECRET_SIGNATURE, SIGNATURE_KEY

RECORDINGS = Path(__file__).parents[3] / "conformance" / "recordings"
RECORDED = sorted(RECORDINGS.glob("*/*.events.jsonl"))
STACK = "urn:pulumi:dev::iris::pulumi:pulumi:Stack::iris-dev"
SECRET = {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": "[secret]"}


def recorded(path: Path) -> list[EngineEvent]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def tree_of(events: list[EngineEvent]) -> Tree:
    tree = Tree()
    for second, event in enumerate(events):
        tree.apply(event, float(second))
    return tree


class Resource:
    """A resource whose steps are told as events."""

    def __init__(self, type_: str, name: str, parent: str = STACK, *, custom: bool = True) -> None:
        self.type, self.parent, self.custom = type_, parent, custom
        self.urn = make_urn("dev", "iris", type_, name, parent)

    def metadata(self, op: str, old: dict[str, Any] | None, new: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
        return {
            "op": op,
            "urn": self.urn,
            "type": self.type,
            "old": self._state(old),
            "new": self._state(new),
            "detailedDiff": None,
            "provider": "",
            **more,
        }

    def _state(self, inputs: dict[str, Any] | None) -> dict[str, Any] | None:
        if inputs is None:
            return None
        return {
            "urn": self.urn,
            "type": self.type,
            "id": "an-id",
            "parent": self.parent,
            "custom": self.custom,
            "inputs": inputs,
            "outputs": inputs,
        }

    def starts(self, op: str, old: Any = None, new: Any = None, **more: Any) -> EngineEvent:
        return {"resourcePreEvent": {"metadata": self.metadata(op, old, new, **more)}}

    def ends(self, op: str, old: Any = None, new: Any = None, **more: Any) -> EngineEvent:
        return {"resOutputsEvent": {"metadata": self.metadata(op, old, new, **more)}}

    def fails(self, op: str, old: Any = None, new: Any = None) -> EngineEvent:
        return {"resOpFailedEvent": {"metadata": self.metadata(op, old, new), "status": 0, "steps": 0}}

    def does(self, op: str, old: Any = None, new: Any = None, **more: Any) -> list[EngineEvent]:
        return [self.starts(op, old, new, **more), self.ends(op, old, new, **more)]


def stack() -> Resource:
    resource = Resource("pulumi:pulumi:Stack", "iris-dev", "", custom=False)
    assert resource.urn == STACK
    return resource


def config_map(name: str, parent: str = STACK) -> Resource:
    return Resource("kubernetes:core/v1:ConfigMap", name, parent)


def diagnostic(message: str, severity: str = "error", urn: str = "", *, ephemeral: bool = False) -> EngineEvent:
    return {"diagnosticEvent": {"message": message, "severity": severity, "urn": urn, "ephemeral": ephemeral}}


def violation(level: str, urn: str = "", message: str = "three versions of iris") -> EngineEvent:
    return {
        "policyEvent": {
            "resourceUrn": urn,
            "message": message,
            "policyName": "at-most-two-versions",
            "policyPackName": "caraml",
            "policyPackVersion": "0.1.0",
            "enforcementLevel": level,
        }
    }


def summary(result: str = "succeeded", **changes: int) -> EngineEvent:
    return {"summaryEvent": {"durationSeconds": 1, "resourceChanges": changes, "result": result}}
