"""What the Kubernetes provider waits for on a real API server, and what it says when that does not come."""

import threading
import time
from collections.abc import Callable

import pytest

from caraml_pulumi.engine.providers.base import PartialFailure
from caraml_pulumi.engine.providers.kubernetes import KubernetesProvider
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import MERGE_PATCH, KubeError

from .conftest import LocalCluster
from .kubernetes_stack import LABELS, Object, Stack, deployment

pytestmark = pytest.mark.e2e


@pytest.fixture
def stack(cluster: LocalCluster, namespace: str) -> Stack:
    return Stack(KubernetesProvider({"kubeconfig": str(cluster.kubeconfig)}), namespace, cluster.client)


def test_what_does_not_become_ready_is_kept_and_says_why(stack: Stack) -> None:
    greedy = deployment(stack, resources={"requests": {"cpu": "9000"}})
    with pytest.raises(PartialFailure) as caught:
        stack.create("apps/v1:Deployment", greedy, timeout=3)
    assert "is not ready after 3 s: 0 of 2 replicas ready" in caught.value.what
    assert "cannot be scheduled: 0/1 nodes are available: 1 Insufficient cpu" in caught.value.what
    assert caught.value.live.id == f"{stack.namespace}/iris"
    assert caught.value.live.outputs["__inputs"]["spec"]["replicas"] == 2
    assert any("cannot be scheduled" in report for report in stack.reports)


def test_a_quota_that_is_exceeded_is_told_in_the_wait(stack: Stack) -> None:
    stack.create("core/v1:ResourceQuota", {**stack.metadata("q"), "spec": {"hard": {"requests.cpu": "1"}}})
    with pytest.raises(PartialFailure, match=r"exceeded quota: q, requested: requests\.cpu=2"):
        stack.create("apps/v1:Deployment", deployment(stack, resources={"requests": {"cpu": "2"}}), timeout=2)


