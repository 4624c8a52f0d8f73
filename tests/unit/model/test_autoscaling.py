import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import autoscaling
from caraml_pulumi.model.autoscaling import HPA, KPA, SETTINGS_OF_AUTOSCALER, AutoscalingMetric, AutoscalingSpec
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.spec import parse

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


def policy(metric: AutoscalingMetric, target: object = 50, **settings: object) -> AutoscalingSpec:
    return parse(AutoscalingSpec, {"metric": metric, "target": target, **settings})


@pytest.mark.parametrize("target", ["50", True, None, float("inf"), float("nan")])
def test_a_target_is_a_number(target: object) -> None:
    with pytest.raises(CaramlError) as caught:
        policy(RPS, target)
    assert caught.value.where == "target"


@pytest.mark.parametrize(
    ("setting", "lowest", "highest"),
    [
        ("window_seconds", 6, 3600),
        ("panic_window_percentage", 1, 100),
        ("panic_threshold_percentage", 110, 1000),
        ("target_utilization_percentage", 1, 100),
        ("scale_down_delay_seconds", 0, 3600),
        ("scale_to_zero_retention_seconds", 0, 3600),
    ],
)
def test_a_setting_has_the_range_that_knative_gives_it(setting: str, lowest: int, highest: int) -> None:
    for value in (lowest, highest):
        assert getattr(policy(RPS, **{setting: value}), setting) == value
    for value in (lowest - 1, highest + 1):
        with pytest.raises(CaramlError, match=f"{value} is out of range") as caught:
            policy(RPS, **{setting: value})
        assert caught.value.where == setting
        assert caught.value.allowed.startswith(f"from {lowest} to {highest} ")


def test_an_activation_scale_is_of_more_than_one_replica() -> None:
    assert policy(RPS, activation_scale=2).activation_scale == 2
    with pytest.raises(CaramlError, match="1 is out of range") as caught:
        policy(RPS, activation_scale=1)
    assert caught.value.where == "activation_scale"


@pytest.mark.parametrize("setting", ["window_seconds", "scale_down_delay_seconds", "scale_to_zero_retention_seconds"])
def test_knative_takes_whole_seconds_only(setting: str) -> None:
    with pytest.raises(CaramlError, match=r"7\.5 is not a whole number"):
        policy(RPS, **{setting: 7.5})


@pytest.mark.parametrize(
    ("metric", "followed"),
    [
        (CPU, {"window_seconds", "scale_down_delay_seconds"}),
        (MEMORY, {"window_seconds"}),
        (CONCURRENCY, set(SETTINGS_OF_AUTOSCALER[KPA])),
        (RPS, set(SETTINGS_OF_AUTOSCALER[KPA])),
    ],
)
@pytest.mark.parametrize("setting", SETTINGS_OF_AUTOSCALER[KPA])
def test_a_setting_that_no_autoscaler_of_the_metric_follows_is_refused_by_name(
    metric: AutoscalingMetric, followed: set[str], setting: str
) -> None:
    value = 110 if setting == "panic_threshold_percentage" else 10
    if setting in followed:
        policy(metric, **{setting: value})
    else:
        with pytest.raises(CaramlError, match=f"{to_camel(setting)} has no effect on {metric}") as caught:
            policy(metric, **{setting: value})
        assert caught.value.where == setting


@given(st.sampled_from(AutoscalingMetric), st.floats(allow_nan=False, allow_infinity=False))
def test_no_accepted_target_is_ever_written_as_zero(metric: AutoscalingMetric, target: float) -> None:
    try:
        autoscaling.autoscaling_target_in_range(metric, target)
    except CaramlError:
        return
    assert float(autoscaling.knative_target(metric, target, "1Gi")) >= 0.01


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
