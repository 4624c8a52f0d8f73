import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.alerts import (
    DEFAULT_ALERTS,
    AlertMetric,
    AlertSeverity,
    AlertSpec,
    alerts_are_distinct,
    decided_alerts,
    model_has_alerts,
)
from caraml_pulumi.model.spec import parse

specs = st.builds(
    AlertSpec,
    metric=st.sampled_from([metric for metric in AlertMetric if metric is not AlertMetric.THROUGHPUT]),
    severity=st.sampled_from(AlertSeverity),
    target=st.none() | st.floats(0, 99),
    enabled=st.booleans(),
)


def test_by_default_all_but_throughput_is_watched_with_both_severities() -> None:
    found = [(alert.metric.value, alert.severity.value, alert.target) for alert in decided_alerts([], DEFAULT_ALERTS)]
    assert found == [
        ("latency", "warning", 1000),
        ("latency", "critical", 2000),
        ("error_rate", "warning", 1),
        ("error_rate", "critical", 5),
        ("cpu", "warning", 80),
        ("cpu", "critical", 95),
        ("memory", "warning", 80),
        ("memory", "critical", 95),
    ]


@given(st.lists(specs, unique_by=lambda alert: alert.key))
def test_what_is_given_decides_and_the_rest_stays(given_alerts: list[AlertSpec]) -> None:
    decided = {alert.key: alert for alert in decided_alerts(given_alerts, DEFAULT_ALERTS)}
    defaults = {alert.key: alert.target for alert in DEFAULT_ALERTS}
    asked = {alert.key: alert for alert in given_alerts}
    for key, target in defaults.items():
        if key not in asked:
            assert decided[key].target == target
        elif asked[key].enabled:
            assert decided[key].target == (target if asked[key].target is None else asked[key].target)
        else:
            assert key not in decided
    assert all((alert.percentile is not None) == (alert.metric is AlertMetric.LATENCY) for alert in decided.values())


def test_two_percentiles_of_one_severity_are_two_alerts() -> None:
    both = [
        AlertSpec(metric=AlertMetric.LATENCY, severity=AlertSeverity.WARNING, target=target, percentile=percentile)
        for target, percentile in ((100, 50), (900, 99))
    ]
    assert alerts_are_distinct(both) == both
    latency = [alert for alert in decided_alerts(both, DEFAULT_ALERTS) if alert.key == both[0].key]
    assert [(alert.percentile, alert.target) for alert in latency] == [(50, 100), (99, 900)]


def test_an_alert_that_says_the_default_percentile_is_the_same_as_one_that_says_none() -> None:
    alert = AlertSpec(metric=AlertMetric.LATENCY, severity=AlertSeverity.WARNING, target=100)
    with pytest.raises(CaramlError, match="there are two warning alerts on latency"):
        alerts_are_distinct([alert, alert.model_copy(update={"percentile": 95.0})])


@pytest.mark.parametrize(
    ("metric", "target", "message"),
    [
        ("error_rate", 100, "no error rate is above 100 percent"),
        ("throughput", 0, "no throughput is below 0"),
        ("latency", -1, "`target` cannot be -1"),
    ],
)
def test_a_target_that_nothing_is_beyond_is_refused(metric: str, target: float, message: str) -> None:
    with pytest.raises(CaramlError, match=message):
        parse(AlertSpec, {"metric": metric, "severity": "warning", "target": target})


@pytest.mark.parametrize(
    ("name", "value"), [("target", True), ("target", "3"), ("percentile", 0.99), ("percentile", 100)]
)
def test_a_number_that_is_none_or_a_fraction_for_a_percentile_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(CaramlError) as caught:
        parse(AlertSpec, {"metric": "latency", "severity": "warning", "target": 3, name: value})
    assert caught.value.where == name


def test_a_model_that_answers_has_an_alert() -> None:
    model_has_alerts("iris", "iris-team", alerts=True)
    with pytest.raises(CaramlError, match='model "iris" in iris-team answers requests, and no alert watches it'):
        model_has_alerts("iris", "iris-team", alerts=False)
