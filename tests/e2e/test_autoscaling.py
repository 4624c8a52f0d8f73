"""Policies on the real parts: Knative's webhook admits them, and both kinds of autoscaler take them over."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.errors import KubeError
from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.autoscaling import horizontal_pod_autoscaler
from caraml_pulumi.model.autoscaling import (
    METRICS_OF_MODE,
    SETTINGS_OF_AUTOSCALER,
    AutoscalingMetric,
    AutoscalingSpec,
    autoscaler_of,
)
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.scaling import Scaling
from tests.e2e.autoscaled import READY_SECONDS, Objects, deployment, eventually, plan, service
from tests.e2e.conftest import LocalCluster

pytestmark = pytest.mark.e2e

CPU, MEMORY, CONCURRENCY, RPS = AutoscalingMetric
SERVERLESS, RAW = DeploymentMode


@pytest.fixture
def objects(cluster: LocalCluster, namespace: str) -> Objects:
    return Objects(cluster.client, namespace)


@pytest.mark.parametrize("metric", AutoscalingMetric)
def test_a_serverless_version_becomes_ready_with_each_metric(objects: Objects, metric: AutoscalingMetric) -> None:
    objects.serve("iris-1", plan({"metric": metric, "target": 50}, minimum=2, maximum=4))
    autoscaled = objects.get("autoscaling.internal.knative.dev/v1alpha1", "PodAutoscaler", "iris-1-00001")
    scale = autoscaled["status"]["desiredScale"], autoscaled["status"]["actualScale"]
    assert scale == (2, 2)
    assert autoscaled["metadata"]["annotations"]["autoscaling.knative.dev/class"] == autoscaler_of(metric, SERVERLESS)


@pytest.mark.parametrize(
    ("metric", "target"),
    [
        (CPU, {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}),
        (MEMORY, {"name": "memory", "target": {"type": "AverageValue", "averageValue": "614Mi"}}),
    ],
)
def test_knative_gives_kubernetes_autoscaler_the_target_of_the_policy(
    objects: Objects, metric: AutoscalingMetric, target: Manifest
) -> None:
    objects.serve("iris-1", plan({"metric": metric, "target": 60}, minimum=1, maximum=4))
    made = objects.autoscaler("iris-1-00001")
    assert made["metrics"] == [{"type": "Resource", "resource": target}]
    assert (made["minReplicas"], made["maxReplicas"]) == (1, 4)


def test_a_raw_deployment_is_brought_into_its_range_by_kubernetes_autoscaler(objects: Objects) -> None:
    scaling = plan({"metric": CPU, "target": 60}, mode=RAW, minimum=3, maximum=5)
    objects.create(deployment("iris-1"))
    objects.create(horizontal_pod_autoscaler({"name": "iris-1"}, "iris-1", scaling))
    eventually(lambda: objects.replicas("iris-1") == 3, READY_SECONDS)
    eventually(
        lambda: objects.get("apps/v1", "Deployment", "iris-1")["status"].get("readyReplicas") == 3, READY_SECONDS
    )


def test_a_window_means_the_same_to_knatives_class_hpa_and_to_a_raw_deployment(objects: Objects) -> None:
    policy = {"metric": CPU, "target": 60, "window_seconds": 90}
    objects.serve("iris-1", plan(policy))
    objects.create(horizontal_pod_autoscaler({"name": "iris-2"}, "iris-2", plan(policy, mode=RAW)))
    raw, serverless = (objects.autoscaler(name)["behavior"] for name in ("iris-2", "iris-1-00001"))
    assert raw == serverless
    assert raw["scaleDown"]["stabilizationWindowSeconds"] == 90


def test_a_delay_of_a_raw_deployment_is_for_scaling_down_alone(objects: Objects) -> None:
    policy = {"metric": CPU, "target": 60, "scale_down_delay_seconds": 120}
    objects.create(horizontal_pod_autoscaler({"name": "iris-1"}, "iris-1", plan(policy, mode=RAW)))
    behavior = objects.autoscaler("iris-1")["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 120
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0


def test_knative_admits_settings_for_its_class_hpa_that_it_then_ignores(objects: Objects) -> None:
    ignored = AutoscalingSpec(metric=CPU, target=60, scale_down_delay_seconds=120)
    objects.serve("iris-1", Scaling(1, 4, ignored))
    assert "behavior" not in objects.autoscaler("iris-1-00001")


RANGES = {
    "window_seconds": (6, 3600),
    "panic_window_percentage": (1, 100),
    "panic_threshold_percentage": (110, 1000),
    "target_utilization_percentage": (1, 100),
    "scale_down_delay_seconds": (0, 3600),
    "scale_to_zero_retention_seconds": (0, 3600),
    "activation_scale": (2, 4),
}


@pytest.mark.parametrize("setting", RANGES)
def test_knative_admits_just_the_range_of_a_setting(objects: Objects, setting: str) -> None:
    lowest, highest = RANGES[setting]
    for value in (lowest, highest):
        scaling = plan({"metric": RPS, "target": 10, setting: value}, maximum=4)
        objects.create(service("iris-1", scaling), dry_run=True)
    for value in (lowest - 1, highest + 1):
        with pytest.raises(CaramlError):
            plan({"metric": RPS, "target": 10, setting: value}, maximum=4)
        beyond = AutoscalingSpec(metric=RPS, target=10).model_copy(update={setting: value})
        with pytest.raises(KubeError, match="denied the request"):
            objects.create(service("iris-1", Scaling(0, 4, beyond)), dry_run=True)


@st.composite
def policies(draw: st.DrawFn) -> tuple[DeploymentMode, dict[str, Any]]:
    """A mode, and a policy with settings that its autoscaler follows."""
    mode = draw(st.sampled_from(DeploymentMode))
    metric = draw(st.sampled_from(METRICS_OF_MODE[mode]))
    settings = {
        name: draw(st.floats(*RANGES[name]) if name.endswith("percentage") else st.integers(*RANGES[name]))
        for name in SETTINGS_OF_AUTOSCALER[autoscaler_of(metric, mode)]
        if draw(st.booleans())
    }
    return mode, {"metric": metric, "target": draw(st.floats(0, 110)), **settings}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policies(), st.integers(0, 5), st.integers(0, 5), st.none() | st.integers(0, 5))
def test_whatever_is_planned_is_admitted(
    objects: Objects,
    scaled: tuple[DeploymentMode, dict[str, Any]],
    minimum: int,
    maximum: int,
    initial_scale: int | None,
) -> None:
    mode, policy = scaled
    try:
        scaling = plan(
            policy,
            mode=mode,
            minimum=minimum,
            maximum=maximum,
            initial_scale=None if mode is RAW else initial_scale,
        )
    except CaramlError:
        return
    if mode is SERVERLESS:
        objects.create(service("iris-1", scaling), dry_run=True)
    else:
        objects.create(horizontal_pod_autoscaler({"name": "iris-1"}, "iris-1", scaling), dry_run=True)


def test_a_fixed_number_of_replicas_is_kept_by_knative(objects: Objects) -> None:
    scaling = plan(replicas=3)
    assert objects.replicas(objects.serve("iris-1", scaling)) == 3


def test_a_revision_starts_with_its_initial_scale(objects: Objects) -> None:
    started = objects.serve("iris-1", plan(minimum=0, maximum=4, initial_scale=3))
    asleep = objects.serve("iris-2", plan(minimum=0, maximum=4, initial_scale=0))
    assert (objects.replicas(started), objects.replicas(asleep)) == (3, 0)
