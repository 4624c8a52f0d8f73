"""What every display is: it takes in the events of one operation, and shows the result at the end."""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from threading import RLock
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from caraml_pulumi.engine.display.diff import diff
from caraml_pulumi.engine.display.summary import summary
from caraml_pulumi.engine.display.table import table
from caraml_pulumi.engine.display.tree import Row, Tree
from caraml_pulumi.engine.events import EngineEvent

_TITLES = {
    ("update", True): "Previewing update",
    ("update", False): "Updating",
    ("refresh", True): "Previewing refresh",
    ("refresh", False): "Refreshing",
    ("destroy", True): "Previewing destroy",
    ("destroy", False): "Destroying",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is shown: `operation` is update, refresh or destroy; `stack` is ``project/stack``."""

    operation: str
    stack: str
    planning: bool

    @property
    def title(self) -> str:
        """The heading, ``Previewing update (iris/dev)``."""
        return f"{_TITLES[self.operation, self.planning]} ({self.stack})"

    @property
    def failure(self) -> str:
        """What to say when it failed and the reasons were shown."""
        return f"the {'preview' if self.planning else self.operation} of {self.stack} failed"


class Display(ABC):
    """Shows one operation. Use it as a context manager around the operation, with `sink` taking the events."""

    def __init__(self, console: Console, subject: Subject, *, show_diff: bool = False) -> None:
        self.console = console
        self.subject = subject
        self.show_diff = show_diff
        self.tree = Tree()
        self.lock = RLock()
        self.begun = time.monotonic()
        self.ended: float | None = None
        self.cancelled = False

    def __enter__(self) -> Self:
        self.begun = time.monotonic()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended = time.monotonic()
        self.stop(begun=error is None or bool(self.tree.rows or self.tree.diagnostics))

    def sink(self, event: EngineEvent) -> None:
        """Take in an event."""
        now = time.monotonic()
        with self.lock:
            row = self.tree.apply(event, now)
            if row is not None:
                self.changed(row, now)

    @property
    def elapsed(self) -> float:
        """Seconds since the operation began, up to its end."""
        return (self.ended or time.monotonic()) - self.begun

    def start(self) -> None:
        """Called before the first event."""

    @abstractmethod
    def stop(self, *, begun: bool) -> None:
        """Called after the last event, also after a failure; `begun` is false if the operation could not begin."""

    def changed(self, row: Row, now: float) -> None:
        """Called for each event about a resource, with the lock held."""

    def cancelling(self) -> None:
        """Say that the operation is being stopped. It may be called from a signal handler."""
        self.cancelled = True

    def cancel_text(self) -> str:
        """What to tell somebody who pressed Ctrl-C once."""
        count = len(self.tree.running())
        waiting = f"waiting for {count} operation{'s' if count != 1 else ''} in progress"
        return f"stopping: {waiting} (Ctrl-C again to stop at once)"

    def print(self, lines: list[Text]) -> None:
        """Print lines; on a terminal what is too long goes on below its own beginning, in a log it stays one line."""
        shown = [part for line in lines for part in self._wrapped(line)] if self.console.is_terminal else lines
        self.console.print(Text("\n").join(shown), soft_wrap=True, highlight=False)

    def _wrapped(self, line: Text) -> list[Text]:
        if line.cell_len <= self.console.width:
            return [line]
        indent = len(line.plain) - len(line.plain.lstrip(" "))
        parts = line[indent:].wrap(self.console, max(self.console.width - indent, 20))
        return [Text(" " * indent).append_text(part) for part in parts]

    def print_details(self) -> None:
        """Print the changes again, with every property."""
        self.print([Text(), *diff(self.tree)])

    def heading(self) -> list[Text]:
        """The title and an empty line."""
        return [Text(self.subject.title, "bold"), Text()]

    def tree_lines(self) -> list[Text]:
        """The whole tree as it stands, with or without all properties."""
        if not any(row.op != "same" for row in self.tree.rows.values()):
            return [Text("    No changes before it failed." if self.tree.failed else "    No changes.", "dim")]
        if self.show_diff:
            return diff(self.tree)
        planning = self.subject.planning
        return table(self.tree, now=time.monotonic(), planning=planning, inline=planning)

    def summary_lines(self) -> list[Text]:
        """The blocks below the tree."""
        return summary(self.tree, planning=self.subject.planning, duration=self.elapsed)
