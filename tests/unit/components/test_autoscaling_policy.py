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


def test_a_named_policy_is_seen_in_the_stack_and_makes_no_objects() -> None:
    recording = recorded(lambda: AutoscalingPolicy("bursty", AutoscalingPolicy.rps(20)))
    (policy,) = recording.registrations
    assert policy.type == "caraml:index:AutoscalingPolicy"
    assert policy.inputs == policy.outputs == {"metric": "rps", "target": 20}


def test_a_named_policy_with_a_wrong_metric_says_which_there_are() -> None:
    with pytest.raises(CaramlError, match='`metric` cannot be "rsp"') as caught:
        recorded(lambda: AutoscalingPolicy("bursty", {"metric": "rsp", "target": 1}))  # type: ignore[call-overload]
    assert "did you mean `rps`?" in str(caught.value)
