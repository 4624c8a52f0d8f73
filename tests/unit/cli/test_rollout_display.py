"""What a rollout shows: lines in a log, a table on a terminal, events for programs."""

import io
import json

import pytest
from rich.console import Console

from caraml_pulumi.cli.rollout_display import Events, Lines, LiveTable, RolloutDisplay
from caraml_pulumi.model.alerts import AlertMetric
from caraml_pulumi.rollout.plan import plan_rollout
from caraml_pulumi.rollout.run import Pace
from caraml_pulumi.rollout.verdict import Check, Verdict, judge

ERRORS = Check(AlertMetric.ERROR_RATE, 1)
LATENCY = Check(AlertMetric.LATENCY, 1000, 95)
PLAN = plan_rollout("team", "iris", 2, {1: 100}, [25, 100])
GOOD = judge({ERRORS: 0.0, LATENCY: 45.678})
BAD = judge({ERRORS: 12.0, LATENCY: 45.678})


def shown(kind: type[RolloutDisplay], *, terminal: bool = False) -> tuple[RolloutDisplay, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, width=100, force_terminal=terminal, color_system=None)
    return kind(PLAN, (ERRORS, LATENCY), Pace(300, patience=3), console), stream


def go_back(display: RolloutDisplay) -> None:
    display.start(0, resumes=False)
    display.begin(0)
    for second, verdict in enumerate([GOOD] * 29):
        display.watch(0, second, verdict)
    display.held(0, GOOD)
    display.begin(1)
    display.watch(1, 1, BAD)
    display.back(BAD.text)
    display.end(BAD.text)
    display.close()


def test_a_log_has_a_line_for_each_change() -> None:
    display, stream = shown(Lines)
    go_back(display)
    assert stream.getvalue().splitlines() == [
        "Rollout of team/iris to version 2 in steps: 25 %, 100 %",
        "  a step holds  error rate up to 1 %, p95 latency up to 1000 ms, for 5 min 00 s",
        "  otherwise     back to version 1: 100 %",
        "",
        "step 1 of 2: version 1: 75 %, version 2: 25 %",
        "  0.0 s  holds  error rate 0 %, p95 latency 45.7 ms",
        "  ✓ held: error rate 0 %, p95 latency 45.7 ms",
        "step 2 of 2: version 1: 0 %, version 2: 100 %",
        "  1.0 s  breached  error rate 12 % is above 1 %",
        "  ✗ error rate 12 % is above 1 %: back to version 1: 100 %",
        "",
        "team/iris is back: version 1: 100 %",
    ]


def test_a_log_hears_every_half_minute_that_nothing_has_changed() -> None:
    display, stream = shown(Lines)
    for second in range(0, 100, 5):
        display.watch(0, second, GOOD)
    assert [line.split("  ")[1] for line in stream.getvalue().splitlines()] == [
        "0.0 s",
        "30 s",
        "1 min 00 s",
        "1 min 30 s",
    ]


def test_what_prometheus_says_is_no_markup() -> None:
    display, stream = shown(Lines)
    display.watch(0, 0, Verdict(judge({}).state, "[bold]no[/wrong]", {}))
    assert "[bold]no[/wrong]" in stream.getvalue()


def test_a_terminal_has_a_table_with_the_values_of_each_step() -> None:
    display, stream = shown(LiveTable, terminal=True)
    go_back(display)
    last = stream.getvalue()[stream.getvalue().rindex("STEP") :]
    rows = [" ".join(line.split()) for line in last.splitlines()]
    assert rows[0] == "STEP WEIGHT STATE ERROR RATE ≤ 1 % P95 LATENCY ≤ 1000 ms TIME"
    assert rows[1].startswith("1 25 % ✓ held 0 % 45.7 ms ")
    assert rows[2].startswith("2 100 % ✗ failed 12 % 45.7 ms")


def test_a_terminal_says_how_long_a_step_is_still_watched() -> None:
    display, stream = shown(LiveTable, terminal=True)
    display.begin(0)
    display.watch(0, 100, GOOD)
    display.close()
    assert "3 min 20 s left" in stream.getvalue()


def test_programs_get_an_event_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    display, stream = shown(Events)
    go_back(display)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events if event["event"] != "measured"] == [
        "start",
        "step",
        "held",
        "step",
        "back",
        "end",
    ]
    assert events[0]["limits"] == {"error rate": 1, "p95 latency": 1000}
    assert events[2] == {
        "event": "measured",
        "step": 1,
        "seconds": 0,
        "verdict": "holds",
        "values": {"error rate": 0.0, "p95 latency": 45.678},
        "text": "error rate 0 %, p95 latency 45.7 ms",
    }
    assert events[-1] == {"event": "end", "result": "back", "weights": {"1": 100}}
    assert stream.getvalue() == ""


def test_an_infinite_value_is_json_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    display, _ = shown(Events)
    display.watch(0, 1, judge({ERRORS: float("inf"), LATENCY: None}))
    event = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert event["values"] == {"error rate": "inf", "p95 latency": None}
