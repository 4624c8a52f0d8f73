"""States of versions and endpoints, put together from a stack's state and the objects in the cluster."""

from typing import Any

from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.status.cluster import ListKey, Live, newest_first
from caraml_pulumi.status.deployed import read_deployed
from caraml_pulumi.status.derive import report
from caraml_pulumi.status.report import EndpointReport, Report
from tests.unit.observed.shapes import Object, event, pod, running, told
from tests.unit.status.stacks import PROVIDER, child, endpoint, state, version

API_VERSIONS = {
    "Deployment": "apps/v1",
    "VirtualService": "networking.istio.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
}
FIRST, SECOND, ROUTE = version(), version(number=2), endpoint(v1=90, v2=10)
RESOURCES = (
    FIRST,
    SECOND,
    ROUTE,
    child(FIRST, "apps/v1:Deployment", "iris-1"),
    child(SECOND, "apps/v1:Deployment", "iris-2"),
    child(ROUTE, "networking.istio.io/v1:VirtualService", "iris"),
)


def live(*objects: Object, gone: bool = False) -> Live:
    """A cluster with these objects in iris-team, by their kinds."""
    lists: dict[ListKey, list[Object]] = {}
    for item in objects:
        key = ListKey(PROVIDER, API_VERSIONS.get(item["kind"], "v1"), item["kind"], "iris-team")
        lists.setdefault(key, []).append(item)
    return Live(lists, frozenset({(PROVIDER, "iris-team")} if gone else ()))


def deployment(name: str, available: int = 1) -> Object:
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": available}
    spec = {"replicas": 1, "selector": {"matchLabels": {"of": name}}}
    return {"kind": "Deployment", "metadata": {"name": name, "generation": 1}, "spec": spec, "status": status}


def virtual_service(first: int, second: int) -> Object:
    route = [
        {"weight": weight, "headers": {"request": {"set": {"Host": f"iris-{number}.iris-team.example.com"}}}}
        for number, weight in ((1, first), (2, second))
    ]
    return {"kind": "VirtualService", "metadata": {"name": "iris"}, "spec": {"http": [{"route": route}]}}


def labelled(found: Object, **labels: str) -> Object:
    return {"kind": "Pod", **found, "metadata": {**found["metadata"], "labels": labels}}


def taken(cluster: Live, *resources: ResourceState) -> Report:
    return report(read_deployed(state(*(resources or RESOURCES))), cluster)


def of_endpoint(found: Report) -> EndpointReport:
    [only] = found.endpoints
    return only


def test_the_weights_are_those_of_the_cluster_not_those_of_the_state() -> None:
    found = taken(live(deployment("iris-1"), deployment("iris-2"), virtual_service(25, 75)))
    assert [(one.state.status.value, one.state.weight) for one in found.versions] == [("serving", 25), ("serving", 75)]
    assert (of_endpoint(found).status.value, of_endpoint(found).weights) == ("serving", {1: 25, 2: 75})
    assert not found.failed


def test_an_endpoint_that_sends_requests_to_a_version_that_is_gone_has_failed() -> None:
    found = taken(live(deployment("iris-1"), virtual_service(90, 10)))
    assert of_endpoint(found).status.value == "failed"
    assert of_endpoint(found).reason == "version 2 gets 10 % of the requests and is failed"
    assert found.failed


def test_an_endpoint_whose_version_is_not_there_yet_is_pending() -> None:
    found = taken(live(deployment("iris-1"), deployment("iris-2", available=0), virtual_service(90, 10)))
    assert of_endpoint(found).status.value == "pending"
    assert not found.failed


def test_a_version_without_weight_may_be_away() -> None:
    found = taken(live(deployment("iris-1"), virtual_service(100, 0)))
    assert of_endpoint(found).status.value == "serving"


def test_versions_of_an_endpoint_whose_route_is_gone_serve_nobody() -> None:
    found = taken(live(deployment("iris-1"), deployment("iris-2")))
    assert of_endpoint(found).reason == "VirtualService iris is not in the cluster"
    assert [(one.state.status.value, one.state.weight) for one in found.versions] == [("running", None)] * 2


