from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.autoscaling import METRICS_OF_MODE, MOST_REPLICAS, AutoscalingMetric, scales_to_zero
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.resources import ResourceRequest
from caraml_pulumi.model.scaling import (
    Scaling,
    ScalingSettings,
    enough_replicas,
    plan_scaling,
    replica_bounds_agree,
    replicas_are_bounded,
    replicas_in_range,
    zero_of_autoscaler_can_wake,
    zero_of_class_can_wake,
    zero_replicas_can_wake,
)
from caraml_pulumi.model.spec import dotted, located, parse

CPU, MEMORY, CONCURRENCY, RPS = AutoscalingMetric
SERVERLESS, RAW = DeploymentMode
DEFAULTS = ResourceRequest(min_replica=0, max_replica=1)


class Scaled(ScalingSettings):
    resource_request: ResourceRequest = ResourceRequest()


def plan(
    mode: DeploymentMode = SERVERLESS,
    *,
    ceiling: int | None = None,
    defaults: ResourceRequest = DEFAULTS,
    memory_request: str = "1Gi",
    zero_initial_scale: bool = False,
    **given: Any,
) -> Scaling:
    with located(dotted, given):
        spec = parse(Scaled, given)
        return plan_scaling(
            spec,
            spec.resource_request,
            defaults,
            mode=mode,
            ceiling=ceiling,
            memory_request=memory_request,
            zero_initial_scale=zero_initial_scale,
        )


def bounds(mode: DeploymentMode = SERVERLESS, **given: Any) -> tuple[int, int]:
    scaling = plan(mode, **given)
    return scaling.min_replica, scaling.max_replica


def policy(metric: AutoscalingMetric, target: float = 50, **settings: float) -> dict[str, Any]:
    return {"metric": metric.value, "target": target, **settings}


@pytest.mark.parametrize(("mode", "metric", "target"), [(SERVERLESS, CONCURRENCY, 1), (RAW, CPU, 50)])
def test_without_a_policy_a_mode_scales_as_in_merlin(
    mode: DeploymentMode, metric: AutoscalingMetric, target: float
) -> None:
    decided = plan(mode).policy
    assert decided is not None
    assert (decided.metric, decided.target) == (metric, target)


def test_the_environments_minimum_of_zero_is_raised_to_one_where_nothing_could_wake_the_version() -> None:
    assert bounds(SERVERLESS) == (0, 1)
    assert bounds(RAW) == (1, 1)
    assert bounds(SERVERLESS, autoscaling_policy=policy(MEMORY)) == (1, 1)


def test_the_environments_range_makes_room_for_what_is_asked() -> None:
    assert bounds(resource_request={"min_replica": 3}) == (3, 3)
    assert bounds(resource_request={"max_replica": 1}, defaults=ResourceRequest(min_replica=2, max_replica=4)) == (1, 1)


@pytest.mark.parametrize("metric", [CONCURRENCY, RPS])
def test_serverless_on_requests_may_scale_to_zero(metric: AutoscalingMetric) -> None:
    asked = {"min_replica": 0, "max_replica": 2}
    assert bounds(autoscaling_policy=policy(metric), resource_request=asked) == (0, 2)


@pytest.mark.parametrize(("mode", "metric"), [(SERVERLESS, CPU), (SERVERLESS, MEMORY), (RAW, CPU)])
def test_a_version_that_could_not_wake_up_may_not_scale_to_zero(
    mode: DeploymentMode, metric: AutoscalingMetric
) -> None:
    with pytest.raises(CaramlError, match="minReplica 0 would never wake up") as caught:
        plan(mode, autoscaling_policy=policy(metric), resource_request={"min_replica": 0, "max_replica": 2})
    assert caught.value.where == "resource_request"


@pytest.mark.parametrize(
    ("minimum", "maximum", "message"),
    [
        (-1, 1, "cannot be from -1 to 1"),
        (0, 0, "cannot be from 0 to 0"),
        (3, 2, "minReplica 3 is more than maxReplica 2"),
        (1, MOST_REPLICAS + 1, "more than Kubernetes can count"),
    ],
)
def test_replica_bounds_that_cannot_be_are_refused(minimum: int, maximum: int, message: str) -> None:
    with pytest.raises(CaramlError, match=message):
        replicas_in_range(minimum, maximum, metric=RPS, mode=SERVERLESS, ceiling=None)


@pytest.mark.parametrize("asked", [{"resource_request": {"max_replica": 6}}, {"replicas": 6}])
def test_more_replicas_than_the_environment_allows_are_refused(asked: dict[str, Any]) -> None:
    assert plan(**asked, ceiling=6).max_replica == 6
    with pytest.raises(CaramlError, match="6 is more than the environment allows") as caught:
        plan(**asked, ceiling=5)
    assert caught.value.allowed == "at most 5 (maxAllowedReplica)"


