"""The display for people at a terminal: the tree while it changes, then the result."""

import time
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from caraml_pulumi.engine.display.table import row_style, seconds, short_type, status_text, table
from caraml_pulumi.engine.display.tree import Status
from caraml_pulumi.engine.display.view import Display, Subject

FRAMES_A_SECOND: Final = 10
_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Progress(Display):
    """A live tree that gives way to the final one. Where it is higher than the terminal, only active rows are shown."""

    def __init__(self, console: Console, subject: Subject, *, show_diff: bool = False) -> None:
        super().__init__(console, subject, show_diff=show_diff)
        self._live = Live(
            console=console,
            get_renderable=self._frame,
            refresh_per_second=FRAMES_A_SECOND,
            transient=True,
            vertical_overflow="crop",
        )

    def start(self) -> None:
        """Begin to draw."""
        self._live.start()

    def stop(self, *, begun: bool) -> None:
        """Replace the live tree by the final one."""
        self._live.stop()
        if begun:
            self.print([*self.heading(), *self.tree_lines(), *self.summary_lines()])

    def _frame(self) -> Group:
        now = time.monotonic()
        width, height = self.console.size
        with self.lock:
            lines = [] if self.subject.planning else self._tree(now, height - 4)
            footer = self._footer(now)
        frame = [Text(self.subject.title, "bold"), Text(), *lines, *([Text()] if lines else []), footer]
        for line in frame:
            line.truncate(width, overflow="ellipsis")
            line.no_wrap = True
        return Group(*frame)

    def _tree(self, now: float, room: int) -> list[Text]:
        if len(self.tree.rows) <= 4 * room:
            lines = table(self.tree, now=now, planning=False, spinner=self._spinner(now))
            if len(lines) <= room:
                return lines
        active = self.tree.running()
        lines = [
            Text.assemble(
                (f" {self._spinner(now):<2} ", row_style(row, row.status)),
                f"{short_type(row.type)} ",
                (row.name, "bold"),
                (f"  {status_text(row, row.status, now, planning=False)}", row_style(row, row.status)),
                (f"  {row.message}", "italic"),
            )
            for row in active[: room - 1]
        ]
        left = len(active) - len(lines)
        return [*lines, Text(f"    … {left} more in progress", "dim")] if left > 0 else lines

    def _footer(self, now: float) -> Text:
        text = Text.assemble((f" {self._spinner(now)}  ", "cyan"))
        if self.cancelled:
            return text.append(self.cancel_text(), "bold yellow")
        rows = self.tree.rows.values()
        changed = [row for row in rows if row.changed and row.custom]
        done = sum(row.status is Status.DONE for row in changed)
        if self.subject.planning:
            text.append(f"{len(rows)} resources")
        else:
            text.append(f"{done} done, {sum(row.running for row in changed)} in progress")
        failed = sum(row.status is Status.FAILED for row in rows)
        if failed:
            text.append(f", {failed} failed", "bold red")
        return text.append(f"  {seconds(now - self.begun)}", "dim")

    @staticmethod
    def _spinner(now: float) -> str:
        return _SPINNER[int(now * FRAMES_A_SECOND) % len(_SPINNER)]