def test_an_endpoint_whose_route_is_not_accepted_has_failed_in_the_controllers_words() -> None:
    route = child(ROUTE, "gateway.networking.k8s.io/v1:HTTPRoute", "iris")
    refused = told("Accepted", "False", "NoMatchingParent", "no such listener")
    rule = {"backendRefs": [{"name": "iris-1", "weight": 1}]}
    item = {
        "kind": "HTTPRoute",
        "metadata": {"name": "iris"},
        "spec": {"rules": [rule]},
        "status": {"parents": [{"conditions": [refused]}]},
    }
    found = taken(live(item, deployment("iris-1")), FIRST, ROUTE, RESOURCES[3], route)
    assert of_endpoint(found).reason == "HTTPRoute iris: NoMatchingParent: no such listener"
    assert found.versions[0].state.weight == 100


def test_pods_are_those_that_the_deployment_selects_and_events_those_about_them() -> None:
    unready = labelled(pod(running(ready=False), phase="Running"), of="iris-1")
    other = labelled(pod(running(ready=False, restarts=9), phase="Running", name="other"), of="iris-3")
    warning = {"kind": "Event", "involvedObject": {"uid": "uid-of-iris-1-abc"}, **event("Unhealthy", "probe: 503")}
    found = taken(live(deployment("iris-1", available=0), unready, other, warning), FIRST, RESOURCES[3])
    assert found.versions[0].state.reason == "container model is not ready: probe: 503"
    assert found.versions[0].state.restarts == 0


def test_a_stopped_serverless_version_is_stopping_while_a_pod_of_any_revision_is_left() -> None:
    stopped = version(status="terminated")
    service = child(stopped, "networking.istio.io/v1:VirtualService", "iris-1-vs")
    name = "serving.kserve.io/inferenceservice"
    mine, others = labelled(pod(), **{name: "iris-1-r3"}), labelled(pod(), **{name: "iris-11"})
    assert taken(live(mine, others), stopped, service).versions[0].state.phase.value == "Stopping"
    assert taken(live(others), stopped, service).versions[0].state.phase.value == "Stopped"


def test_a_group_that_is_gone_is_not_found() -> None:
    [first, _] = taken(live(gone=True)).versions
    assert first.state.reason == "group not found: the namespace iris-team is not in the cluster"


def test_events_are_told_newest_first_whichever_way_they_say_when() -> None:
    about = {"involvedObject": {"uid": "a"}}
    events: list[dict[str, Any]] = [
        {**about, "message": "old", "lastTimestamp": "2026-11-22T10:00:00Z"},
        {**about, "message": "newest", "series": {"lastObservedTime": "2026-11-22T12:00:00Z"}},
        {**about, "message": "new", "eventTime": "2026-11-22T11:00:00Z"},
        {"message": "about nothing"},
    ]
    assert [item["message"] for item in newest_first(events)["a"]] == ["newest", "new", "old"]


def test_json_has_the_documented_keys() -> None:
    found = taken(live(deployment("iris-1"), deployment("iris-2"), virtual_service(90, 10))).props()
    assert found["endpoints"] == [
        {
            "project": "iris-team",
            "model": "iris",
            "environment": "dev",
            "status": "serving",
            "reason": "",
            "traffic": [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}],
            "url": "http://iris.iris-team.example.com/v1/predict",
        }
    ]
    assert found["versions"][0] == {
        "project": "iris-team",
        "model": "iris",
        "version": 1,
        "environment": "dev",
        "status": "serving",
        "phase": "Deployed",
        "reason": "",
        "weight": 90,
        "restarts": 0,
        "url": "http://iris-1.iris-team.example.com/v1/models/iris-1:predict",
        "images": [],
        "workloads": [{"component": "predictor", "ready": 0, "desired": 1, "restarts": 0}],
    }
