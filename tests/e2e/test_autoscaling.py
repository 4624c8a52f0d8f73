"""Policies on the real parts: Knative's webhook admits them, its autoscalers and Kubernetes' follow them."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caraml_pulumi.cluster.state import Cluster, State
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.errors import KubeError
from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.autoscaling import horizontal_pod_autoscaler, knative_annotations
from caraml_pulumi.model.autoscaling import (
    METRICS_OF_MODE,
    SETTINGS_OF_AUTOSCALER,
    AutoscalingMetric,
    AutoscalingSpec,
    autoscaler_of,
)
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.resources import ResourceRequest
from caraml_pulumi.model.scaling import Scaling, ScalingSettings, plan_scaling
from caraml_pulumi.model.spec import parse
from tests.e2e.autoscaler_stats import Activator, activator
from tests.e2e.conftest import LocalCluster

pytestmark = pytest.mark.e2e

CPU, MEMORY, CONCURRENCY, RPS = AutoscalingMetric
SERVERLESS, RAW = DeploymentMode
READY_SECONDS = 20
"""Usually 1 to 2 s."""
SCALED_SECONDS = 45
"""Usually 2 s up and 15 s down; the last replica stays for 30 s after a revision was made."""
UTILIZATION = 0.7
"""Of the target, what Knative gives each replica unless the policy says otherwise."""


def plan(
    policy: dict[str, Any] | None = None,
    *,
    mode: DeploymentMode = SERVERLESS,
    minimum: int | None = None,
    maximum: int | None = None,
    **settings: int | None,
) -> Scaling:
    given = {**settings, **({"autoscaling_policy": policy} if policy else {})}
    return plan_scaling(
        parse(ScalingSettings, given),
        ResourceRequest(min_replica=minimum, max_replica=maximum),
        ResourceRequest(min_replica=0, max_replica=1),
        mode=mode,
        ceiling=None,
        memory_request="1Gi",
        zero_initial_scale=True,
    )


def service(name: str, annotations: dict[str, str]) -> Manifest:
    container = {"image": "registry.local/models/iris:1", "resources": {"requests": {"cpu": "10m", "memory": "1Gi"}}}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"template": {"metadata": {"annotations": annotations}, "spec": {"containers": [container]}}},
    }


def deployment(name: str) -> Manifest:
    labels = {"app": name}
    container = {"name": "model", "image": "iris", "resources": {"requests": {"cpu": "10m"}}}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": pod},
    }


class Namespace:
    """The objects of one namespace."""

    def __init__(self, client: KubeClient, name: str) -> None:
        self.name = name
        self._client = client

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Have the API server, and Knative's webhook, admit an object strictly."""
        plural = {"Service": "services", "Deployment": "deployments"}.get(manifest["kind"], "horizontalpodautoscalers")
        params = {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        path = self._path(manifest["apiVersion"], plural)
        admitted: Manifest = self._client.request("POST", path, body=manifest, params=params)
        return admitted

    def get(self, api_version: str, plural: str, name: str) -> Manifest:
        found: Manifest = self._client.request("GET", f"{self._path(api_version, plural)}/{name}")
        return found

    def replicas(self, name: str) -> int:
        replicas: int = self.get("apps/v1", "deployments", name)["spec"]["replicas"]
        return replicas

    def autoscaler(self, name: str) -> Manifest:
        return self.get("autoscaling/v2", "horizontalpodautoscalers", name)

    def serve(self, name: str, scaling: Scaling) -> str:
        """Create a Knative Service, wait until it is ready and return the name of its Deployment."""
        self.create(service(name, knative_annotations(scaling, "1Gi")))
        eventually(lambda: self._is_ready(name), READY_SECONDS)
        return f"{name}-00001-deployment"

    def _is_ready(self, name: str) -> bool:
        status = self.get("serving.knative.dev/v1", "services", name).get("status", {})
        return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))

    def _path(self, api_version: str, plural: str) -> str:
        return f"/apis/{api_version}/namespaces/{self.name}/{plural}"


@pytest.fixture
def objects(cluster: LocalCluster, namespace: str) -> Namespace:
    return Namespace(cluster.client, namespace)


@pytest.fixture
def knative(shared: Cluster, namespace: str) -> Iterator[Activator]:
    """Tells the autoscaler of load in the namespace."""
    state = State.load(shared)
    assert state is not None
    with activator(state.ports["knative-autoscaler"], namespace) as connected:
        yield connected


def eventually(holds: Callable[[], bool], seconds: float, meanwhile: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        meanwhile()
        time.sleep(0.05)


@pytest.mark.parametrize("metric", AutoscalingMetric)
def test_a_serverless_version_becomes_ready_with_each_metric(objects: Namespace, metric: AutoscalingMetric) -> None:
    objects.serve("iris-1", plan({"metric": metric, "target": 50}, minimum=2, maximum=4))
    autoscaled = objects.get("autoscaling.internal.knative.dev/v1alpha1", "podautoscalers", "iris-1-00001")
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
    objects: Namespace, metric: AutoscalingMetric, target: Manifest
) -> None:
    objects.serve("iris-1", plan({"metric": metric, "target": 60}, minimum=1, maximum=4))
    made = objects.autoscaler("iris-1-00001")["spec"]
    assert made["metrics"] == [{"type": "Resource", "resource": target}]
    assert (made["minReplicas"], made["maxReplicas"]) == (1, 4)


