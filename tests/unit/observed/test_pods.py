"""The troubles of a pod, from statuses as a kubelet writes them."""

from typing import Any

import pytest

from caraml_pulumi.observed.pods import is_ready, pod_troubles, restarts
from caraml_pulumi.observed.troubles import Cause
from tests.unit.observed.shapes import (
    IMAGE,
    INSUFFICIENT,
    PULL_EVENT,
    Object,
    ended,
    event,
    pod,
    running,
    told,
    waiting,
)

TRACEBACK = (
    'Traceback (most recent call last):\n  File "serve.py", line 3\nModuleNotFoundError: No module named sklearn\n'
)


def told_of(pod: Object, *events: Object) -> list[tuple[str, str]]:
    return [(trouble.cause.value, trouble.text) for trouble in pod_troubles(pod, events)]


def test_a_pod_that_no_node_can_take_says_why_without_what_the_scheduler_tried() -> None:
    unschedulable = pod(conditions=[told("PodScheduled", "False", "Unschedulable", INSUFFICIENT)])
    text = "cannot be scheduled: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu"
    assert told_of(unschedulable) == [("unschedulable", text)]


@pytest.mark.parametrize("reason", ["TriggeredScaleUp", "Nominated"])
def test_a_pod_for_which_a_node_is_being_made_waits_for_it(reason: str) -> None:
    unschedulable = pod(conditions=[told("PodScheduled", "False", "Unschedulable", INSUFFICIENT)])
    [(cause, text)] = told_of(unschedulable, event(reason, "pod triggered scale-up: [{pool 3->4 (max: 9)}]"))
    assert cause == "node"
    assert text.startswith("waits for a new node: 0/3 nodes are available: ")


