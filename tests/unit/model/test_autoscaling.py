import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import autoscaling
from caraml_pulumi.model.autoscaling import HPA, KPA, AutoscalingMetric
from caraml_pulumi.model.modes import DeploymentMode

CPU, MEMORY, CONCURRENCY, RPS = AutoscalingMetric
SERVERLESS, RAW = DeploymentMode


@pytest.mark.parametrize(
    ("metric", "mode", "allowed"),
    [
        (CPU, SERVERLESS, True),
        (MEMORY, SERVERLESS, True),
        (CONCURRENCY, SERVERLESS, True),
        (RPS, SERVERLESS, True),
        (CPU, RAW, True),
        (MEMORY, RAW, False),
        (CONCURRENCY, RAW, False),
        (RPS, RAW, False),
    ],
)
def test_serverless_scales_on_all_four_metrics_and_raw_deployments_on_cpu_alone(
    metric: AutoscalingMetric, mode: DeploymentMode, allowed: bool
) -> None:
    if allowed:
        autoscaling.autoscaling_metric_allowed_in_mode(metric, mode)
    else:
        with pytest.raises(CaramlError, match=f"RAW_DEPLOYMENT cannot scale on {metric}") as caught:
            autoscaling.autoscaling_metric_allowed_in_mode(metric, mode)
        assert caught.value.allowed == "cpu_utilization"


@pytest.mark.parametrize(
    ("metric", "target"),
    [(CPU, 0), (CPU, -1), (CPU, 100.1), (CPU, 0.4), (MEMORY, 101), (CONCURRENCY, 0), (CONCURRENCY, 0.004), (RPS, 0.3)],
)
def test_a_target_that_is_out_of_range_or_would_be_written_as_zero_is_refused(
    metric: AutoscalingMetric, target: float
) -> None:
    with pytest.raises(CaramlError, match=f"{metric} cannot have target"):
        autoscaling.autoscaling_target_in_range(metric, target)


@pytest.mark.parametrize(
    ("metric", "target", "memory", "written"),
    [
        (CPU, 50, "1Gi", "50"),
        (RPS, 100, "1Gi", "100"),
        (CONCURRENCY, 1, "1Gi", "1.00"),
        (CONCURRENCY, 0.01, "1Gi", "0.01"),
        (MEMORY, 50, "1Gi", "512"),
        (MEMORY, 80, "500Mi", "400"),
    ],
)
def test_targets_are_written_as_merlin_writes_them(
    metric: AutoscalingMetric, target: float, memory: str, written: str
) -> None:
    assert autoscaling.knative_target(metric, target, memory) == written


def test_a_memory_target_below_one_mebibyte_is_refused() -> None:
    with pytest.raises(CaramlError, match="is less than 1Mi"):
        autoscaling.knative_target(MEMORY, 1, "10Mi")


@given(st.sampled_from(AutoscalingMetric), st.floats(allow_nan=False, allow_infinity=False))
def test_no_accepted_target_is_ever_written_as_zero(metric: AutoscalingMetric, target: float) -> None:
    try:
        autoscaling.autoscaling_target_in_range(metric, target)
    except CaramlError:
        return
    assert float(autoscaling.knative_target(metric, target, "1Gi")) >= 0.01


@pytest.mark.parametrize("metric", [CONCURRENCY, RPS])
def test_serverless_on_requests_may_scale_to_zero(metric: AutoscalingMetric) -> None:
    autoscaling.replicas_in_range(0, 2, metric=metric, mode=SERVERLESS, ceiling=None)


@pytest.mark.parametrize(("metric", "mode"), [(CPU, SERVERLESS), (MEMORY, SERVERLESS), (CPU, RAW)])
def test_a_version_that_could_not_wake_up_may_not_scale_to_zero(
    metric: AutoscalingMetric, mode: DeploymentMode
) -> None:
    with pytest.raises(CaramlError, match="would never wake up"):
        autoscaling.replicas_in_range(0, 2, metric=metric, mode=mode, ceiling=None)


@pytest.mark.parametrize(
    ("minimum", "maximum", "message"),
    [
        (-1, 1, "cannot be from -1 to 1"),
        (0, 0, "cannot be from 0 to 0"),
        (3, 2, "minReplica 3 is more than maxReplica 2"),
    ],
)
def test_replica_bounds_that_contradict_each_other_are_refused(minimum: int, maximum: int, message: str) -> None:
    with pytest.raises(CaramlError, match=message):
        autoscaling.replicas_in_range(minimum, maximum, metric=RPS, mode=SERVERLESS, ceiling=None)


def test_more_replicas_than_the_environment_allows_are_refused() -> None:
    autoscaling.replicas_in_range(1, 5, metric=RPS, mode=SERVERLESS, ceiling=5)
    with pytest.raises(CaramlError, match="more than the environment allows"):
        autoscaling.replicas_in_range(1, 6, metric=RPS, mode=SERVERLESS, ceiling=5)


@pytest.mark.parametrize(
    ("class_", "metric", "measured"),
    [
        (KPA, "rps", True),
        (HPA, "cpu", True),
        (HPA, "rps", False),
        (KPA, "cpu", False),
        ("keda.example.com", "lag", True),
    ],
)
def test_a_knative_autoscaler_that_does_not_measure_the_metric_is_refused(
    class_: str, metric: str, measured: bool
) -> None:
    if measured:
        autoscaling.autoscaling_class_measures_metric(class_, metric)
    else:
        with pytest.raises(CaramlError, match=f"{class_} cannot scale on {metric}"):
            autoscaling.autoscaling_class_measures_metric(class_, metric)
