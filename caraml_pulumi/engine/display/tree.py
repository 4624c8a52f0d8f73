"""The resources of one operation as a tree, built from engine events: what every display shows.

Steps on the same URN become one row, as in Pulumi's own display: the three steps of a replacement are one "replace".
Default providers are left out unless they fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from caraml_pulumi.engine.display.changes import Change, changes_of
from caraml_pulumi.engine.display.ops import REPLACEMENT_STEPS, UNCHANGED
from caraml_pulumi.engine.events import EngineEvent
from caraml_pulumi.engine.reporter import is_default_provider
from caraml_pulumi.engine.resource import STACK_TYPE, urn_name, urn_type


class Status(Enum):
    """How far a row's current step is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNFINISHED = "not finished"
    """The run ended before the step did."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A message about a resource, or about the whole run (`urn` is empty then)."""

    urn: str
    severity: str
    message: str


@dataclass(frozen=True, slots=True)
class Violation:
    """A policy that a resource violates, or the whole stack does (`urn` is empty then)."""

    urn: str
    policy: str
    pack: str
    version: str
    level: str
    message: str

    @property
    def mandatory(self) -> bool:
        """Whether it stops the operation."""
        return self.level == "mandatory"


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A policy that did not judge a resource, or the whole stack (`urn` is empty then), and why."""

    urn: str
    policy: str
    pack: str
    reason: str


@dataclass(slots=True)
class Row:
    """A resource and what happens to it. `op` is the operation as a whole, `step` the step it is at."""

    urn: str
    type: str
    name: str
    parent: str = ""
    custom: bool = False
    op: str = "same"
    step: str = "same"
    status: Status = Status.RUNNING
    started: float = 0.0
    duration: float = 0.0
    """Seconds in the steps that are over."""
    message: str = ""
    """The passing status, ``waiting: 1 of 2 replicas ready``."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Of the step that holds the diff."""
    refreshed: bool = False
    """Whether the row tells what a refresh found."""
    _changes: list[Change] | None = None

    @property
    def changed(self) -> bool:
        """Whether the row is more than an unchanged resource."""
        return self.op not in UNCHANGED or self.status is Status.FAILED

    @property
    def running(self) -> bool:
        """Whether a step is in progress."""
        return self.status is Status.RUNNING

    @property
    def changes(self) -> list[Change]:
        """The changed properties, worked out once."""
        if self._changes is None:
            self._changes = changes_of(self.metadata, refreshed=self.refreshed) if self.changed else []
        return self._changes

    def elapsed(self, now: float) -> float:
        """Seconds spent on the row up to `now`."""
        return self.duration + (now - self.started if self.running else 0.0)


