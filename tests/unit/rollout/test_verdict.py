"""Whether a step holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.alerts import DEFAULT_ALERTS, AlertMetric, AlertSeverity, AlertSpec, decided_alerts
from caraml_pulumi.rollout.verdict import Check, Decision, State, Verdict, Watch, checks_of, judge

ERRORS = Check(AlertMetric.ERROR_RATE, 1)
LATENCY = Check(AlertMetric.LATENCY, 1000, 95)


def verdict(state: State) -> Verdict:
    return Verdict(state, "", {})


def test_the_strictest_alerts_are_the_thresholds() -> None:
    assert checks_of(decided_alerts([], DEFAULT_ALERTS)) == (ERRORS, LATENCY)


def test_each_percentile_is_a_threshold_of_its_own() -> None:
    latency = AlertSpec(metric=AlertMetric.LATENCY, severity=AlertSeverity.CRITICAL, target=3000, percentile=99)
    checks = checks_of(decided_alerts([latency], DEFAULT_ALERTS))
    assert [(check.title, check.limit) for check in checks] == [
        ("error rate", 1),
        ("p95 latency", 1000),
        ("p99 latency", 3000),
    ]


def test_limits_of_the_command_line_come_before_the_alerts() -> None:
    checks = checks_of(decided_alerts([], DEFAULT_ALERTS), max_error_rate=0, max_latency=50)
    assert checks == (Check(AlertMetric.ERROR_RATE, 0), Check(AlertMetric.LATENCY, 50, 95))
    assert checks_of([], max_latency=50) == (Check(AlertMetric.LATENCY, 50, 95),)


def test_with_no_alerts_nothing_could_be_judged() -> None:
    cpu = AlertSpec(metric=AlertMetric.CPU, severity=AlertSeverity.WARNING, target=80)
    with pytest.raises(CaramlError, match="nothing says whether a step holds") as error:
        checks_of([cpu])
    assert "--max-error-rate" in error.value.fix


def test_a_value_at_its_limit_still_holds() -> None:
    found = judge({ERRORS: 1.0, LATENCY: 1000.0})
    assert (found.state, found.text) == (State.HOLDS, "error rate 1 %, p95 latency 1000 ms")


def test_one_value_above_its_limit_is_enough_whatever_is_missing() -> None:
    found = judge({ERRORS: 12.345, LATENCY: None})
    assert (found.state, found.text) == (State.BREACHED, "error rate 12.3 % is above 1 %")


def test_what_has_no_samples_does_not_hold() -> None:
    found = judge({ERRORS: 0.0, LATENCY: None})
    assert (found.state, found.text) == (State.NO_SAMPLES, "Prometheus has no samples of p95 latency")


def decisions(watch: Watch, *verdicts: tuple[State, float]) -> list[Decision]:
    return [watch.decide(verdict(state), elapsed) for state, elapsed in verdicts]


def test_a_step_that_holds_lasts_its_pause() -> None:
    found = decisions(Watch(60, 3), (State.HOLDS, 0), (State.HOLDS, 59), (State.HOLDS, 60))
    assert found == [Decision.WAIT, Decision.WAIT, Decision.PROCEED]


def test_one_breach_may_be_chance_and_two_in_a_row_are_not() -> None:
    states = [State.BREACHED, State.HOLDS, State.BREACHED, State.BREACHED]
    found = decisions(Watch(60, 3), *((state, second) for second, state in enumerate(states)))
    assert found == [Decision.WAIT, Decision.WAIT, Decision.WAIT, Decision.BACK]


def test_a_first_good_verdict_at_the_end_of_the_pause_is_asked_for_again() -> None:
    found = decisions(
        Watch(60, 3), (State.NO_SAMPLES, 58), (State.HOLDS, 60), (State.BREACHED, 61), (State.BREACHED, 62)
    )
    assert found == [Decision.WAIT, Decision.WAIT, Decision.WAIT, Decision.BACK]


@pytest.mark.parametrize("state", [State.NO_SAMPLES, State.UNREACHABLE])
def test_what_is_not_known_is_waited_for_and_then_does_not_hold(state: State) -> None:
    watch = Watch(60, patience=3)
    assert watch.decide(verdict(state), 179) is Decision.WAIT
    assert watch.decide(verdict(state), 180) is Decision.BACK


def test_a_step_without_traffic_holds_if_that_is_allowed_but_not_without_prometheus() -> None:
    allowed = decisions(Watch(60, 3, allow_no_traffic=True), (State.NO_SAMPLES, 58), (State.NO_SAMPLES, 60))
    assert allowed == [Decision.WAIT, Decision.PROCEED]
    away = decisions(Watch(60, 3, allow_no_traffic=True), (State.UNREACHABLE, 60), (State.UNREACHABLE, 180))
    assert away == [Decision.WAIT, Decision.BACK]


@given(states=st.lists(st.sampled_from(State), min_size=200, max_size=200), patience=st.integers(1, 3))
def test_every_watch_comes_to_an_end_and_proceeds_on_a_good_verdict_alone(states: list[State], patience: int) -> None:
    watch = Watch(60, patience)
    for second, state in enumerate(states):
        decision = watch.decide(verdict(state), second)
        if decision is Decision.PROCEED:
            assert state is State.HOLDS
            assert second >= 60
        if decision is not Decision.WAIT:
            return
    raise AssertionError("it waits for ever")
