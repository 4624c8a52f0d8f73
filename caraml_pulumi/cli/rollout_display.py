"""How a rollout is shown: a live table on a terminal, lines in a log, events for programs."""

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from caraml_pulumi.cli.steps import duration
from caraml_pulumi.rollout.plan import RolloutPlan, weights_text
from caraml_pulumi.rollout.run import Pace
from caraml_pulumi.rollout.verdict import Check, State, Verdict

QUIET_SECONDS: Final = 30.0
"""How often a log is told that nothing has changed."""
_STYLES: Final = {State.HOLDS: "green", State.BREACHED: "bold red"}


class RolloutDisplay(ABC):
    """Shows one rollout; `run.Show` with a beginning and an end."""

    def __init__(self, plan: RolloutPlan, checks: Sequence[Check], pace: Pace, console: Console) -> None:
        self.plan = plan
        self.checks = checks
        self.pace = pace
        self.console = console

    @abstractmethod
    def start(self, step: int, *, resumes: bool) -> None:
        """Say what is going to happen."""

    @abstractmethod
    def begin(self, step: int) -> None:
        """A step's update is about to run."""

    @abstractmethod
    def watch(self, step: int, elapsed_seconds: float, verdict: Verdict) -> None:
        """Prometheus was asked, `elapsed_seconds` after the step's update."""

    @abstractmethod
    def held(self, step: int, verdict: Verdict) -> None:
        """A step held."""

    @abstractmethod
    def back(self, reason: str) -> None:
        """The weights before are about to be restored."""

    @abstractmethod
    def wait(self, text: str) -> None:
        """Something else has to end first."""

    @abstractmethod
    def end(self, went_back: str) -> None:
        """The rollout is over."""

    @abstractmethod
    def close(self) -> None:
        """Leave the terminal to others."""


class Lines(RolloutDisplay):
    """A line for each thing that happens."""

    _said: State | None = None
    _said_at = 0.0

    def start(self, step: int, *, resumes: bool) -> None:
        """The steps, what holds them, and what happens otherwise."""
        plan = self.plan
        steps = ", ".join(f"{percent} %" for percent in plan.percents)
        begins = f"goes on at {self.label(step)} of" if resumes else "in steps:"
        limits = ", ".join(f"{check.title} up to {check.shown(check.limit)}" for check in self.checks)
        self.line(f"[bold]Rollout of {escape(plan.name)} to version {plan.to}[/] {begins} {steps}")
        self.line(f"  [dim]a step holds[/]  {limits}, for {duration(self.pace.pause_seconds)}")
        self.line(f"  [dim]otherwise[/]     back to {weights_text(plan.before)}")
        self.line("")

    def begin(self, step: int) -> None:
        """The weights of the step."""
        self.line(f"{self.label(step)}: {weights_text(self.plan.weights(step))}")

    def watch(self, step: int, elapsed_seconds: float, verdict: Verdict) -> None:
        """A new verdict at once, the same every so often."""
        if verdict.state is not self._said or elapsed_seconds - self._said_at >= QUIET_SECONDS:
            self._said, self._said_at = verdict.state, elapsed_seconds
            style = _STYLES.get(verdict.state, "yellow")
            self.line(f"  {duration(elapsed_seconds)}  [{style}]{verdict.state}[/]  {escape(verdict.text)}")

    def held(self, step: int, verdict: Verdict) -> None:
        """What it held with."""
        self._said = None
        self.line(f"  [green]✓[/] held: {escape(verdict.text)}")

    def back(self, reason: str) -> None:
        """Why, and to what."""
        self.line(f"  [red]✗[/] {escape(reason)}: back to {weights_text(self.plan.before)}")

    def wait(self, text: str) -> None:
        """What has to end first."""
        self.line(f"  waiting: {escape(text)}")

    def end(self, went_back: str) -> None:
        """How the requests are divided now."""
        name = escape(self.plan.name)
        if went_back:
            self.line(f"\n[bold]{name} is back:[/] {weights_text(self.plan.before)}")
        else:
            self.line(f"\n[bold green]{name} is rolled out:[/] {weights_text(self.plan.after)}")

    def close(self) -> None:
        """Nothing: lines hold no terminal."""

    def label(self, step: int) -> str:
        """``step 2 of 4``."""
        return f"step {step + 1} of {len(self.plan.percents)}"

    def line(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, soft_wrap=True)


@dataclass(slots=True)
class _Row:
    """What the table says of a step."""

    state: str = ""
    values: list[str] = field(default_factory=list)
    since: float = 0.0
    took: str = ""


