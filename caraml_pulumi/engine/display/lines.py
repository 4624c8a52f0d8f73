"""The display for logs and pipes: a preview as one tree, a change as one line for each finished step.

A step that takes longer than `PATIENCE` seconds is announced while it is in progress, and again when its status has
changed, at most every `PAUSE` seconds, so that a log shows what a slow run is waiting for. No line is printed twice.
"""

import time
from threading import Event, Thread
from typing import Final

from rich.console import Console
from rich.text import Text

from caraml_pulumi.engine.display.ops import REPLACEMENT_STEPS, UNCHANGED, look
from caraml_pulumi.engine.display.table import FOUND, seconds, short_type
from caraml_pulumi.engine.display.tree import Row, Status
from caraml_pulumi.engine.display.view import Display, Subject

PATIENCE: Final = 2.0
"""Seconds after which a step in progress is announced."""
PAUSE: Final = 5.0
"""Seconds between two announcements of the same step."""


class Lines(Display):
    """Lines in the order of what happens; the summary at the end."""

    def __init__(self, console: Console, subject: Subject, *, show_diff: bool = False) -> None:
        super().__init__(console, subject, show_diff=show_diff)
        self._announced: dict[tuple[str, str], tuple[str, float]] = {}
        self._over = Event()
        self._watch = Thread(target=self._announce_slow_steps, name="slow-steps", daemon=True)

    def start(self) -> None:
        """Print the title."""
        self.print(self.heading())
        if not self.subject.planning:
            self._watch.start()

    def stop(self, *, begun: bool) -> None:
        """Print the tree of a preview, and the summary."""
        self._over.set()
        if self._watch.is_alive():
            self._watch.join()
        if not begun:
            return
        if self.subject.planning or self.show_diff:
            self.print(self.tree_lines())
        self.print(self.summary_lines())

    def changed(self, row: Row, now: float) -> None:
        """Print the step if it is over and changed something. Components are no steps: the resources in them are."""
        if self.subject.planning or not row.custom or row.running or row.step == "replace":
            return
        if row.step in UNCHANGED and row.status is not Status.FAILED:
            return
        words = _words(row)
        if (row.urn, words) not in self._announced:
            self._announced[row.urn, words] = "", now
            self._print_step(row, f"{words} ({seconds(row.duration)})")

    def cancelling(self) -> None:
        """Print it."""
        super().cancelling()
        self.print([Text(self.cancel_text(), "bold yellow")])

    def _announce_slow_steps(self) -> None:
        while not self._over.wait(0.5):
            now = time.monotonic()
            with self.lock:
                slow = [row for row in self.tree.running() if now - row.started >= PATIENCE and row.op not in UNCHANGED]
                for row in slow:
                    key = (row.urn, f"{row.step} in progress")
                    message, then = self._announced.get(key, (None, 0.0))
                    if message != row.message and now - then >= PAUSE:
                        self._announced[key] = row.message, now
                        passed = f"{look(row.step).running} ({seconds(now - row.started)})"
                        self._print_step(row, f"{passed}  {row.message}" if row.message else passed)

    def _print_step(self, row: Row, words: str) -> None:
        style = "bold red" if row.status is Status.FAILED else look(row.step).style
        sign = look("replace" if row.step in REPLACEMENT_STEPS else row.step).sign
        line = Text.assemble(
            (f" {sign:<2} ", style), f"{short_type(row.type)} ", (row.name, "bold"), "  ", (words, style)
        )
        self.print([line])


def _words(row: Row) -> str:
    if row.status is Status.FAILED:
        return f"{look(row.step).planned} failed"
    return FOUND[row.op] if row.refreshed else look(row.step).done