@dataclass(slots=True)
class Tree:
    """Everything that the events have told so far. Rows keep the order in which they appeared."""

    rows: dict[str, Row] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    unjudged: list[NotApplicable] = field(default_factory=list)
    """The policies that did not judge, and why."""
    config: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    """Resources by operation, from the summary."""
    packs: dict[str, str] = field(default_factory=dict)
    """The policy packs that judged the operation, and their versions, from the summary."""
    seconds: float = 0.0
    """How long the operation took, from the summary."""
    finished: bool = False
    failed: bool = False
    """Whether the operation ended with a failure, so that there may be more than it has told."""
    outputs: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None
    """The stack's outputs before and after; None as long as they are not known."""
    _hidden: dict[str, Row] = field(default_factory=dict)

    def apply(self, event: EngineEvent, now: float) -> Row | None:
        """Take in one event that came at `now` (seconds on any clock); the row it was about, if it is a shown one."""
        if "resourcePreEvent" in event:
            return self._start(event["resourcePreEvent"]["metadata"], now)
        if "resOutputsEvent" in event:
            return self._finish(event["resOutputsEvent"]["metadata"], now, Status.DONE)
        if "resOpFailedEvent" in event:
            return self._finish(event["resOpFailedEvent"]["metadata"], now, Status.FAILED)
        if "diagnosticEvent" in event:
            return self._diagnose(event["diagnosticEvent"])
        if "policyEvent" in event:
            return self._violate(event["policyEvent"])
        if "policyNotApplicableEvent" in event:
            self.unjudged.append(_not_applicable(event["policyNotApplicableEvent"]))
            return None
        if "preludeEvent" in event:
            self.config = dict(event["preludeEvent"].get("config") or {})
        elif "summaryEvent" in event:
            self._summarise(event["summaryEvent"], now)
        return None

    def running(self) -> list[Row]:
        """The rows with a step in progress on a real resource (not a component), in the order of their start."""
        active = [row for row in self.rows.values() if row.running and row.custom]
        return sorted(active, key=lambda row: row.started)

    def _start(self, metadata: Mapping[str, Any], now: float) -> Row | None:
        row, shown = self._row(metadata)
        op = metadata["op"]
        if op in REPLACEMENT_STEPS:
            row.op = "replace"
        elif not (row.op == "replace" and op in UNCHANGED):
            row.op = _after(row.op, op)
        row.refreshed = op == "refresh"
        row.step, row.status, row.started = op, Status.RUNNING, now
        self._keep(row, metadata)
        return row if shown else None

    def _finish(self, metadata: Mapping[str, Any], now: float, status: Status) -> Row | None:
        row, shown = self._row(metadata)
        if status is Status.FAILED:
            self.rows.setdefault(row.urn, row)
        op = metadata["op"]
        if row.refreshed:
            row.op = row.step = _found_by_refresh(metadata)
        elif op not in REPLACEMENT_STEPS:
            row.op, row.step = _after(row.op, op), op
        row.duration = row.elapsed(now)
        row.status, row.message = status, ""
        self._keep(row, metadata)
        if row.type == STACK_TYPE and row.op != "delete" and status is Status.DONE:
            old, new = metadata.get("old") or {}, metadata.get("new") or {}
            self.outputs = old.get("outputs") or {}, new.get("outputs") or {}
        return row if shown or status is Status.FAILED else None

    def _row(self, metadata: Mapping[str, Any]) -> tuple[Row, bool]:
        urn = metadata["urn"]
        state = metadata.get("new") or metadata.get("old") or {}
        shown = not is_default_provider(urn)
        rows = self.rows if shown else self._hidden
        row = rows.get(urn)
        if row is None:
            row = Row(urn, metadata.get("type") or urn_type(urn), urn_name(urn))
            rows[urn] = row
        row.parent = state.get("parent") or row.parent
        row.custom = bool(state.get("custom"))
        return row, shown

    @staticmethod
    def _keep(row: Row, metadata: Mapping[str, Any]) -> None:
        """Remember the metadata that describes the change best: of a replacement, a step that has old and new."""
        whole = metadata.get("old") and metadata.get("new")
        if row.op != "replace" or whole or not row.metadata:
            row.metadata, row._changes = metadata, None

    def _diagnose(self, diagnostic: Mapping[str, Any]) -> Row | None:
        urn = diagnostic.get("urn") or ""
        message = str(diagnostic.get("message") or "").strip("\n")
        severity = diagnostic.get("severity") or "info"
        row = self.rows.get(urn)
        if diagnostic.get("ephemeral"):
            if row is None or not row.running or not message or row.message == message:
                return None
            row.message = message
            return row
        if message and severity != "debug":
            self.diagnostics.append(Diagnostic(urn, severity, message))
        return None

    def _violate(self, violation: Mapping[str, Any]) -> Row | None:
        urn = violation.get("resourceUrn") or ""
        found = Violation(
            urn,
            violation.get("policyName") or "",
            violation.get("policyPackName") or "",
            violation.get("policyPackVersion") or "",
            violation.get("enforcementLevel") or "",
            str(violation.get("message") or "").strip("\n"),
        )
        if found not in self.violations:
            self.violations.append(found)
        return self.rows.get(urn)

    def _summarise(self, summary: Mapping[str, Any], now: float) -> None:
        """Also ends the rows that no event ended: components that register no outputs, and what a failure cut off."""
        errors = any(item.severity == "error" for item in self.diagnostics)
        self.failed = errors or summary.get("result") == "failed"
        self.counts = {str(getattr(op, "value", op)): n for op, n in (summary.get("resourceChanges") or {}).items()}
        self.packs = dict(summary.get("PolicyPacks") or {})
        self.seconds = float(summary.get("durationSeconds") or 0.0)
        self.finished = True
        for row in self.rows.values():
            if row.running:
                row.duration = row.elapsed(now)
                row.status = Status.UNFINISHED if self.failed else Status.DONE


def _not_applicable(told: Mapping[str, Any]) -> NotApplicable:
    urn, reason = told.get("resourceUrn") or "", str(told.get("reason") or "")
    return NotApplicable(urn, told["policyName"], told["policyPackName"], reason)


def _after(before: str, op: str) -> str:
    """The operation as a whole when `op` comes after `before`."""
    return "import-update" if op == "update" and before in ("import", "import-update") else op


def _found_by_refresh(metadata: Mapping[str, Any]) -> str:
    """What a refresh found: Pulumi says so in ``op`` of the outcome, or leaves ``refresh`` there."""
    op = str(metadata["op"])
    if op != "refresh":
        return op
    if not metadata.get("new"):
        return "delete"
    return "update" if changes_of(metadata, refreshed=True) else "same"
