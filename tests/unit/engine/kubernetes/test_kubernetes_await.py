"""When objects count as ready, kind by kind, from what their controllers report."""

from typing import Any

import pytest

from caraml_pulumi.engine.providers.kubernetes.await_ import cluster, services, storage, workloads
from caraml_pulumi.engine.providers.kubernetes.await_.conditions import parse_wait_for
from caraml_pulumi.engine.providers.kubernetes.await_.jsonpath import parse_json_path
from caraml_pulumi.engine.providers.kubernetes.await_.knative import lasting_failure
from caraml_pulumi.engine.providers.kubernetes.await_.progress import READY
from caraml_pulumi.errors import CaramlError

Object = dict[str, Any]


def obj(spec: Object | None = None, **status: Any) -> Object:
    return {"metadata": {"name": "x", "namespace": "n", "generation": 2}, "spec": spec or {}, "status": status}


def told(type_: str, status: str, reason: str = "", message: str = "", **more: Any) -> Object:
    return {"type": type_, "status": status, "reason": reason, "message": message, **more}


def test_a_deployment_is_ready_when_all_replicas_are_new_and_available() -> None:
    counts = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
    assert workloads.deployment(obj({"replicas": 3}, **counts)) == READY


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ({}, "the controller has not seen the change yet"),
        ({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}, "has not seen"),
        ({"observedGeneration": 2, "updatedReplicas": 1}, "1 of 3 replicas updated"),
        ({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 4}, "1 old replicas still to end"),
        ({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 2}, "2 of 3 replicas"),
    ],
)
def test_a_deployment_says_what_it_waits_for(status: Object, message: str) -> None:
    progress = workloads.deployment(obj({"replicas": 3}, **status))
    assert not progress.ready
    assert not progress.failed
    assert message in progress.message


def test_a_deployment_scaled_to_zero_is_ready() -> None:
    assert workloads.deployment(obj({"replicas": 0}, observedGeneration=2)).ready


def test_a_deployment_beyond_its_deadline_has_failed() -> None:
    late = told("Progressing", "False", "ProgressDeadlineExceeded", "timed out")
    progress = workloads.deployment(obj({}, observedGeneration=2, conditions=[late]))
    assert progress.failed
    assert progress.message == "ProgressDeadlineExceeded: timed out"


