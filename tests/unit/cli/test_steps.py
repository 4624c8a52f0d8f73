import io
import time

import pytest
from rich.console import Console

from caraml_pulumi.cli import steps
from caraml_pulumi.cli.steps import Steps, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (0.44, "0.4 s"), (9.94, "9.9 s"), (12.4, "12 s"), (60, "1 min 00 s"), (187.2, "3 min 07 s")],
)
def test_times_are_told_as_people_tell_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_finished_step_is_one_line_with_its_time() -> None:
    output = io.StringIO()
    with Steps(Console(file=output)).step("build [kwok]"):
        pass
    assert output.getvalue() == "✓ build [kwok] 0.0 s\n"


def test_a_failed_step_is_marked_and_the_failure_goes_on() -> None:
    output = io.StringIO()
    with pytest.raises(ValueError, match="broken"), Steps(Console(file=output)).step("build"):
        raise ValueError("broken")
    assert output.getvalue() == "✗ build 0.0 s\n"


def test_a_long_step_says_now_and_then_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(steps, "QUIET_SECONDS", 0.1)
    output = io.StringIO()
    with Steps(Console(file=output, width=20)).step("build") as say:
        say("10 of 100 packages, about 2 min left")
        time.sleep(0.2)
        say("90 of 100 packages")
        time.sleep(0.15)
    lines = output.getvalue().splitlines()
    assert lines[0] == "… build: 0.1 s, 10 of 100 packages, about 2 min left"
    assert lines[-2].endswith("90 of 100 packages")
    assert 4 <= len(lines) <= 6


def test_a_terminal_shows_the_latest_note_on_one_live_line() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=80, color_system=None)
    with Steps(console).step("build") as say:
        say("10 of 100 packages")
        time.sleep(0.2)
    assert "10 of 100 packages" in output.getvalue()
    assert output.getvalue().rstrip().endswith("✓ build 0.2 s")
