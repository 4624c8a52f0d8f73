"""How far an upload is."""

import time
from collections.abc import Callable
from threading import Lock

_GIB, _MIB = 1 << 30, 1 << 20
_BAR = 10
"""The width of the bar, in characters."""


class Progress:
    """Counts from any thread; `on_change` is told after each step, one call at a time."""

    def __init__(self, on_change: "Callable[[Progress], None]" = lambda progress: None) -> None:
        self._on_change = on_change
        self._lock = Lock()
        self._started = time.monotonic()
        self.files = self.size = self.done_files = self.done_bytes = self.sent_files = self.sent_bytes = 0

    def begin(self, files: int, size: int) -> None:
        """The upload is of so many files and bytes, and begins now."""
        self.files, self.size, self._started = files, size, time.monotonic()

    def add(self, size: int, *, files: int = 0) -> None:
        """So much is done without having been sent: it was there, or was copied on the server."""
        self._count(size, 0, files, 0)

    def sent(self, size: int, *, files: int = 0) -> None:
        """So much is done and was sent."""
        self._count(size, size, files, files)

    @property
    def text(self) -> str:
        """``━━━━━━──── 60 % of 2.0 GiB, 1204 of 2000 files, 85 MiB/s``."""
        unit, name = (_GIB, "GiB") if self.size >= _GIB else (_MIB, "MiB")
        rate = self.sent_bytes / _MIB / max(time.monotonic() - self._started, 0.001)
        done = self.done_bytes / self.size if self.size else 1.0
        bar = "━" * int(done * _BAR) + "─" * (_BAR - int(done * _BAR))
        return (
            f"{bar} {int(done * 100)} % of {self.size / unit:.1f} {name}, "
            f"{self.done_files} of {self.files} files, {rate:.0f} MiB/s"
        )

    def _count(self, done: int, sent: int, files: int, sent_files: int) -> None:
        with self._lock:
            self.done_bytes += done
            self.sent_bytes += sent
            self.done_files += files
            self.sent_files += sent_files
            self._on_change(self)
