"""The state of a version, from objects as the controllers of Kubernetes and Knative leave them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.model.labels import TRANSFORMER
from caraml_pulumi.model.modes import DeploymentMode, VersionStatus
from caraml_pulumi.model.states import NOT_CREATED, SCALED_TO_ZERO, Phase, VersionState, Workload, version_state
from tests.unit.observed.shapes import IMAGE, INSUFFICIENT, Object, ended, event, pod, running, told, waiting

RAW, SERVERLESS = DeploymentMode.RAW_DEPLOYMENT, DeploymentMode.SERVERLESS
READY = told("Ready", "True")
REFUSED = (
    'pods "iris-1-abc" is forbidden: exceeded quota: project-quota, requested: limits.cpu=2,limits.memory=1Gi, '
    "used: limits.cpu=3,limits.memory=4Gi, limited: limits.cpu=4,limits.memory=4Gi"
)


def deployment(*conditions: Object, replicas: int = 3, seen: int = 2, **counts: int) -> Object:
    """A Deployment of generation 2; all its replicas are updated and available unless `counts` say otherwise."""
    whole = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), replicas)
    status = {**whole, **counts, "observedGeneration": seen, "conditions": list(conditions)}
    return {"metadata": {"name": "iris-1", "generation": 2}, "spec": {"replicas": replicas}, "status": status}


def service(*conditions: Object, created: str = "iris-1-00001", ready: str = "iris-1-00001") -> Object:
    names = {"latestCreatedRevisionName": created, "latestReadyRevisionName": ready}
    status = {**names, "observedGeneration": 1, "conditions": list(conditions)}
    return {"metadata": {"name": "iris-1", "generation": 1}, "status": status}


def revision(*conditions: Object, name: str = "iris-1-00001", desired: int = 1) -> Object:
    return {"metadata": {"name": name}, "status": {"desiredReplicas": desired, "conditions": list(conditions)}}


def raw(live: Object | None, *pods: Object, **more: Any) -> Workload:
    return Workload("iris-1", RAW, live=live, pods=pods, **more)


def serverless(live: Object, *revisions: Object, **more: Any) -> Workload:
    return Workload("iris-1", SERVERLESS, live=live, revisions=revisions, **more)


def state(*workloads: Workload, **more: Any) -> VersionState:
    return version_state(workloads, group="iris-team", **more)


def said(found: VersionState) -> tuple[str, str, str]:
    return found.status.value, found.phase.value, found.reason


def test_a_version_whose_replicas_are_all_there_runs_and_serves_if_it_is_routed_to() -> None:
    whole = raw(deployment(), *[pod(running(), conditions=[READY], phase="Running")] * 3)
    assert said(state(whole)) == ("running", "Deployed", "")
    found = state(whole, weight=10)
    assert said(found) == ("serving", "Deployed", "")
    assert (found.weight, found.workloads[0].ready, found.workloads[0].desired) == (10, 3, 3)


def test_the_first_replicas_are_waited_for() -> None:
    starting = raw(deployment(availableReplicas=0, readyReplicas=0), pod(waiting("ContainerCreating")))
    assert said(state(starting)) == ("pending", "Deploying", "0 of 3 replicas ready")


def test_a_change_that_the_controller_has_not_seen_is_under_way() -> None:
    text = "the controller has not seen the change yet"
    assert said(state(raw(deployment(seen=1)))) == ("running", "Deploying", text)


def test_half_a_rollout_says_how_far_it_is() -> None:
    assert said(state(raw(deployment(updatedReplicas=1)))) == ("running", "Deploying", "1 of 3 replicas updated")


def test_an_update_that_fails_leaves_the_version_running_and_tells_both() -> None:
    new = pod(waiting("ErrImagePull", f"{IMAGE}: not found"))
    found = state(raw(deployment(updatedReplicas=1), new), weight=100)
    text = f"image {IMAGE} cannot be pulled: not found; 1 of 3 replicas updated"
    assert said(found) == ("serving", "Failed", text)


def test_an_exceeded_quota_is_told_in_primehubs_words_resource_by_resource() -> None:
    refused = told("ReplicaFailure", "True", "FailedCreate", REFUSED)
    found = state(raw(deployment(refused, availableReplicas=0, replicas=2)))
    cpu, memory = "cpu quota: 4, requesting 5", "memory quota: 4Gi, requesting 5Gi"
    text = f"group resource not enough: Group iris-team exceeded {cpu}; Group iris-team exceeded {memory}"
    assert said(found) == ("failed", "Failed", text)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            'pods "x" is forbidden: exceeded quota: q, requested: requests.nvidia.com/gpu=1, '
            "used: requests.nvidia.com/gpu=2, limited: requests.nvidia.com/gpu=2",
            "group resource not enough: Group iris-team exceeded gpu quota: 2, requesting 3",
        ),
        (
            'admission webhook "primehub.io" denied the request: Group iris-team exceeded cpu quota: 1, requesting 2',
            "group resource not enough: Group iris-team exceeded cpu quota: 1, requesting 2",
        ),
        (
            'pods "x" is forbidden: exceeded quota: q, requested: pods=some, used: pods=1, limited: pods=1',
            'group resource not enough: pods "x" is forbidden: exceeded quota: q, requested: pods=some, used: pods=1, '
            "limited: pods=1",
        ),
        (
            'pods "x" is forbidden: failed quota: project-quota: must specify limits.cpu for: queue-proxy',
            'pods "x" is forbidden: failed quota: project-quota: must specify limits.cpu for: queue-proxy',
        ),
        (
            'admission webhook "policy.example.com" denied the request: images must be signed',
            "images must be signed",
        ),
    ],
)
def test_what_refuses_pods_is_told(message: str, reason: str) -> None:
    refused = told("ReplicaFailure", "True", "FailedCreate", message)
    assert said(state(raw(deployment(refused, availableReplicas=0)))) == ("failed", "Failed", reason)


def test_a_cluster_that_is_too_small_is_told_apart_from_nodes_that_do_not_match() -> None:
    none = deployment(availableReplicas=0, readyReplicas=0)
    lacking = pod(conditions=[told("PodScheduled", "False", "Unschedulable", INSUFFICIENT)])
    elsewhere = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    unmatched = pod(conditions=[told("PodScheduled", "False", "Unschedulable", elsewhere)])
    assert said(state(raw(none, lacking)))[2].startswith("cluster resource not enough: 0/3 nodes are available: ")
    assert said(state(raw(none, unmatched))) == ("failed", "Failed", f"cannot be scheduled: {elsewhere[:-1]}")


def test_a_cluster_that_makes_a_node_is_waited_for() -> None:
    lacking = pod(conditions=[told("PodScheduled", "False", "Unschedulable", INSUFFICIENT)])
    events = {"uid-of-iris-1-abc": [event("TriggeredScaleUp", "pod triggered scale-up")]}
    found = state(raw(deployment(availableReplicas=0, readyReplicas=0), lacking, events=events))
    assert said(found)[:2] == ("pending", "Deploying")
    assert found.reason.startswith("waits for a new node: ")


def test_a_crash_loop_has_failed_and_its_restarts_are_counted() -> None:
    crashing = pod(waiting("CrashLoopBackOff", lastState=ended(1, "no model"), restartCount=4), phase="Running")
    found = state(raw(deployment(availableReplicas=0), crashing))
    assert said(found) == ("failed", "Failed", "container model exited with code 1: no model (4 restarts)")
    assert found.restarts == 4


def test_files_that_cannot_be_copied_are_told_as_such() -> None:
    copying = waiting(
        "CrashLoopBackOff", lastState=ended(1, "NoSuchBucket"), restartCount=2, name="storage-initializer"
    )
    found = state(raw(deployment(availableReplicas=0), pod(waiting("PodInitializing"), init=[copying])))
    assert found.reason.startswith("the model's files cannot be copied: container storage-initializer exited")
    assert found.phase is Phase.FAILED


def test_a_probe_that_fails_is_waited_for_until_the_deadline() -> None:
    unready = pod(running(ready=False), phase="Running")
    events = {"uid-of-iris-1-abc": [event("Unhealthy", "Readiness probe failed: connection refused")]}
    text = "container model is not ready: Readiness probe failed: connection refused"
    waits = raw(deployment(availableReplicas=0), unready, events=events)
    assert said(state(waits)) == ("pending", "Deploying", text)
    late = told("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "iris-1-x" has timed out progressing.')
    assert said(state(replace(waits, live=deployment(late, availableReplicas=0)))) == ("failed", "Failed", text)
    assert said(state(raw(deployment(late, availableReplicas=0))))[2].endswith("has timed out progressing.")


def test_a_pod_that_was_evicted_is_no_matter_once_another_is_in_its_place() -> None:
    evicted = pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory.")
    assert said(state(raw(deployment(), evicted))) == ("running", "Deployed", "")


def test_a_pod_that_ends_tells_no_reason() -> None:
    ending = pod(waiting("CrashLoopBackOff"))
    ending["metadata"]["deletionTimestamp"] = "2026-11-22T10:00:00Z"
    assert said(state(raw(deployment(replicas=1, availableReplicas=0), ending)))[2] == "0 of 1 replicas ready"


def test_what_was_deleted_behind_the_stacks_back_has_failed_and_what_is_being_made_has_not() -> None:
    assert said(state(raw(None))) == ("failed", "Failed", "Deployment iris-1 is not in the cluster")
    assert said(state(raw(None, creating=True))) == ("pending", "Deploying", NOT_CREATED)
    assert said(state()) == ("pending", "Deploying", NOT_CREATED)
    missing = Workload("iris-1", SERVERLESS)
    assert state(missing).reason == "Knative Service iris-1 is not in the cluster"


def test_a_group_that_is_gone_is_told_as_such() -> None:
    gone = state(raw(None), group_exists=False, weight=10)
    assert said(gone) == ("failed", "Failed", "group not found: the namespace iris-team is not in the cluster")
    assert said(state(raw(None, creating=True), group_exists=False)) == ("pending", "Deploying", NOT_CREATED)


def test_a_deployment_that_was_scaled_to_zero_by_hand_has_failed() -> None:
    found = state(raw(deployment(replicas=0)))
    assert (found.status, found.phase) == (VersionStatus.FAILED, Phase.FAILED)
    assert "nothing wakes it up" in found.reason


def test_a_stopped_version_is_stopping_while_replicas_end() -> None:
    stopping = raw(deployment(replicas=0), pod(running()), pod(running()))
    assert said(state(stopping, stopped=True)) == ("pending", "Stopping", "2 replicas still to end")
    assert said(state(raw(deployment(replicas=0)), stopped=True)) == ("terminated", "Stopped", "")
    assert said(state(stopped=True)) == ("terminated", "Stopped", "")


def test_a_serverless_version_that_sleeps_runs() -> None:
    asleep = revision(READY, told("Active", "False", "NoTraffic", "The target is not receiving traffic."), desired=0)
    found = state(serverless(service(READY, told("RoutesReady", "True")), asleep))
    assert said(found) == ("running", "Deployed", SCALED_TO_ZERO)


def test_a_serverless_version_that_needs_another_replica_says_why_it_has_none() -> None:
    lacking = pod(conditions=[told("PodScheduled", "False", "Unschedulable", INSUFFICIENT)])
    ready = pod(running(), conditions=[READY], phase="Running")
    grown = serverless(service(READY, told("RoutesReady", "True")), revision(READY, desired=2), pods=[lacking, ready])
    status, phase, reason = said(state(grown))
    assert (status, phase) == ("running", "Failed")
    assert reason.startswith("cluster resource not enough: ")
    assert reason.endswith("; 1 of 2 replicas ready")


def test_a_revision_that_fails_leaves_the_one_before_answering() -> None:
    message = f'Unable to fetch image "{IMAGE}": failed to resolve image to digest: GET https://x: MANIFEST_UNKNOWN'
    failed = revision(told("Ready", "False", "ContainerMissing", message), name="iris-1-00002", desired=0)
    live = service(told("Ready", "False", "RevisionFailed"), told("RoutesReady", "True"), created="iris-1-00002")
    found = state(serverless(live, failed, revision(READY)), weight=50)
    left = "revision iris-1-00002 is not ready yet, iris-1-00001 answers"
    assert said(found) == ("serving", "Failed", f"image {IMAGE} cannot be pulled: MANIFEST_UNKNOWN; {left}")


def test_a_first_revision_that_is_refused_has_failed() -> None:
    refused = told("ResourcesAvailable", "False", "FailedCreate", REFUSED)
    live = service(told("Ready", "False", "RevisionFailed"), told("RoutesReady", "False"), ready="")
    found = state(serverless(live, revision(refused, told("Ready", "False", "FailedCreate", REFUSED))))
    assert said(found)[:2] == ("failed", "Failed")
    assert found.reason.startswith("group resource not enough: Group iris-team exceeded cpu quota: 4, requesting 5")


def test_a_route_that_is_not_ready_is_told_in_knatives_words() -> None:
    waits = told("Ready", "Unknown", "Uninitialized", "Waiting for load balancer to be ready")
    pods = [pod(running(), conditions=[READY])]
    found = state(serverless(service(waits), revision(READY), pods=pods))
    assert said(found) == ("pending", "Deploying", "Waiting for load balancer to be ready")


def test_the_workload_that_is_worst_off_gives_the_reason() -> None:
    crashing = pod(waiting("CrashLoopBackOff", restartCount=1))
    transformer = Workload(
        "iris-1-transformer", RAW, TRANSFORMER, live=deployment(availableReplicas=0), pods=[crashing]
    )
    found = state(raw(deployment(updatedReplicas=1)), transformer)
    assert said(found) == ("failed", "Failed", "transformer: container model ends again and again (1 restart)")
    assert [workload.component for workload in found.workloads] == ["predictor", "transformer"]


FIELDS = """
metadata spec status name uid labels conditions type reason message replicas updatedReplicas resources limits memory
availableReplicas observedGeneration generation containerStatuses initContainerStatuses state waiting terminated running
lastState exitCode restartCount ready image containers phase desiredReplicas latestCreatedRevisionName
latestReadyRevisionName
"""
KEYS = st.sampled_from(FIELDS.split())
WORDS = "Ready True False ReplicaFailure PodScheduled Progressing ProgressDeadlineExceeded Failed CrashLoopBackOff"
TEXTS = st.sampled_from([*WORDS.split(), "ErrImagePull", "OOMKilled", "model", REFUSED, INSUFFICIENT, ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)


@given(st.lists(OBJECTS, max_size=4), st.sampled_from(DeploymentMode), st.booleans(), st.none() | st.integers(0, 100))
def test_whatever_the_objects_look_like_there_is_a_state(
    objects: list[Object], mode: DeploymentMode, stopped: bool, weight: int | None
) -> None:
    live = objects[0] if objects else None
    events = {"uid": objects}
    workload = Workload("x", mode, live=live, revisions=objects, deployments=objects, pods=objects, events=events)
    found = state(workload, stopped=stopped, weight=weight)
    assert isinstance(found.status, VersionStatus)
    assert "\n" not in found.reason
    if found.status is VersionStatus.FAILED:
        assert found.phase is Phase.FAILED
        assert found.reason
    if found.phase is Phase.DEPLOYED:
        assert found.status in (VersionStatus.RUNNING, VersionStatus.SERVING)
