"""Checks, and running them side by side, each within a time limit."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Thread

from caraml_pulumi.errors import CaramlError, CaramlErrors


class Level(StrEnum):
    """How a matter stands."""

    OK = "ok"
    NOTE = "note"
    """Not there, and not needed for everything."""
    WARNING = "warning"
    """Something will not work as one may expect."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found of a matter, and how to mend it. Never a secret."""

    matter: str
    level: Level
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one `area` (``this machine``, ``the project``, ...); it may find several things, one after another."""

    area: str
    matter: str
    run: Callable[[], Iterable[Finding]]


@dataclass(slots=True)
class _Running:
    check: Check
    thread: Thread
    found: list[Finding] = field(default_factory=list)


def run_checks(checks: Sequence[Check], seconds: float) -> Iterator[tuple[str, Finding]]:
    """Run `checks` side by side; what they find, with its area, in their order.

    One that takes longer than `seconds` is left behind: what it found until then counts, and that it took too long.
    """
    deadline = time.monotonic() + seconds
    running = [_start(check) for check in checks]
    for one in running:
        one.thread.join(max(0.0, deadline - time.monotonic()))
        found = list(one.found)
        if one.thread.is_alive():
            late = f"no answer within {seconds:g} s"
            found.append(Finding(one.check.matter, Level.FAILED, late, "try again, or allow more time: --timeout"))
        yield from ((one.check.area, finding) for finding in found)


def failed(matter: str, error: CaramlError, level: Level = Level.FAILED) -> Finding:
    """What an error says, as a finding."""
    single = error.errors[0] if isinstance(error, CaramlErrors) else error
    more = f" (and {len(error.errors) - 1} more)" if isinstance(error, CaramlErrors) else ""
    where = f" ({single.where})" if single.where else ""
    allowed = f"; allowed: {single.allowed}" if single.allowed else ""
    return Finding(matter, level, f"{single.what}{where}{allowed}{more}", single.fix)


def _start(check: Check) -> _Running:
    found: list[Finding] = []

    def run() -> None:
        try:
            for finding in check.run():
                found.append(finding)  # noqa: PERF402 - what is found before the time is up counts
        except CaramlError as error:
            found.append(failed(check.matter, error))
        except OSError as error:
            found.append(Finding(check.matter, Level.FAILED, f"{error.strerror or error}"))

    thread = Thread(target=run, name=f"check {check.matter}", daemon=True)
    thread.start()
    return _Running(check, thread, found)