@pytest.mark.parametrize(
    ("reason", "message", "text"),
    [
        ("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"', f"image {IMAGE} cannot be pulled"),
        (
            "ImagePullBackOff",
            f'Back-off pulling image "{IMAGE}": ErrImagePull: rpc error: code = NotFound desc = failed to pull and '
            f'unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": {IMAGE}: not found',
            f"image {IMAGE} cannot be pulled: not found",
        ),
        (
            "ErrImagePull",
            f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": failed to authorize: '
            "failed to fetch anonymous token: unexpected status from GET request to https://auth.example.com/token: "
            "401 Unauthorized",
            f"image {IMAGE} cannot be pulled: unexpected status from GET request to https://auth.example.com/token: "
            "401 Unauthorized",
        ),
        (
            "ErrImagePull",
            f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": failed to do request: '
            'Head "https://registry.example.com/v2/team/iris/manifests/9": dial tcp: lookup registry.example.com: '
            "no such host",
            f"image {IMAGE} cannot be pulled: dial tcp: lookup registry.example.com: no such host",
        ),
        (
            "InvalidImageName",
            f'Failed to apply default image tag "{IMAGE}": couldn\'t parse image name "{IMAGE}": invalid reference '
            "format: repository name must be lowercase",
            f"image {IMAGE} is invalid: invalid reference format: repository name must be lowercase",
        ),
    ],
)
def test_an_image_that_is_not_there_is_told_with_the_registrys_answer(reason: str, message: str, text: str) -> None:
    assert told_of(pod(waiting(reason, message))) == [("image", text)]


def test_what_the_registry_answered_may_be_in_an_event_alone() -> None:
    backing_off = pod(waiting("ImagePullBackOff", f'Back-off pulling image "{IMAGE}"'))
    events = event("Failed", "Error: ImagePullBackOff"), event("Failed", PULL_EVENT)
    assert told_of(backing_off, *events) == [("image", f"image {IMAGE} cannot be pulled: not found")]


def test_a_crash_loop_is_told_with_the_exit_code_the_last_line_and_the_restarts() -> None:
    crashing = waiting("CrashLoopBackOff", "back-off 5m0s", lastState=ended(1, TRACEBACK), restartCount=4)
    text = "container model exited with code 1: ModuleNotFoundError: No module named sklearn (4 restarts)"
    assert told_of(pod(crashing)) == [("crash", text)]


def test_a_crash_loop_of_which_nothing_else_is_known_is_told_as_one() -> None:
    assert told_of(pod(waiting("CrashLoopBackOff"))) == [("crash", "container model ends again and again")]


def test_a_container_that_used_too_much_memory_is_told_with_its_limit() -> None:
    text = "container model was killed: out of memory, its limit is 256Mi (1 restart)"
    killed = waiting("CrashLoopBackOff", lastState=ended(137, reason="OOMKilled"), restartCount=1)
    assert told_of(pod(killed)) == [("crash", text)]
    dead = {"name": "model", "ready": False, "restartCount": 1, "state": ended(137, reason="OOMKilled")}
    assert told_of(pod(dead)) == [("crash", text)]


def test_a_container_that_its_liveness_probe_killed_is_told_with_the_probe() -> None:
    probe = event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500")
    killed = waiting("CrashLoopBackOff", lastState=ended(137), restartCount=2)
    text = "container model was killed: Liveness probe failed: HTTP probe failed with statuscode: 500 (2 restarts)"
    assert told_of(pod(killed), event("BackOff", "Back-off restarting"), probe) == [("crash", text)]


def test_a_container_that_is_not_ready_is_told_with_its_probe() -> None:
    probe = event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    text = "container model is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503"
    assert told_of(pod(running(ready=False)), probe) == [("unready", text)]
    assert told_of(pod(running(ready=False))) == [("unready", "container model is not ready")]


def test_a_container_that_has_ended_once_and_runs_again_says_how_it_ended() -> None:
    again = running(ready=False, restarts=1, lastState=ended(3, "no model in /mnt/models"))
    text = "container model exited with code 3: no model in /mnt/models (1 restart)"
    assert told_of(pod(again)) == [("restarted", text)]


def test_a_container_that_cannot_be_created_says_what_is_missing() -> None:
    missing = waiting("CreateContainerConfigError", 'secret "iris-keys" not found')
    assert told_of(pod(missing)) == [
        ("configuration", 'container model cannot be started: secret "iris-keys" not found')
    ]


def test_a_storage_initializer_that_fails_is_told_apart() -> None:
    failing = waiting(
        "CrashLoopBackOff", lastState=ended(1, "NoSuchBucket: models"), restartCount=2, name="storage-initializer"
    )
    text = "container storage-initializer exited with code 1: NoSuchBucket: models (2 restarts)"
    assert told_of(pod(waiting("PodInitializing"), init=[failing])) == [("initializer", text)]


def test_a_volume_that_cannot_be_mounted_is_told_while_the_container_is_created() -> None:
    mount = event("FailedMount", 'MountVolume.SetUp failed for volume "models" : mount failed: exit status 32')
    [(cause, text)] = told_of(pod(waiting("ContainerCreating")), mount)
    assert (cause, text.partition(": ")[0]) == ("volume", "a volume cannot be mounted")
    assert told_of(pod(running()), mount) == []


def test_a_pod_that_was_evicted_says_so() -> None:
    evicted = pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory.")
    assert told_of(evicted) == [("evicted", "Evicted: The node was low on resource: memory.")]


def test_a_pod_that_starts_or_runs_has_no_trouble() -> None:
    assert told_of(pod(waiting("ContainerCreating"), conditions=[told("PodScheduled", "True")])) == []
    healthy = pod(running(), running(restarts=2, name="queue-proxy"), conditions=[told("Ready", "True")])
    assert told_of(healthy) == []
    assert is_ready(healthy)
    assert restarts(healthy) == 2


def test_what_must_be_mended_first_comes_first() -> None:
    ranks: dict[Any, int] = {trouble.cause: trouble.rank for trouble in pod_troubles(pod(waiting("ErrImagePull")))}
    assert ranks[Cause.IMAGE] < list(Cause).index(Cause.UNREADY)