def test_a_wait_ends_at_once_when_the_run_is_stopped(stack: Stack) -> None:
    cancelled = threading.Event()
    threading.Timer(0.5, cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(PartialFailure, match="stopped while waiting for Deployment"):
        stack.create(
            "apps/v1:Deployment", deployment(stack, resources={"requests": {"cpu": "9000"}}), cancelled=cancelled
        )
    assert time.monotonic() - started < 3


def test_skip_await_and_timeout_seconds_are_obeyed(stack: Stack) -> None:
    greedy = deployment(stack, resources={"requests": {"cpu": "9000"}})
    greedy["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}
    stack.create("apps/v1:Deployment", greedy)
    patient = deployment(stack, name="other", resources={"requests": {"cpu": "9000"}})
    patient["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "1"}
    with pytest.raises(PartialFailure, match="is not ready after 1 s"):
        stack.create("apps/v1:Deployment", patient)


def test_wait_for_watches_the_fields_it_names(stack: Stack) -> None:
    annotations = {"pulumi.com/waitFor": "jsonpath={.data.state}=done"}
    inputs = {**stack.metadata("c", annotations=annotations), "data": {"state": "begun"}}

    def finish() -> None:
        path = stack.client.path("v1", "ConfigMap", stack.namespace, "c")
        stack.client.request("PATCH", path, {"data": {"state": "done"}}, content_type=MERGE_PATCH)

    retry(finish)
    made = stack.create("core/v1:ConfigMap", inputs, timeout=20)
    assert made.outputs["data"] == {"state": "done"}
    assert ".data.state is begun, not done" in stack.reports


def retry(action: Callable[[], None]) -> None:
    """Run `action` in the background until its object exists, and a moment has passed."""

    def run() -> None:
        while True:
            time.sleep(0.5)
            try:
                return action()
            except KubeError:
                continue

    threading.Thread(target=run, daemon=True).start()


def test_a_service_is_ready_with_its_first_endpoint(stack: Stack) -> None:
    service = {**stack.metadata("iris"), "spec": {"selector": LABELS, "ports": [{"port": 80, "targetPort": 8080}]}}
    with pytest.raises(PartialFailure, match="no ready pod with the labels app=iris"):
        stack.create("core/v1:Service", service, timeout=1)
    stack.create("apps/v1:Deployment", deployment(stack))
    found = stack.create("core/v1:Service", {**service, **stack.metadata("other")}, timeout=30)
    assert found.outputs["spec"]["clusterIP"]


def test_an_object_that_is_being_deleted_is_waited_out_before_it_is_made_again(stack: Stack) -> None:
    inputs = {**stack.metadata("c", finalizers=["example.com/hold"]), "data": {"a": "1"}}
    made = stack.create("core/v1:ConfigMap", inputs)
    stack.client.request("DELETE", stack.client.path("v1", "ConfigMap", stack.namespace, "c"))
    release = {"metadata": {"finalizers": None}}
    threading.Timer(1.0, stack.edit, [made, release, "kubectl-edit"]).start()
    again = stack.create("core/v1:ConfigMap", {**stack.metadata("c"), "data": {"a": "2"}})
    assert again.outputs["metadata"]["uid"] != made.outputs["metadata"]["uid"]


def test_a_finalizer_that_holds_an_object_is_named(stack: Stack) -> None:
    held = {**stack.metadata("c", finalizers=["example.com/hold"]), "data": {"a": "1"}}
    made = stack.create("core/v1:ConfigMap", held)
    with pytest.raises(CaramlError, match=r"after it was deleted: the finalizers example\.com/hold"):
        stack.provider.delete(made, stack.context(timeout=1))
    stack.edit(made, {"metadata": {"finalizers": None}}, "kubectl-edit")
    stack.provider.delete(made, stack.context())


def knative_service(stack: Stack, image: str, **annotations: str) -> Object:
    waits = {"pulumi.com/waitFor": "condition=Ready"}
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [{"image": image}]}}
    return {**stack.metadata("iris", annotations=waits), "spec": {"template": template}}


def test_a_knative_service_is_awaited_in_each_revision_and_deleted_with_its_pods(stack: Stack) -> None:
    type_ = "serving.knative.dev/v1:Service"
    made = stack.create(type_, knative_service(stack, "dev.local/iris:1"), timeout=120)
    assert made.outputs["status"]["latestReadyRevisionName"] == "iris-00001"
    assert not stack.diff(made, knative_service(stack, "dev.local/iris:1")).changed
    changed = stack.update(made, knative_service(stack, "dev.local/iris:2"), timeout=120)
    assert changed.outputs["status"]["latestReadyRevisionName"] == "iris-00002"
    stack.provider.delete(changed, stack.context(timeout=120))
    path = stack.client.path("v1", "Pod", stack.namespace)
    assert stack.client.request("GET", path)["items"] == []


def test_a_knative_service_that_says_it_failed_is_not_waited_for_until_the_timeout(stack: Stack) -> None:
    started = time.monotonic()
    with pytest.raises(PartialFailure, match=r"has failed: RevisionFailed: .*Unable to fetch image") as caught:
        stack.create("serving.knative.dev/v1:Service", knative_service(stack, "no-such-host.invalid/iris:1"))
    assert time.monotonic() - started < 120
    assert caught.value.live.id == f"{stack.namespace}/iris"


def test_what_holds_up_a_revision_is_told_before_the_service_has_failed_for_good(stack: Stack) -> None:
    unresolved = knative_service(stack, "no-such-host.invalid/iris:1")
    with pytest.raises(PartialFailure, match=r"after 3 s: .*\nrevision iris-00001: ContainerMissing: Unable to fetch"):
        stack.create("serving.knative.dev/v1:Service", unresolved, timeout=3)
    stack.create("core/v1:ResourceQuota", {**stack.metadata("q"), "spec": {"hard": {"pods": "0"}}})
    refused = knative_service(stack, "dev.local/iris:1")
    refused["metadata"]["name"] = "refused"
    with pytest.raises(PartialFailure, match=r"revision refused-00001: FailedCreate: .*exceeded quota: q") as caught:
        stack.create("serving.knative.dev/v1:Service", refused, timeout=6)
    assert "custom timeouts" in caught.value.fix


def test_the_preview_of_a_knative_service_has_the_word_of_its_webhook(stack: Stack) -> None:
    wrong = knative_service(stack, "dev.local/iris:1", **{"autoscaling.knative.dev/min-scale": "many"})
    with pytest.raises(CaramlError, match="autoscaling"):
        stack.create("serving.knative.dev/v1:Service", wrong, preview=True)
