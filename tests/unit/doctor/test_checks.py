"""Checks run side by side, each as long as it may."""

import time
from collections.abc import Iterator
from threading import Barrier, Event

from caraml_pulumi.doctor.checks import Check, Finding, Level, failed, run_checks
from caraml_pulumi.errors import CaramlError, CaramlErrors


def ok(matter: str) -> Finding:
    return Finding(matter, Level.OK, "fine")


def test_checks_run_at_the_same_time_and_tell_in_their_order() -> None:
    together = Barrier(3)

    def wait(matter: str) -> Iterator[Finding]:
        together.wait(5)
        yield ok(matter)

    checks = [Check("area", name, lambda name=name: wait(name)) for name in ("one", "two", "three")]  # type: ignore[misc]
    assert [finding.matter for _, finding in run_checks(checks, 5)] == ["one", "two", "three"]


def test_a_check_that_takes_too_long_is_left_behind_with_what_it_found() -> None:
    never = Event()

    def hang() -> Iterator[Finding]:
        yield ok("first")
        never.wait(30)
        yield ok("second")

    began = time.monotonic()
    found = [finding for _, finding in run_checks([Check("area", "slow", hang), Check("area", "quick", quick)], 0.3)]
    assert time.monotonic() - began < 5
    assert [(one.matter, one.level) for one in found] == [
        ("first", Level.OK),
        ("slow", Level.FAILED),
        ("quick", Level.OK),
    ]
    assert "within 0.3 s" in found[1].text
    never.set()


def quick() -> Iterator[Finding]:
    yield ok("quick")


def test_an_error_is_a_finding_with_its_remedy_and_ends_no_other_check() -> None:
    def wrong() -> Iterator[Finding]:
        raise CaramlError("it is broken", where="here", fix="mend it")

    def unreadable() -> Iterator[Finding]:
        raise PermissionError(13, "Permission denied")

    checks = [Check("area", name, run) for name, run in (("a", wrong), ("b", unreadable), ("c", quick))]
    found = [finding for _, finding in run_checks(checks, 5)]
    assert found[0] == Finding("a", Level.FAILED, "it is broken (here)", "mend it")
    assert found[1].text == "Permission denied"
    assert found[2] == ok("quick")


def test_of_several_errors_the_first_is_told_and_the_others_are_counted() -> None:
    errors = CaramlErrors([CaramlError("one"), CaramlError("two"), CaramlError("three")])
    assert failed("files", errors).text == "one (and 2 more)"
