import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.manifests.autoscaling import ANNOTATIONS, horizontal_pod_autoscaler, knative_annotations
from caraml_pulumi.model.autoscaling import HPA, KPA, SETTINGS_OF_AUTOSCALER, AutoscalingMetric, AutoscalingSpec
from caraml_pulumi.model.scaling import Scaling
from caraml_pulumi.model.spec import parse

CPU, MEMORY, CONCURRENCY, RPS = AutoscalingMetric


def scaling(metric: AutoscalingMetric, target: float, **settings: float) -> Scaling:
    return Scaling(1, 4, AutoscalingSpec.model_validate({"metric": metric, "target": target, **settings}))


def annotations(scaling: Scaling, memory_request: str = "1Gi") -> dict[str, str]:
    annotated = knative_annotations(scaling, memory_request)
    return {name.removeprefix("autoscaling.knative.dev/"): value for name, value in annotated.items()}


@pytest.mark.parametrize(
    ("metric", "target", "class_", "written"),
    [
        (CPU, 60, HPA, ("cpu", "60")),
        (MEMORY, 50, HPA, ("memory", "512")),
        (CONCURRENCY, 0.5, KPA, ("concurrency", "0.50")),
        (RPS, 20, KPA, ("rps", "20")),
    ],
)
def test_each_metric_goes_to_the_autoscaler_that_measures_it(
    metric: AutoscalingMetric, target: float, class_: str, written: tuple[str, str]
) -> None:
    annotated = annotations(scaling(metric, target))
    assert (annotated["class"], annotated["metric"], annotated["target"]) == (class_, *written)


def test_a_policy_without_settings_leaves_them_to_the_cluster() -> None:
    assert annotations(scaling(CONCURRENCY, 1)) == {
        "class": KPA,
        "metric": "concurrency",
        "target": "1.00",
        "min-scale": "1",
        "max-scale": "4",
    }


def test_settings_are_written_as_knative_reads_them() -> None:
    annotated = annotations(
        scaling(
            RPS,
            20,
            window_seconds=90,
            panic_window_percentage=12.5,
            panic_threshold_percentage=150,
            target_utilization_percentage=80,
            scale_down_delay_seconds=0,
            scale_to_zero_retention_seconds=600,
            activation_scale=2,
        )
    )
    assert {name: annotated[name] for name, _ in ANNOTATIONS.values()} == {
        "window": "90s",
        "panic-window-percentage": "12.5",
        "panic-threshold-percentage": "150",
        "target-utilization-percentage": "80",
        "scale-down-delay": "0s",
        "scale-to-zero-pod-retention-period": "600s",
        "activation-scale": "2",
    }


def test_every_setting_of_a_policy_has_its_annotation() -> None:
    assert tuple(ANNOTATIONS) == SETTINGS_OF_AUTOSCALER[KPA]
    assert set(ANNOTATIONS) == set(AutoscalingSpec.model_fields) - {"metric", "target"}


def test_a_fixed_number_of_replicas_is_a_range_of_one_number() -> None:
    assert annotations(Scaling(3, 3, None)) == {"class": KPA, "min-scale": "3", "max-scale": "3"}


def test_an_initial_scale_is_annotated() -> None:
    assert annotations(Scaling(0, 4, AutoscalingSpec(metric=RPS, target=1), 2))["initial-scale"] == "2"


@given(
    metric=st.sampled_from([CONCURRENCY, RPS]),
    target=st.floats(1, 1e12),
    window=st.integers(6, 3600),
    percentage=st.floats(1, 100),
    threshold=st.floats(110, 1000),
)
def test_what_is_written_is_within_the_ranges_that_knative_checks(
    metric: AutoscalingMetric, target: float, window: int, percentage: float, threshold: float
) -> None:
    settings = {
        "window_seconds": window,
        "panic_window_percentage": percentage,
        "target_utilization_percentage": percentage,
        "panic_threshold_percentage": threshold,
    }
    policy = parse(AutoscalingSpec, {"metric": metric, "target": target, **settings})
    annotated = annotations(Scaling(0, 4, policy))
    assert float(annotated["target"]) >= 0.01
    assert re.fullmatch(r"\d+s", annotated["window"])
    assert 1 <= float(annotated["panic-window-percentage"]) <= 100
    assert 1 <= float(annotated["target-utilization-percentage"]) <= 100
    assert 110 <= float(annotated["panic-threshold-percentage"]) <= 1000


def test_a_raw_deployment_is_scaled_on_the_average_utilization_of_its_cpu() -> None:
    made = horizontal_pod_autoscaler({"name": "iris-1"}, "iris-1", scaling(CPU, 60))
    assert made["metadata"] == {"name": "iris-1"}
    assert made["spec"] == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "iris-1"},
        "minReplicas": 1,
        "maxReplicas": 4,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
            }
        ],
    }


@pytest.mark.parametrize(
    ("settings", "up", "down"),
    [
        ({"window_seconds": 60}, 60, 60),
        ({"scale_down_delay_seconds": 0}, None, 0),
        ({"window_seconds": 60, "scale_down_delay_seconds": 120}, 60, 120),
    ],
)
def test_windows_and_delays_are_the_behavior_of_the_autoscaler(
    settings: dict[str, int], up: int | None, down: int
) -> None:
    behavior = horizontal_pod_autoscaler({}, "iris-1", scaling(CPU, 60, **settings))["spec"]["behavior"]
    assert behavior.get("scaleUp", {}).get("stabilizationWindowSeconds") == up
    assert behavior["scaleDown"] == {"stabilizationWindowSeconds": down}
