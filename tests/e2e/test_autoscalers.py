"""The real autoscalers under load: Knative's is told of requests, Kubernetes' of the CPU and memory that pods use."""

import math
from collections.abc import Callable, Iterator

import pytest

from caraml_pulumi.cluster.state import Cluster, State
from caraml_pulumi.manifests.autoscaling import horizontal_pod_autoscaler
from caraml_pulumi.model.autoscaling import AutoscalingMetric
from caraml_pulumi.model.modes import DeploymentMode
from tests.e2e import pod_metrics
from tests.e2e.autoscaled import CPU_MILLICORES, Objects, deployment, eventually, plan
from tests.e2e.autoscaler_stats import Activator, activator
from tests.e2e.conftest import LocalCluster

pytestmark = pytest.mark.e2e

CPU, MEMORY, CONCURRENCY, RPS = AutoscalingMetric
RAW = DeploymentMode.RAW_DEPLOYMENT
SCALED_SECONDS = 45
"""Usually 2 s up and 15 s down; the last replica stays for 30 s after a revision was made."""
UTILIZATION = 0.7
"""Of the target, what Knative gives each replica unless the policy says otherwise."""

QUEUE_PROXY_MILLICORES = 25
"""Knative's container beside the model's has a request as well, and a utilization is of the sum of both."""


@pytest.fixture
def objects(cluster: LocalCluster, namespace: str) -> Objects:
    return Objects(cluster.client, namespace)


@pytest.fixture
def knative(shared: Cluster, namespace: str) -> Iterator[Activator]:
    """Tells the autoscaler of load in the namespace."""
    state = State.load(shared)
    assert state is not None
    with activator(state.ports["knative-autoscaler"], namespace) as connected:
        yield connected


def test_requests_wake_a_version_to_its_activation_scale_and_then_to_what_they_need(
    objects: Objects, knative: Activator
) -> None:
    policy = {"metric": RPS, "target": 10, "target_utilization_percentage": 80, "window_seconds": 6}
    name = objects.serve("iris-1", plan({**policy, "activation_scale": 3}, minimum=0, maximum=9, initial_scale=0))
    seen: list[int] = []

    def under(rps: float, needed: int) -> None:
        def is_scaled() -> bool:
            seen.append(objects.replicas(name))
            return seen[-1] == needed

        eventually(
            is_scaled, SCALED_SECONDS, lambda: knative.report(concurrency=1, rps=rps, revisions=("iris-1-00001",))
        )

    under(1, 3)
    assert set(seen) == {0, 3}
    under(39, math.ceil(39 / (10 * 0.8)))


def test_load_takes_a_version_from_zero_to_its_most_replicas_and_back(objects: Objects, knative: Activator) -> None:
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


def test_the_cpu_that_a_serverless_version_uses_takes_it_to_as_many_replicas_as_it_needs(objects: Objects) -> None:
    policy = {"metric": CPU, "target": 60, "window_seconds": 6}
    name = objects.serve("iris-1", plan(policy, minimum=1, maximum=4))
    follows_cpu(objects, name, 0.6 * (CPU_MILLICORES + QUEUE_PROXY_MILLICORES))


def test_the_memory_that_a_serverless_version_uses_takes_it_to_as_many_replicas_as_it_needs(objects: Objects) -> None:
    name = objects.serve("iris-1", plan({"metric": MEMORY, "target": 50}, minimum=1, maximum=4))
    pod_metrics.define(objects.client)
    eventually(
        lambda: objects.replicas(name) == 3,
        SCALED_SECONDS,
        lambda: pod_metrics.report(objects.client, objects.namespace, memory_mebibytes=2.9 * 512),
    )


def test_the_cpu_that_a_raw_deployment_uses_takes_it_to_as_many_replicas_as_it_needs(objects: Objects) -> None:
    policy = {"metric": CPU, "target": 60, "scale_down_delay_seconds": 0}
    objects.create(deployment("iris-1"))
    scaling = plan(policy, mode=RAW, minimum=1, maximum=4)
    objects.create(horizontal_pod_autoscaler({"name": "iris-1"}, "iris-1", scaling))
    follows_cpu(objects, "iris-1", 0.6 * CPU_MILLICORES)


def follows_cpu(objects: Objects, name: str, of_a_replica: float) -> None:
    """What 2.9 replicas are to use takes a Deployment to 3, more to the 4 that it may have, nothing back to 1."""
    pod_metrics.define(objects.client)

    def use(needed: float, replicas: int) -> None:
        eventually(
            lambda: objects.replicas(name) == replicas,
            SCALED_SECONDS,
            lambda: pod_metrics.report(objects.client, objects.namespace, cpu_millicores=needed * of_a_replica),
        )

    use(2.9, 3)
    use(50, 4)
    use(0, 1)
