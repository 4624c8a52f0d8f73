from collections.abc import Callable

import pytest

from caraml_pulumi import AutoscalingMetric, AutoscalingPolicy, CaramlError
from tests.unit.components.programs import recorded

CPU, MEMORY, CONCURRENCY, RPS = AutoscalingMetric


def test_the_factories_name_the_metric() -> None:
    made = [
        AutoscalingPolicy.cpu(50),
        AutoscalingPolicy.memory(60),
        AutoscalingPolicy.concurrency(0.5),
        AutoscalingPolicy.rps(20),
    ]
    assert [(policy["metric"], policy["target"]) for policy in made] == [
        (CPU, 50),
        (MEMORY, 60),
        (CONCURRENCY, 0.5),
        (RPS, 20),
    ]


@pytest.mark.parametrize(
    "factory",
    [lambda: AutoscalingPolicy.cpu(0), lambda: AutoscalingPolicy.memory(101), lambda: AutoscalingPolicy.rps(-1)],
)
def test_a_factory_refuses_a_target_that_the_metric_cannot_have(factory: Callable[[], object]) -> None:
    with pytest.raises(CaramlError, match="cannot have target"):
        factory()


def test_an_argument_without_its_name_is_refused_with_a_word_about_that() -> None:
    def program() -> None:
        AutoscalingPolicy("cpu", 50)  # type: ignore[call-overload]

    with pytest.raises(CaramlError, match=r"must be a map, not 50\n.*AutoscalingPolicy .cpu.\n.*by its name"):
        recorded(program)


def test_the_factories_take_the_settings_of_their_metric() -> None:
    made = AutoscalingPolicy.concurrency(2, window_seconds=30, activation_scale=2)
    assert made == {"metric": CONCURRENCY, "target": 2, "window_seconds": 30, "activation_scale": 2}
    assert AutoscalingPolicy.cpu(50, scale_down_delay_seconds=0)["scale_down_delay_seconds"] == 0
    assert AutoscalingPolicy.memory(50, window_seconds=60)["window_seconds"] == 60


def test_a_setting_that_the_metric_does_not_follow_is_refused_by_types_and_at_run_time() -> None:
    with pytest.raises(CaramlError, match="panicWindowPercentage has no effect on cpu_utilization"):
        AutoscalingPolicy.cpu(50, panic_window_percentage=10)  # type: ignore[call-arg]
    with pytest.raises(CaramlError, match="scaleDownDelaySeconds has no effect on memory_utilization"):
        AutoscalingPolicy.memory(50, scale_down_delay_seconds=10)  # type: ignore[call-arg]


def test_a_factory_says_where_a_setting_is_wrong() -> None:
    with pytest.raises(CaramlError) as caught:
        AutoscalingPolicy.rps(20, window_seconds=5)
    assert str(caught.value).splitlines() == [
        "5 is out of range",
        "  where:   AutoscalingPolicy.rps: window_seconds",
        "  allowed: from 6 to 3600 seconds",
    ]


def test_a_named_policy_with_settings_shows_them_in_the_stack_and_hands_them_to_versions() -> None:
    policies: list[AutoscalingPolicy] = []
    made = AutoscalingPolicy.rps(20, window_seconds=30, target_utilization_percentage=80)
    recording = recorded(lambda: policies.append(AutoscalingPolicy("bursty", made)))
    (registered,) = recording.registrations
    shown = {"metric": "rps", "target": 20, "windowSeconds": 30, "targetUtilizationPercentage": 80}
    assert registered.inputs == registered.outputs == shown
    assert policies[0].args == made


def test_a_named_policy_is_seen_in_the_stack_and_makes_no_objects() -> None:
    recording = recorded(lambda: AutoscalingPolicy("bursty", AutoscalingPolicy.rps(20)))
    (policy,) = recording.registrations
    assert policy.type == "caraml:index:AutoscalingPolicy"
    assert policy.inputs == policy.outputs == {"metric": "rps", "target": 20}


def test_a_named_policy_with_a_wrong_metric_says_which_there_are() -> None:
    with pytest.raises(CaramlError, match='`metric` cannot be "rsp"') as caught:
        recorded(lambda: AutoscalingPolicy("bursty", {"metric": "rsp", "target": 1}))  # type: ignore[call-overload]
    assert "did you mean `rps`?" in str(caught.value)
