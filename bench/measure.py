"""Whole processes, timed."""

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One process: wall and processor time in seconds; the most memory it had in MiB (at least ours)."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


@dataclass(slots=True)
class Series:
    """What one tool took for one operation, run by run."""

    operation: str
    tool: str
    samples: list[Sample] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median wall time in seconds."""
        return statistics.median(sample.seconds for sample in self.samples)

    def document(self) -> dict[str, Any]:
        """As JSON data."""
        seconds = [sample.seconds for sample in self.samples]
        return {
            "operation": self.operation,
            "tool": self.tool,
            "seconds": {"min": min(seconds), "median": self.median, "max": max(seconds), "all": seconds},
            "cpu_seconds": statistics.median(sample.cpu_seconds for sample in self.samples),
            "peak_mib": max(sample.peak_mib for sample in self.samples),
        }


class FailedRun(Exception):
    """A measured process failed: there is nothing to compare."""


def measured(command: Sequence[str], directory: Path, environment: Mapping[str, str]) -> Sample:
    """Run `command` to its end. Raises `FailedRun` with its output when it fails."""
    with (directory / "output.txt").open("w+") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            raise FailedRun(f"{' '.join(command)}: exit code {process.returncode}\n{output.read()[-4000:]}")
    return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
