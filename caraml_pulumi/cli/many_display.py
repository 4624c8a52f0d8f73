"""What ``--all`` shows of its stacks while they run, and when they have ended."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from caraml_pulumi.cli.many_child import Result
from caraml_pulumi.cli.steps import duration
from caraml_pulumi.engine.display.ops import SUMMARY_ORDER, look
from caraml_pulumi.errors import INTERRUPTED

_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Board(Protocol):
    """Shows the stacks while they run. Used as a context manager around the run."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(self, *_: object) -> None:
        """End it."""

    def show(self, name: str, text: str, result: Result | None) -> None:
        """A stack has begun, is further, or has ended (`result`)."""


class LiveBoard:
    """A line for each stack, drawn anew while they run; `verb` is what is done to them, "previewing"."""

    def __init__(self, console: Console, title: str, verb: str, names: Sequence[str], *, planning: bool) -> None:
        self._console, self._title, self._verb, self._planning = console, title, verb, planning
        self._width = max(map(len, names), default=0)
        self._texts = dict.fromkeys(names, "")
        self._begun: dict[str, float] = {}
        self._ended: dict[str, Result] = {}
        self._live = Live(console=console, get_renderable=self._frame, refresh_per_second=10, transient=True)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the drawing away; what came out is printed below."""
        self._live.stop()

    def show(self, name: str, text: str, result: Result | None) -> None:
        """Take it in."""
        self._begun.setdefault(name, time.monotonic())
        if result is not None:
            self._ended[name] = result
        elif text != "begun":
            self._texts[name] = text

    def _frame(self) -> Group:
        now = time.monotonic()
        lines = [Text(self._title, "bold"), Text(), *(self._line(name, now) for name in self._texts)]
        for line in lines:
            line.truncate(self._console.width, overflow="ellipsis")
            line.no_wrap = True
        return Group(*lines)

    def _line(self, name: str, now: float) -> Text:
        shown = name.ljust(self._width)
        if result := self._ended.get(name):
            return _line(shown, result, planning=self._planning)
        if name not in self._begun:
            return Text(f"    {shown}  waiting", "dim")
        spinner = _SPINNER[int(now * 10) % len(_SPINNER)]
        passed = duration(now - self._begun[name])
        return Text.assemble(
            (f" {spinner}  ", "cyan"), (shown, "bold"), f"  {self._verb}  {passed}  {self._texts[name]}"
        )


@dataclass(frozen=True, slots=True)
class LineBoard:
    """A line when a stack begins, and one when it has ended."""

    console: Console
    title: str
    verb: str
    planning: bool

    def __enter__(self) -> Self:
        """Print the title."""
        self.console.print(self.title, style="bold")
        return self

    def __exit__(self, *_: object) -> None:
        """All is printed."""

    def show(self, name: str, text: str, result: Result | None) -> None:
        """Print it, if it began or ended."""
        if result is not None:
            self.console.print(_line(name, result, planning=self.planning), soft_wrap=True)
        elif text == "begun":
            self.console.print(f"    {name}  {self.verb}", soft_wrap=True)


@dataclass(frozen=True, slots=True)
class JsonBoard:
    """A line of JSON for each stack that has ended; of previews before a change for those that are not changed."""

    operation: str
    previews: bool = False

    def __enter__(self) -> Self:
        """There is no title."""
        return self

    def __exit__(self, *_: object) -> None:
        """All is printed."""

    def show(self, name: str, text: str, result: Result | None) -> None:
        """Print it, if it ended."""
        if result is not None and (result.exit_code or not result.changed or not self.previews):
            print(json.dumps(_document(self.operation, name, result), ensure_ascii=False), flush=True)


def print_summary(console: Console, results: Mapping[str, Result], *, planning: bool) -> None:
    """The stacks with what came out of each, then its outputs if it was changed, and how many there are of a kind."""
    width = max(map(len, results), default=0)
    console.print()
    for name, result in results.items():
        console.print(_line(name.ljust(width), result, planning=planning), soft_wrap=True)
        outputs = {} if planning or result.exit_code else result.document.get("outputs") or {}
        for key, value in sorted(outputs.items()):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            console.print(f"      {key}: {text}", style="dim", markup=False, soft_wrap=True)
    stopped = sum(result.exit_code == INTERRUPTED for result in results.values())
    failed = sum(result.exit_code != 0 for result in results.values()) - stopped
    counts = {
        "previewed" if planning else "done": len(results) - failed - stopped,
        "failed": failed,
        "stopped": stopped,
    }
    words = [f"{count} {word}" for word, count in counts.items() if count or word in ("previewed", "done")]
    console.print(Text.assemble(("\nStacks:    ", "bold"), ", ".join(words)))


def print_logs(console: Console, logs: Mapping[str, Path]) -> None:
    """The logs, each under the name of its stack."""
    for name, log in logs.items():
        console.print(f"\n=== {name} ===", style="bold")
        print(log.read_text(encoding="utf-8", errors="replace").rstrip("\n"), flush=True)


def _line(name: str, result: Result, *, planning: bool) -> Text:
    if result.exit_code:
        word = "stopped" if result.exit_code == INTERRUPTED else "failed"
        first = result.error.partition("\n")[0]
        return Text.assemble((" ✗  ", "bold red"), (name, "bold"), (f"  {word}", "bold red"), f"  {first}")
    changes = _changes(result.changes, planning=planning)
    return Text.assemble((" ✓  ", "green"), (name, "bold"), "  ", changes, (f"  {duration(result.seconds)}", "dim"))


def _changes(changes: Mapping[str, int], *, planning: bool) -> Text:
    counted = [(op, changes[op]) for op in SUMMARY_ORDER if changes.get(op)]
    if not counted:
        return Text("no changes", "dim")
    words = [
        (f"{look(op).sign} {count} {f'to {look(op).planned}' if planning else look(op).done}", look(op).style)
        for op, count in counted
    ]
    return Text(", ").join(Text(*word) for word in words)


def _document(operation: str, name: str, result: Result) -> dict[str, object]:
    """``stack``, ``operation``, ``result``, ``exitCode``, ``error``, and what ``--json`` has of one stack."""
    word = "stopped" if result.exit_code == INTERRUPTED else "failed" if result.exit_code else "succeeded"
    head: dict[str, object] = {"stack": name, "operation": operation, "result": word, "exitCode": result.exit_code}
    return {**head, **({"error": result.error} if result.error else {}), **result.document}
