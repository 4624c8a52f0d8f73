"""Replicas of a version, feature by feature: what is emitted, and that the real servers admit it."""

from typing import Any

import pytest

from caraml_pulumi import AutoscalingPolicy, CaramlError, DeploymentMode
from tests.e2e.admission import Emit, version_emitter
from tests.e2e.conftest import LocalCluster

pytestmark = pytest.mark.e2e
RAW = {"deployment_mode": "RAW_DEPLOYMENT"}
DOMAIN = "autoscaling.knative.dev"


@pytest.fixture
def emit(cluster: LocalCluster, namespace: str) -> Emit:
    return version_emitter(cluster.client, namespace)


def annotated(emit: Emit, **settings: Any) -> dict[str, str]:
    annotations = emit(**settings).annotations()
    prefix = f"{DOMAIN}/"
    return {name.removeprefix(prefix): value for name, value in annotations.items() if name.startswith(prefix)}


def test_a_raw_deployment_scales_on_half_of_its_cpu_request_by_default(emit: Emit) -> None:
    made = emit(**RAW, resource_request={"max_replica": 3})
    assert "replicas" not in made.one("Deployment")["spec"]
    (metric,) = made.one("HorizontalPodAutoscaler")["spec"]["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    with pytest.raises(CaramlError, match="RAW_DEPLOYMENT cannot scale on rps"):
        emit(**RAW, autoscaling_policy={"metric": "rps", "target": 1})


@pytest.mark.parametrize(
    ("policy", "class_", "target"),
    [
        (None, "kpa", "1.00"),
        (AutoscalingPolicy.concurrency(2.5), "kpa", "2.50"),
        (AutoscalingPolicy.rps(20), "kpa", "20"),
        (AutoscalingPolicy.cpu(70), "hpa", "70"),
        (AutoscalingPolicy.memory(50), "hpa", "512"),
    ],
    ids=["default", "concurrency", "rps", "cpu", "memory"],
)
def test_knative_is_told_class_metric_and_target_in_merlins_formats(
    emit: Emit, policy: Any, class_: str, target: str
) -> None:
    found = annotated(emit, autoscaling_policy=policy, resource_request={"memory_request": "1Gi"})
    assert (found["class"], found["target"]) == (f"{class_}.{DOMAIN}", target)


@pytest.mark.parametrize(
    "policy",
    [
        {"metric": "concurrency", "target": 0.004},
        {"metric": "rps", "target": 0.4},
        {"metric": "cpu_utilization", "target": 0.4},
    ],
    ids=str,
)
def test_a_target_that_would_be_written_as_0_is_refused(emit: Emit, policy: dict[str, Any]) -> None:
    with pytest.raises(CaramlError, match="cannot have target"):
        emit(autoscaling_policy=policy)


def test_replicas_stay_in_their_range(emit: Emit) -> None:
    replicas = {"min_replica": 2, "max_replica": 5}
    found = annotated(emit, resource_request=replicas)
    assert (found["min-scale"], found["max-scale"]) == ("2", "5")
    autoscaler = emit(**RAW, resource_request=replicas).one("HorizontalPodAutoscaler")["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 5)
    with pytest.raises(CaramlError, match="minReplica 5 is more than maxReplica 2"):
        emit(resource_request={"min_replica": 5, "max_replica": 2})


def test_only_what_can_wake_up_scales_to_zero(emit: Emit) -> None:
    sleeping = {"min_replica": 0, "max_replica": 2}
    assert annotated(emit, autoscaling_policy=AutoscalingPolicy.rps(5), resource_request=sleeping)["min-scale"] == "0"
    for settings in (RAW, {"autoscaling_policy": AutoscalingPolicy.cpu(50)}):
        with pytest.raises(CaramlError, match="would never wake up"):
            emit(**settings, resource_request=sleeping)


def test_a_revision_may_start_larger_but_not_without_a_replica(emit: Emit) -> None:
    assert annotated(emit, initial_scale=2, resource_request={"max_replica": 3})["initial-scale"] == "2"
    with pytest.raises(CaramlError, match="initialScale 0"):
        emit(initial_scale=0)


@pytest.mark.parametrize("mode", DeploymentMode)
def test_a_fixed_number_of_replicas_has_no_autoscaler(emit: Emit, mode: DeploymentMode) -> None:
    made = emit(deployment_mode=mode, replicas=3)
    if mode is DeploymentMode.SERVERLESS:
        found = {name: made.annotations()[f"{DOMAIN}/{name}"] for name in ("min-scale", "max-scale")}
        assert found == {"min-scale": "3", "max-scale": "3"}
    else:
        assert made.one("Deployment")["spec"]["replicas"] == 3
        assert "HorizontalPodAutoscaler" not in made.kinds
