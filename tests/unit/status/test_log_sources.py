"""Which containers of which pods are read."""

from typing import Any

import pytest

from caraml_pulumi.kube import KubeClient
from caraml_pulumi.kube.kubeconfig import ClusterConfig
from caraml_pulumi.status.deployed import read_deployed
from caraml_pulumi.status.log_sources import CONTAINERS, replicas_of, sources_in
from caraml_pulumi.status.logs import LogOptions
from tests.unit.observed.shapes import Object, ended, pod, running, waiting
from tests.unit.status.stacks import PROVIDER, child, state, version

CRASHED: dict[str, Any] = {"lastState": ended(1), "restartCount": 2}


def read(found: Object, *, previous: bool = False) -> list[tuple[str, int, bool]]:
    sources = sources_in(found, CONTAINERS, previous=previous)
    return [(source.container, source.starts, source.runs) for source in sources]


def test_containers_of_the_model_are_read_and_knatives_is_not() -> None:
    done = {"name": "storage-initializer", "state": ended(0)}
    replica = pod(running(), running(name="transformer"), running(name="queue-proxy"), init=[done])
    assert read(replica) == [("storage-initializer", 0, False), ("model", 0, True), ("transformer", 0, True)]


@pytest.mark.parametrize("status", [waiting("ContainerCreating"), waiting("ErrImagePull")])
def test_a_container_that_was_never_started_has_said_nothing(status: Object) -> None:
    assert read(pod(status)) == []


def test_a_container_that_waits_to_be_started_again_has_what_it_said() -> None:
    assert read(pod(waiting("CrashLoopBackOff", **CRASHED))) == [("model", 2, False)]


def test_only_a_container_that_has_ended_before_has_a_previous_log() -> None:
    assert read(pod(running()), previous=True) == []
    assert read(pod(running(restarts=2, lastState=ended(1))), previous=True) == [("model", 2, True)]


def test_pods_are_asked_for_by_merlins_selectors() -> None:
    first, revised = version(), version(number=2)
    known = state(
        first,
        revised,
        child(first, "serving.knative.dev/v1:Service", "iris-1"),
        child(first, "serving.knative.dev/v1:Service", "iris-1-transformer"),
        child(first, "networking.istio.io/v1:VirtualService", "iris-1-vs"),
        child(revised, "apps/v1:Deployment", "iris-2-r3"),
    )
    clients = {PROVIDER: KubeClient(ClusterConfig(server="https://models.example.com"))}
    [found] = replicas_of(read_deployed(known).versions, clients)
    assert found.namespace == "iris-team"
    assert found.selector == (
        "serving.kserve.io/inferenceservice in (iris-1,iris-2,iris-2-r3),component in (predictor,transformer)"
    )


def test_options_are_those_of_the_api() -> None:
    assert LogOptions(tail=5, since_seconds=60).params(follow=True) == {
        "timestamps": "true",
        "tailLines": "5",
        "sinceSeconds": "60",
        "follow": "true",
    }
    assert LogOptions(previous=True).params(follow=False) == {"timestamps": "true", "previous": "true"}