class LiveTable(Lines):
    """A table of all steps, with the time that is left of the current one."""

    def __init__(self, plan: RolloutPlan, checks: Sequence[Check], pace: Pace, console: Console) -> None:
        super().__init__(plan, checks, pace, console)
        self._rows = [_Row() for _ in plan.percents]
        self._current: _Row | None = None
        self._note = ""
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=4)

    def begin(self, step: int) -> None:
        """The step's row comes alive."""
        self._enter(step)
        self._rows[step].state = "[cyan]updating[/]"

    def watch(self, step: int, elapsed_seconds: float, verdict: Verdict) -> None:
        """The newest values, and whether they are good."""
        row = self._enter(step)
        row.since = time.monotonic() - elapsed_seconds
        row.state = f"[{_STYLES.get(verdict.state, 'yellow')}]{verdict.state}[/]"
        row.values = [self._value(check, verdict.values.get(check.title)) for check in self.checks]
        self._note = escape(verdict.text) if verdict.state in (State.UNREACHABLE, State.NO_SAMPLES) else ""

    def held(self, step: int, verdict: Verdict) -> None:
        """The step is done."""
        row = self._enter(step)
        row.state, row.took, row.since = "[green]✓ held[/]", duration(time.monotonic() - row.since), 0.0
        self._note, self._current = "", None

    def back(self, reason: str) -> None:
        """The step that failed, and the way back."""
        if self._current is not None:
            self._current.state, self._current.since = "[red]✗ failed[/]", 0.0
        self._live.start()
        self._note = f"[red]{escape(reason)}[/]: going back to {weights_text(self.plan.before)}"

    def wait(self, text: str) -> None:
        """What has to end first."""
        self._note = f"waiting: {escape(text)}"

    def end(self, went_back: str) -> None:
        """How it ended, below the table."""
        self._note = ""
        self.close()
        super().end(went_back)

    def close(self) -> None:
        """The table stays as it is."""
        self._live.stop()

    def _enter(self, step: int) -> _Row:
        self._live.start()
        row = self._rows[step]
        if self._current is not row:
            self._current, row.since = row, time.monotonic()
        return row

    @staticmethod
    def _value(check: Check, value: float | None) -> str:
        if value is None:
            return "[dim]-[/]"
        return f"[red]{check.shown(value)}[/]" if value > check.limit else check.shown(value)

    def _table(self) -> Table:
        table = Table("STEP", "WEIGHT", "STATE", box=None, pad_edge=False, header_style="dim", caption_justify="left")
        for check in self.checks:
            table.add_column(f"{check.title.upper()} ≤ {check.shown(check.limit)}", justify="right")
        table.add_column("TIME", justify="right")
        for number, (percent, row) in enumerate(zip(self.plan.percents, self._rows, strict=True), 1):
            values = row.values or [""] * len(self.checks)
            table.add_row(str(number), f"{percent} %", row.state, *values, row.took or self._left(row))
        table.caption = self._note or None
        return table

    def _left(self, row: _Row) -> str:
        """How long the step is still watched."""
        if not row.since or not row.values:
            return ""
        left = self.pace.pause_seconds - (time.monotonic() - row.since)
        return f"{duration(left)} left" if left > 0 else "waiting"


class Events(RolloutDisplay):
    """A JSON object in a line for each thing that happens: `--json`."""

    def start(self, step: int, *, resumes: bool) -> None:
        """``start``."""
        self._event(
            "start",
            model=self.plan.model,
            project=self.plan.project,
            to=self.plan.to,
            steps=list(self.plan.percents),
            before=dict(self.plan.before),
            limits={check.title: check.limit for check in self.checks},
            step=step + 1,
            resumes=resumes,
        )

    def begin(self, step: int) -> None:
        """``step``."""
        self._event("step", step=step + 1, weights=dict(self.plan.weights(step)))

    def watch(self, step: int, elapsed_seconds: float, verdict: Verdict) -> None:
        """``measured``."""
        self._event(
            "measured",
            step=step + 1,
            seconds=round(elapsed_seconds, 1),
            verdict=verdict.state.value,
            values={
                title: value if value is None or math.isfinite(value) else str(value)
                for title, value in verdict.values.items()
            },
            text=verdict.text,
        )

    def held(self, step: int, verdict: Verdict) -> None:
        """``held``."""
        self._event("held", step=step + 1, text=verdict.text)

    def back(self, reason: str) -> None:
        """``back``."""
        self._event("back", reason=reason, weights=dict(self.plan.before))

    def wait(self, text: str) -> None:
        """``waiting``."""
        self._event("waiting", text=text)

    def end(self, went_back: str) -> None:
        """``end``, with the result ``finished`` or ``back``."""
        weights = self.plan.before if went_back else self.plan.after
        self._event("end", result="back" if went_back else "finished", weights=dict(weights))

    def close(self) -> None:
        """Nothing: events hold no terminal."""

    @staticmethod
    def _event(name: str, **values: object) -> None:
        print(json.dumps({"event": name, **values}, ensure_ascii=False), flush=True)
