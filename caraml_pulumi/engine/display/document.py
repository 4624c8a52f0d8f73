"""``--json``: the document of ``pulumi preview --json``, for every operation."""

from collections.abc import Mapping
from typing import Any

from caraml_pulumi.engine.display.ops import REPLACEMENT_STEPS
from caraml_pulumi.engine.display.tree import Row, Status, Tree
from caraml_pulumi.engine.resource import STACK_TYPE
from caraml_pulumi.engine.values import SECRET_SIGNATURE, SIGNATURE_KEY, PropertyValue

_STATE_KEYS = (
    "urn",
    "custom",
    "delete",
    "external",
    "id",
    "type",
    "inputs",
    "outputs",
    "parent",
    "protect",
    "provider",
    "initErrors",
)


def document(tree: Tree, duration: float) -> dict[str, Any]:
    """Config, steps, diagnostics, violations, outputs, duration (nanoseconds, as Pulumi has it) and counts.

    A step stands for each changed resource, and for the stack itself; a replacement is one step, and so is an import,
    whose differences are what it updates.
    """
    shown = [row for row in tree.rows.values() if row.op != "same" or row.type == STACK_TYPE]
    return {
        "config": tree.config,
        "steps": [_step(row) for row in shown],
        "diagnostics": [
            {"urn": item.urn, "message": item.message, "severity": item.severity} for item in tree.diagnostics
        ],
        "policyViolations": [
            {
                "urn": item.urn,
                "policy": item.policy,
                "pack": item.pack,
                "version": item.version,
                "enforcementLevel": item.level,
                "message": item.message,
            }
            for item in tree.violations
        ],
        "outputs": _revealable(dict(tree.outputs[1])) if tree.outputs else {},
        "duration": round(duration * 1e9),
        "changeSummary": dict(sorted(tree.counts.items())),
    }


def _step(row: Row) -> dict[str, Any]:
    metadata = row.metadata
    step: dict[str, Any] = {"op": "import" if row.op == "import-update" else row.op, "urn": row.urn}
    if metadata.get("provider"):
        step["provider"] = metadata["provider"]
    for name, state in (("oldState", metadata.get("old")), ("newState", metadata.get("new"))):
        if state:
            step[name] = _state(state)
    if metadata.get("keys") and metadata["op"] in REPLACEMENT_STEPS:
        step["replaceReasons"] = list(metadata["keys"])
    if metadata.get("diffs"):
        step["diffReasons"] = list(metadata["diffs"])
    detailed = metadata.get("detailedDiff")
    step["detailedDiff"] = detailed and {
        path: {"kind": diff["diffKind"], "inputDiff": bool(diff.get("inputDiff"))} for path, diff in detailed.items()
    }
    if row.status is Status.FAILED:
        step["failed"] = True
    return step


def _state(state: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: _revealable(state[key]) for key in _STATE_KEYS if state.get(key)}
    kept["custom"] = bool(state.get("custom"))
    return {key: kept[key] for key in _STATE_KEYS if key in kept}


def _revealable(value: PropertyValue) -> PropertyValue:
    """`value` with ``[secret]`` for each secret; unknowns keep Pulumi's own mark, which programs can recognise."""
    if isinstance(value, dict):
        if value.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
            return "[secret]"
        return {key: _revealable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_revealable(item) for item in value]
    return value