def test_a_raw_deployment_is_brought_into_its_range_by_kubernetes_autoscaler(objects: Namespace) -> None:
    scaling = plan({"metric": CPU, "target": 60}, mode=RAW, minimum=3, maximum=5)
    objects.create(deployment("iris-1"))
    objects.create(horizontal_pod_autoscaler({"name": "iris-1"}, "iris-1", scaling))
    eventually(lambda: objects.replicas("iris-1") == 3, READY_SECONDS)
    eventually(
        lambda: objects.get("apps/v1", "deployments", "iris-1")["status"].get("readyReplicas") == 3, READY_SECONDS
    )


def test_a_window_means_the_same_to_knatives_class_hpa_and_to_a_raw_deployment(objects: Namespace) -> None:
    policy = {"metric": CPU, "target": 60, "window_seconds": 90}
    objects.serve("iris-1", plan(policy))
    objects.create(horizontal_pod_autoscaler({"name": "iris-2"}, "iris-2", plan(policy, mode=RAW)))
    raw, serverless = (objects.autoscaler(name)["spec"]["behavior"] for name in ("iris-2", "iris-1-00001"))
    assert raw == serverless
    assert raw["scaleDown"]["stabilizationWindowSeconds"] == 90


def test_a_delay_of_a_raw_deployment_is_for_scaling_down_alone(objects: Namespace) -> None:
    policy = {"metric": CPU, "target": 60, "scale_down_delay_seconds": 120}
    objects.create(horizontal_pod_autoscaler({"name": "iris-1"}, "iris-1", plan(policy, mode=RAW)))
    behavior = objects.autoscaler("iris-1")["spec"]["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 120
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0


def test_knative_admits_settings_for_its_class_hpa_that_it_then_ignores(objects: Namespace) -> None:
    ignored = AutoscalingSpec(metric=CPU, target=60, scale_down_delay_seconds=120)
    objects.serve("iris-1", Scaling(1, 4, ignored))
    assert "behavior" not in objects.autoscaler("iris-1-00001")["spec"]


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
def test_knative_admits_just_the_range_of_a_setting(objects: Namespace, setting: str) -> None:
    lowest, highest = RANGES[setting]
    for value in (lowest, highest):
        scaling = plan({"metric": RPS, "target": 10, setting: value}, maximum=4)
        objects.create(service("iris-1", knative_annotations(scaling, "1Gi")), dry_run=True)
    for value in (lowest - 1, highest + 1):
        with pytest.raises(CaramlError):
            plan({"metric": RPS, "target": 10, setting: value}, maximum=4)
        beyond = AutoscalingSpec(metric=RPS, target=10).model_copy(update={setting: value})
        with pytest.raises(KubeError, match="denied the request"):
            objects.create(service("iris-1", knative_annotations(Scaling(0, 4, beyond), "1Gi")), dry_run=True)


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
    objects: Namespace,
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
        objects.create(service("iris-1", knative_annotations(scaling, "1Gi")), dry_run=True)
    else:
        objects.create(horizontal_pod_autoscaler({"name": "iris-1"}, "iris-1", scaling), dry_run=True)


def test_a_fixed_number_of_replicas_is_kept_by_knative(objects: Namespace) -> None:
    scaling = plan(replicas=3)
    assert objects.replicas(objects.serve("iris-1", scaling)) == 3


def test_a_revision_starts_with_its_initial_scale(objects: Namespace) -> None:
    started = objects.serve("iris-1", plan(minimum=0, maximum=4, initial_scale=3))
    asleep = objects.serve("iris-2", plan(minimum=0, maximum=4, initial_scale=0))
    assert (objects.replicas(started), objects.replicas(asleep)) == (3, 0)


def test_a_version_that_wakes_up_has_its_activation_scale(objects: Namespace, knative: Activator) -> None:
    policy = {"metric": RPS, "target": 10, "window_seconds": 6, "activation_scale": 3}
    name = objects.serve("iris-1", plan(policy, minimum=0, maximum=5, initial_scale=0))
    load = {"concurrency": 1, "rps": 1}
    eventually(
        lambda: objects.replicas(name) > 0,
        SCALED_SECONDS,
        lambda: knative.report(**load, revisions=("iris-1-00001",)),
    )
    assert objects.replicas(name) == 3


def test_load_takes_a_version_from_zero_to_its_most_replicas_and_back(objects: Namespace, knative: Activator) -> None:
    policy = {"metric": CONCURRENCY, "target": 2, "window_seconds": 6}
    delayed = {**policy, "scale_down_delay_seconds": 12}
    prompt = objects.serve("prompt", plan(policy, minimum=0, maximum=8, initial_scale=0))
    patient = objects.serve("patient", plan(delayed, minimum=0, maximum=8, initial_scale=0))
    both = ("prompt-00001", "patient-00001")

    def replicas() -> tuple[int, int]:
        return objects.replicas(prompt), objects.replicas(patient)

    def under(concurrency: float, holds: Callable[[], bool]) -> None:
        eventually(holds, SCALED_SECONDS, lambda: knative.report(concurrency=concurrency, revisions=both))

    assert replicas() == (0, 0)
    needed = math.ceil(6.9 / (2 * UTILIZATION))
    assert needed == 5
    under(6.9, lambda: replicas() == (needed, needed))
    under(100, lambda: replicas() == (8, 8))
    under(0, lambda: objects.replicas(prompt) < 8)
    assert objects.replicas(patient) == 8
    under(0, lambda: objects.replicas(prompt) == 0 and objects.replicas(patient) < 8)