def test_a_metric_that_the_mode_cannot_scale_on_is_refused_where_it_is_written() -> None:
    with pytest.raises(CaramlError, match="RAW_DEPLOYMENT cannot scale on rps") as caught:
        plan(RAW, autoscalingPolicy=policy(RPS))
    assert caught.value.where == "autoscalingPolicy.metric"


def test_a_target_of_less_than_a_mebibyte_is_refused_where_it_is_written() -> None:
    with pytest.raises(CaramlError, match="1 % of the memory request 10Mi is less than 1Mi") as caught:
        plan(autoscaling_policy=policy(MEMORY, 1), memory_request="10Mi")
    assert caught.value.where == "autoscaling_policy.target"


@pytest.mark.parametrize("mode", DeploymentMode)
def test_a_fixed_number_of_replicas_has_no_policy(mode: DeploymentMode) -> None:
    assert plan(mode, replicas=3) == Scaling(3, 3, None)


def test_a_fixed_number_of_replicas_is_at_least_one() -> None:
    with pytest.raises(CaramlError, match="replicas cannot be 0") as caught:
        plan(replicas=0)
    assert (caught.value.where, caught.value.allowed) == ("replicas", "at least 1")


@pytest.mark.parametrize(
    ("contrary", "named"),
    [
        ({"autoscaling_policy": policy(RPS)}, "autoscalingPolicy"),
        ({"initial_scale": 1}, "initialScale"),
        ({"resource_request": {"min_replica": 1}}, "resourceRequest.minReplica"),
        (
            {"resource_request": {"min_replica": 1, "max_replica": 2}},
            "resourceRequest.minReplica and resourceRequest.maxReplica",
        ),
    ],
)
def test_a_fixed_number_of_replicas_excludes_what_scales(contrary: dict[str, Any], named: str) -> None:
    with pytest.raises(CaramlError) as caught:
        plan(replicas=2, **contrary)
    assert caught.value.what == f"replicas 2 is a fixed number, which contradicts {named}"
    assert caught.value.fix == f"leave out replicas, or {named}"


@pytest.mark.parametrize(
    ("mode", "metric", "setting"),
    [
        (RAW, CPU, "scale_down_delay_seconds"),
        (RAW, CPU, "window_seconds"),
        (SERVERLESS, MEMORY, "window_seconds"),
        (SERVERLESS, RPS, "scale_to_zero_retention_seconds"),
    ],
)
def test_a_setting_that_the_autoscaler_follows_is_kept(
    mode: DeploymentMode, metric: AutoscalingMetric, setting: str
) -> None:
    decided = plan(mode, autoscaling_policy=policy(metric, **{setting: 30})).policy
    assert decided is not None
    assert getattr(decided, setting) == 30


def test_a_setting_that_only_another_mode_follows_is_refused_in_this_one() -> None:
    given = policy(CPU, scaleDownDelaySeconds=30)
    plan(RAW, autoscalingPolicy=given)
    with pytest.raises(CaramlError) as caught:
        plan(SERVERLESS, autoscalingPolicy=given)
    assert caught.value.what == "scaleDownDelaySeconds has no effect on cpu_utilization in SERVERLESS"
    assert caught.value.where == "autoscalingPolicy.scaleDownDelaySeconds"
    assert caught.value.allowed == "windowSeconds"


@pytest.mark.parametrize(("activation_scale", "refused"), [(2, True), (3, False), (5, False), (6, True)])
def test_an_activation_scale_is_within_the_range_of_replicas(activation_scale: int, refused: bool) -> None:
    given: dict[str, Any] = {
        "autoscaling_policy": policy(RPS, activation_scale=activation_scale),
        "resource_request": {"min_replica": 3, "max_replica": 5},
    }
    if refused:
        with pytest.raises(CaramlError, match="is not between minReplica 3 and maxReplica 5") as caught:
            plan(**given)
        assert (caught.value.where, caught.value.allowed) == ("autoscaling_policy.activation_scale", "from 3 to 5")
    else:
        plan(**given)


def test_an_activation_scale_needs_room_for_two_replicas() -> None:
    with pytest.raises(CaramlError) as caught:
        plan(autoscaling_policy=policy(RPS, activation_scale=2))
    assert caught.value.fix == "raise maxReplica, or leave out activationScale"