def test_a_stateful_set_waits_for_the_pods_above_its_partition() -> None:
    spec = {"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}}
    status: Object = {"observedGeneration": 2, "readyReplicas": 3, "currentRevision": "a", "updateRevision": "b"}
    assert workloads.stateful_set(obj(spec, updatedReplicas=1, **status)).message == "1 of 2 replicas updated"
    assert workloads.stateful_set(obj(spec, updatedReplicas=2, **status)).ready


def test_a_daemon_set_waits_for_every_node() -> None:
    status: Object = {"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2}
    assert workloads.daemon_set(obj(numberAvailable=1, **status)).message == "1 of 2 pods ready"
    assert workloads.daemon_set(obj(numberAvailable=2, **status)).ready


def test_a_job_is_ready_when_complete_and_fails_for_good() -> None:
    assert workloads.job(obj(conditions=[told("Complete", "True")])).ready
    assert workloads.job(obj({"suspend": True})).ready
    failure = workloads.job(obj(conditions=[told("Failed", "True", "BackoffLimitExceeded", "too often")]))
    assert (failure.failed, failure.message) == (True, "BackoffLimitExceeded: too often")


def test_a_pod_is_ready_when_it_says_so_or_has_succeeded() -> None:
    assert workloads.pod(obj(phase="Running", conditions=[told("Ready", "True")])).ready
    assert workloads.pod(obj(phase="Succeeded")).ready
    assert workloads.pod(obj(phase="Failed", message="evicted")).failed
    assert workloads.pod(obj()).message == "the pod is Pending"


def endpoints(*ready: bool | None) -> Any:
    return lambda *address: [{"endpoints": [{"conditions": {"ready": value}} for value in ready]}]


def test_a_service_is_ready_with_its_first_ready_endpoint() -> None:
    service = obj({"selector": {"app": "iris"}})
    assert not services.service(service, endpoints(False)).ready
    assert services.service(service, endpoints(False, True)).ready
    assert services.service(service, endpoints(None)).ready
    assert services.service(service, endpoints()).message == "no ready pod with the labels app=iris"


@pytest.mark.parametrize("spec", [{}, {"clusterIP": "None", "selector": {"a": "b"}}, {"type": "ExternalName"}])
def test_services_without_endpoints_of_their_own_are_ready(spec: Object) -> None:
    assert services.service(obj(spec), endpoints()).ready


def test_a_load_balancer_waits_for_its_address() -> None:
    spec = {"type": "LoadBalancer"}
    assert services.service(obj(spec), endpoints()).message == "no load balancer address yet"
    assert services.service(obj(spec, loadBalancer={"ingress": [{"ip": "10.0.0.1"}]}), endpoints()).ready


def test_a_claim_that_binds_with_its_first_pod_is_ready_while_pending() -> None:
    claim = obj({"storageClassName": "local"}, phase="Pending")
    assert storage.claim(claim, lambda *address: {"volumeBindingMode": "WaitForFirstConsumer"}).ready
    assert not storage.claim(claim, lambda *address: {"volumeBindingMode": "Immediate"}).ready
    missing = storage.claim(claim, lambda *address: None)
    assert missing.message == "the StorageClass 'local' does not exist"


def test_a_definition_whose_names_are_taken_has_failed() -> None:
    conditions = [told("NamesAccepted", "False", "PluralConflict", "taken")]
    assert cluster.definition(obj(conditions=conditions)).failed
    assert cluster.definition(obj(conditions=[told("Established", "True")])).ready


def test_wait_for_a_condition_needs_the_current_generation() -> None:
    [check] = parse_wait_for("condition=Ready", "it")
    stale = obj(observedGeneration=1, conditions=[told("Ready", "True")])
    assert not check(stale).ready
    assert check(obj(observedGeneration=2, conditions=[told("ready", "true")])).ready
    newer = told("Ready", "True", observedGeneration=2)
    assert check(obj(observedGeneration=1, conditions=[newer])).ready


def test_wait_for_may_ask_for_another_status_a_path_or_several() -> None:
    checks = parse_wait_for('["condition=Stalled=False", "jsonpath={.status.phase}=Active"]', "it")
    found = obj(phase="Active", conditions=[told("Stalled", "False")])
    assert all(check(found).ready for check in checks)
    assert [check(obj(phase="Odd")).message for check in checks] == [
        "no condition Stalled yet",
        ".status.phase is Odd, not Active",
    ]


@pytest.mark.parametrize("text", ["Ready", "condition=", "jsonpath=.status", "jsonpath={.a[}", "[]", "1"])
def test_a_wait_for_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(CaramlError, match="annotation of x"):
        parse_wait_for(text, "annotation of x")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.a.b", [1]),
        (".a['b']", [1]),
        ('.list[?(@.type=="Ready")].status', ["True"]),
        (".list[?@.type!='Ready'].status", ["False"]),
        (".list[*].type", ["Ready", "Other"]),
        (".list[-1].type", ["Other"]),
        (".list[?(@.status)].type", ["Ready", "Other"]),
        (".absent.path", []),
    ],
)
def test_json_paths_select_fields(path: str, found: list[Any]) -> None:
    value = {"a": {"b": 1}, "list": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}]}
    assert parse_json_path(path)(value) == found


def test_knative_failures_count_only_when_they_last() -> None:
    service = {"apiVersion": "serving.knative.dev/v1", "kind": "Service"}
    failing = told("Ready", "False", "RevisionFailed", "no such image")
    assert lasting_failure({**service, **obj(observedGeneration=2, conditions=[failing])}) == (
        "RevisionFailed: no such image"
    )
    assert not lasting_failure({**service, **obj(observedGeneration=1, conditions=[failing])})
    assert not lasting_failure({**service, **obj(conditions=[told("Ready", "False", "Deploying")])})
    assert not lasting_failure({"apiVersion": "x/v1", **obj(conditions=[failing])})
