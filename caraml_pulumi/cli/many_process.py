"""Runs stacks under ``--all``, each in a process of its own, several at a time, those referred to first."""

import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from caraml_pulumi.cli.many_child import Result, Task
from caraml_pulumi.cli.terminal import colors
from caraml_pulumi.errors import FAILED, INTERRUPTED

GRACE: Final = 10.0
"""Seconds that processes have to end after a second Ctrl-C, which they do at once unless they hang."""

Show = Callable[[str, str, Result | None], None]
"""Told about a stack by its name: a line of how far it is, or how it ended."""


@dataclass(frozen=True, slots=True)
class Job:
    """A task, where its log goes, and the names of the jobs that are to end before it."""

    task: Task
    log: Path
    after: frozenset[str]


class Jobs:
    """Runs jobs, `parallel` at a time, and tells `show` how each goes.

    Ctrl-C (or SIGTERM) is passed on: what runs ends in order, nothing more is begun. The second ends all at once.
    """

    def __init__(self, jobs: Mapping[str, Job], parallel: int, show: Show) -> None:
        self._jobs = jobs
        self._parallel = parallel
        self._show = show
        self._waiting = list(jobs)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: dict[str, Result] = {}
        self._news: queue.SimpleQueue[tuple[str, str, Result | None]] = queue.SimpleQueue()
        self._stops = 0
        self._deadline = float("inf")

    def run(self) -> dict[str, Result]:
        """Run them all; how each ended, in the order of the jobs."""
        with self._stoppable():
            while self._waiting or self._running:
                self._begin()
                try:
                    name, text, result = self._news.get(timeout=0.2)
                except queue.Empty:
                    self._kill_hanging()
                    continue
                if result is not None:
                    del self._running[name]
                    self._ended[name] = result
                self._show(name, text, result)
        return {name: self._ended[name] for name in self._jobs}

    @property
    def stopped(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._stops > 0

    def _begin(self) -> None:
        """Begin what may begin; leave out what waits for something that failed, and all after a Ctrl-C."""
        for name in list(self._waiting):
            result = self._left_out(name)
            if result is not None:
                self._waiting.remove(name)
                self._ended[name] = result
                self._show(name, "", result)
        for name in list(self._waiting):
            if len(self._running) < self._parallel and self._is_ready(name):
                self._waiting.remove(name)
                self._start(name)

    def _left_out(self, name: str) -> Result | None:
        if self._stops:
            return Result(INTERRUPTED, error="not begun: stopped before")
        failed = sorted(one for one in self._jobs[name].after if one in self._ended and self._ended[one].exit_code)
        return Result(FAILED, error=f"not begun: it refers to {', '.join(failed)}, which failed") if failed else None

    def _is_ready(self, name: str) -> bool:
        """Whether all it waits for has ended. In a circle of references the first goes ahead."""
        if self._jobs[name].after <= self._ended.keys():
            return True
        stuck = not self._running and not any(self._jobs[one].after <= self._ended.keys() for one in self._waiting)
        return stuck and name == self._waiting[0]

    def _start(self, name: str) -> None:
        job = self._jobs[name]
        reading, writing = os.pipe()
        with open(os.open(job.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "caraml_pulumi.cli.many_child", str(writing)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[writing],
                env={**os.environ, **({"FORCE_COLOR": "1"} if colors(sys.stdout) else {})},
                start_new_session=True,  # Ctrl-C reaches it through us, so that each gets as many as we were given
            )
        os.close(writing)
        self._running[name] = process
        self._show(name, "begun", None)
        threading.Thread(target=self._follow, args=(name, process, reading, job), name=name, daemon=True).start()

    def _follow(self, name: str, process: "subprocess.Popen[bytes]", reading: int, job: Job) -> None:
        """Give the process its task, and pass on what it reports until it ends."""
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        result = None
        try:
            process.stdin.write(pickle.dumps(job.task))
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it ended at once; its exit code tells
        with open(reading, encoding="utf-8") as reports:
            for line in reports:
                message: dict[str, Any] = json.loads(line)
                if "result" in message:
                    result = Result(**message["result"])
                else:
                    self._news.put((name, message["progress"], None))
        exit_code = process.wait()
        process.stdin.close()
        self._news.put((name, "", _result(result, exit_code, job.log)))

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        def stop(_number: int, _frame: FrameType | None) -> None:
            self._stops += 1
            if self._stops == 2:
                self._deadline = time.monotonic() + GRACE
            self._signal(signal.SIGINT)

        previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _kill_hanging(self) -> None:
        if time.monotonic() > self._deadline:
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        """To the process and those it started without a session of their own, as a terminal does."""
        for process in list(self._running.values()):
            if process.poll() is None:
                with suppress(ProcessLookupError):  # it ended just now
                    os.killpg(process.pid, number)


def _result(result: Result | None, exit_code: int, log: Path) -> Result:
    """What a process reported; its exit code where it could not."""
    if result is not None and (result.exit_code or not exit_code):
        return result
    if exit_code in (INTERRUPTED, -signal.SIGINT):
        return Result(INTERRUPTED, error="stopped at once")
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    said = next((line for line in lines if line.startswith("internal error: ")), f"its process ended with {exit_code}")
    return Result(exit_code if exit_code > 0 else FAILED, error=f"{said}\n  where:   {log}")