@pytest.mark.parametrize(
    ("initial_scale", "zero_allowed", "refused"),
    [(0, True, False), (0, False, True), (1, False, False), (4, False, False), (5, True, True), (-1, True, True)],
)
def test_an_initial_scale_is_one_that_the_cluster_and_the_range_allow(
    initial_scale: int, zero_allowed: bool, refused: bool
) -> None:
    given: dict[str, Any] = {"initial_scale": initial_scale, "resource_request": {"max_replica": 4}}
    if refused:
        with pytest.raises(CaramlError) as caught:
            plan(**given, zero_initial_scale=zero_allowed)
        assert caught.value.where == "initial_scale"
        assert caught.value.allowed == f"from {0 if zero_allowed else 1} to maxReplica 4"
    else:
        assert plan(**given, zero_initial_scale=zero_allowed).initial_scale == initial_scale


@pytest.mark.parametrize("metric", [CPU, MEMORY])
def test_what_kubernetes_scales_does_not_start_without_replicas(metric: AutoscalingMetric) -> None:
    plan(autoscaling_policy=policy(metric), initial_scale=1, zero_initial_scale=True)
    with pytest.raises(CaramlError, match=f"would never wake up: SERVERLESS scales on {metric}") as caught:
        plan(autoscaling_policy=policy(metric), initial_scale=0, zero_initial_scale=True)
    assert caught.value.allowed == "from 1 to maxReplica 1"


def test_a_raw_deployment_has_no_initial_scale() -> None:
    with pytest.raises(CaramlError, match="initialScale has no effect in RAW_DEPLOYMENT"):
        plan(RAW, initial_scale=1)


@given(
    st.sampled_from(DeploymentMode),
    st.none() | st.sampled_from(AutoscalingMetric),
    st.none() | st.integers(-2, 9),
    st.none() | st.integers(-2, 9),
    st.none() | st.integers(1, 6),
    st.integers(0, 5),
    st.integers(1, 5),
)
def test_a_range_that_is_planned_is_one_that_kubernetes_takes_and_the_platform_allows(
    mode: DeploymentMode,
    metric: AutoscalingMetric | None,
    minimum: int | None,
    maximum: int | None,
    ceiling: int | None,
    default_minimum: int,
    default_maximum: int,
) -> None:
    settings: dict[str, Any] = {"autoscaling_policy": policy(metric)} if metric else {}
    try:
        scaling = plan(
            mode,
            ceiling=ceiling,
            defaults=ResourceRequest(min_replica=default_minimum, max_replica=default_maximum),
            resource_request={"min_replica": minimum, "max_replica": maximum},
            **settings,
        )
    except CaramlError:
        return
    assert scaling.policy is not None
    assert scaling.policy.metric in METRICS_OF_MODE[mode]
    assert (0 if scales_to_zero(scaling.policy.metric, mode) else 1) <= scaling.min_replica <= scaling.max_replica
    assert scaling.max_replica >= 1
    assert ceiling is None or scaling.max_replica <= ceiling
    assert minimum is None or scaling.min_replica == minimum
    assert maximum is None or scaling.max_replica == maximum


@pytest.mark.parametrize(("minimum", "maximum"), [(-1, 1), (0, 0), (3, 2)])
def test_bounds_that_are_no_range_are_refused(minimum: int, maximum: int) -> None:
    with pytest.raises(CaramlError):
        replica_bounds_agree(minimum, maximum)
    replica_bounds_agree(0, 1)


def test_the_environments_least_and_most_are_said() -> None:
    enough_replicas("minReplica", 2, 2)
    replicas_are_bounded("max-scale", None)
    with pytest.raises(CaramlError, match="minReplica 1 is less than the environment wants"):
        enough_replicas("minReplica", 1, 2)
    with pytest.raises(CaramlError, match="max-scale is missing"):
        replicas_are_bounded("max-scale", 4)


@pytest.mark.parametrize("mode", DeploymentMode)
@pytest.mark.parametrize("metric", AutoscalingMetric)
def test_zero_replicas_are_refused_exactly_where_nothing_wakes_them(
    mode: DeploymentMode, metric: AutoscalingMetric
) -> None:
    try:
        zero_replicas_can_wake(metric, mode)
        wakes = True
    except CaramlError:
        wakes = False
    assert wakes == scales_to_zero(metric, mode)


def test_autoscalers_of_kubernetes_do_not_wake_what_they_only_look_at() -> None:
    zero_of_class_can_wake("min-scale", "kpa.autoscaling.knative.dev")
    zero_of_autoscaler_can_wake(["Resource", "External"])
    with pytest.raises(CaramlError, match="min-scale 0 would never wake up"):
        zero_of_class_can_wake("min-scale", "hpa.autoscaling.knative.dev")
    with pytest.raises(CaramlError, match="measures nothing but its pods"):
        zero_of_autoscaler_can_wake(["Resource", "Pods"])
