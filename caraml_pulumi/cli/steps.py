"""Shows the steps of a long operation: a live line on a terminal, plain lines elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from caraml_pulumi.cluster.report import Say

FIRST_SECONDS, QUIET_SECONDS = 2.0, 15.0
"""When a step that takes long first says how far it is, and how often from then on, where output is no terminal."""


class Steps:
    """Writes to standard error, so that standard output stays for what a command answers."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=sys.stderr, highlight=False, emoji=False)

    @contextmanager
    def step(self, title: str) -> Iterator[Say]:
        """Show a step while it lasts, then its time; a failed one is marked."""
        started = time.monotonic()
        show = self._live if self.console.is_terminal else self._lines
        mark = "[red]✗[/]"
        try:
            with show(title, started) as say:
                yield say
            mark = "[green]✓[/]"
        finally:
            self.console.print(f"{mark} {escape(title)} [dim]{duration(time.monotonic() - started)}[/]", soft_wrap=True)

    def note(self, text: str) -> None:
        """Print a remark."""
        self.console.print(f"[dim]{escape(text)}[/]", soft_wrap=True)

    @contextmanager
    def _live(self, title: str, started: float) -> Iterator[Say]:
        """A spinner with the latest note and the time so far."""
        latest = ""

        def text() -> str:
            parts = [escape(title), f"[dim]{duration(time.monotonic() - started)}[/]", escape(latest)]
            return "  ".join(part for part in parts if part)

        def say(note: str) -> None:
            nonlocal latest
            latest = note
            status.update(text())

        with self.console.status(text()) as status, _every(0.5, 0.5, lambda: status.update(text())):
            yield say

    @contextmanager
    def _lines(self, title: str, started: float) -> Iterator[Say]:
        """A line with the latest note every so often, for logs."""
        latest = ""

        def say(note: str) -> None:
            nonlocal latest
            latest = note

        def line() -> None:
            note = f", {latest}" if latest else ""
            self.console.print(
                f"… {escape(title)}: {duration(time.monotonic() - started)}{escape(note)}", soft_wrap=True
            )

        with _every(FIRST_SECONDS, QUIET_SECONDS, line):
            yield say


def duration(seconds: float) -> str:
    """A time that has passed, as "0.4 s", "12 s" or "3 min 07 s"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


@contextmanager
def _every(first_seconds: float, seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Do something after a while, and then again and again, in the background, while the block lasts."""
    done = threading.Event()

    def loop() -> None:
        wait = first_seconds
        while not done.wait(wait):
            act()
            wait = seconds

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
