from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import stack_verdict, stack_violations
from policies.reading import MODEL_ENDPOINT, SERVICE
from policies.rules.traffic_to_existing_versions import policy
from tests.unit.policies.models import (
    HTTP_ROUTE,
    INGRESS,
    KNATIVE_ROUTE,
    Named,
    defaults,
    endpoint,
    labels,
    raw,
    raw_deployment,
    raw_knative_service,
    to,
    urn,
    version,
    virtual_service,
)
from tests.unit.policies.objects import first_lines, places

VIOLATION: list[Named] = [raw_knative_service(1), virtual_service({"route": [to("iris-3")]})]
OURS = labels(component="model-endpoint")


def judged(*resources: Named, **config: Any) -> list[str]:
    return [message for message, _ in stack_violations(policy, resources, config=config)]


def test_the_rule_is_mandatory_and_knows_of_no_other_stacks() -> None:
    assert policy.name == "traffic-to-existing-versions"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert defaults(policy) == {"elsewhere": [], "labelPrefix": "", "environments": [], "exemptions": []}


def test_traffic_to_versions_of_the_stack_passes() -> None:
    assert judged(version(1), version(2), endpoint(90, 10)) == []
    assert judged(version(1), *raw_deployment(2), endpoint(90, 10)) == []


def test_traffic_to_a_version_that_is_not_there_is_refused_and_the_endpoint_is_blamed() -> None:
    found = stack_violations(policy, [version(1), endpoint(90, 10)])
    assert first_lines([message for message, _ in found]) == [
        'traffic goes to version 2 of model "iris" in iris-team, which the stack does not deploy'
    ]
    assert "allowed: versions that are deployed: 1" in found[0][0]
    assert [blamed for _, blamed in found] == [urn(MODEL_ENDPOINT, "iris")]


@pytest.mark.parametrize(
    "more",
    [
        {"matches": [{"traffic": [{"version": 2, "weight": 100}]}]},
        {"mirror": {"version": 2, "percentage": 10}},
    ],
)
def test_matches_and_mirrors_need_their_versions_too(more: dict[str, Any]) -> None:
    assert len(judged(version(1), endpoint(100, **more))) == 1


def test_a_version_of_another_project_model_or_environment_is_another_version() -> None:
    others = [version(2, project="wine-team"), version(2, model="wine"), version(2, environment="staging")]
    assert len(judged(version(1), *others, endpoint(90, 10))) == 1


def test_an_endpoint_over_versions_of_another_stack_alone_is_not_judged() -> None:
    assert judged(endpoint(90, 10)) == []


@pytest.mark.parametrize("pattern", ["iris-team/iris/2", "iris-team/*"])
def test_versions_that_other_stacks_deploy_are_named_in_the_setting(pattern: str) -> None:
    assert judged(version(1), endpoint(90, 10), elsewhere=[pattern]) == []
    assert judged(version(1), endpoint(90, 10), elsewhere=["wine-team/*"])


def test_traffic_to_a_stopped_version_is_refused_once() -> None:
    found = judged(version(1), version(2, status="terminated"), endpoint(90, 10))
    assert first_lines(found) == ["traffic goes to version 2, which is stopped"]
    assert len(judged(version(1), *raw_deployment(2, replicas=0), endpoint(90, 10))) == 1


def test_versions_of_two_protocols_are_refused() -> None:
    both = [version(1, protocol="HTTP_JSON"), version(2, protocol="UPI_V1")]
    assert first_lines(judged(*both, endpoint(90, 10))) == ["the versions of an endpoint speak HTTP_JSON and UPI_V1"]
    assert judged(*both, endpoint(100)) == []


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("iris-1", False),
        ("iris-1.iris-team.svc.cluster.local", False),
        ("iris-2-predictor", False),
        ("iris-3", True),
        ("iris-3.iris-team.svc", True),
        ("iris-3.wine-team.svc.cluster.local", False),
        ("iris.example.com", False),
    ],
)
def test_a_virtual_service_of_a_model_names_services_that_the_stack_has(host: str, refused: bool) -> None:
    stack = [raw_knative_service(1), *raw_deployment(2)]
    found = judged(*stack, virtual_service({"route": [to(host)]}))
    assert bool(found) is refused
    if refused:
        assert first_lines(found) == ['requests go to the Service "iris-3" in iris-team, which the stack does not have']
        assert places(found) == ["spec.http[0].route"]


def test_other_routes_name_what_the_stack_has_as_well() -> None:
    def route(type_: str, spec: dict[str, Any]) -> list[str]:
        return judged(raw_knative_service(1), raw(type_, "iris", spec, OURS))

    def ingress(service: str) -> dict[str, Any]:
        backend = {"service": {"name": service, "port": {"number": 80}}}
        return {"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}]}

    assert route(HTTP_ROUTE, {"rules": [{"backendRefs": [{"name": "iris-1"}]}]}) == []
    assert route(HTTP_ROUTE, {"rules": [{"backendRefs": [{"name": "gateway", "namespace": "istio-system"}]}]}) == []
    assert len(route(HTTP_ROUTE, {"rules": [{"backendRefs": [{"name": "iris-3"}]}]})) == 1
    assert route(INGRESS, ingress("iris-1")) == []
    assert len(route(INGRESS, ingress("iris-3"))) == 1
    assert route(KNATIVE_ROUTE, {"traffic": [{"revisionName": "iris-1-00002", "percent": 100}]}) == []
    assert len(route(KNATIVE_ROUTE, {"traffic": [{"revisionName": "iris-3-00002", "percent": 100}]})) == 1
    assert len(route(KNATIVE_ROUTE, {"traffic": [{"configurationName": "iris-3", "percent": 100}]})) == 1
    assert route(KNATIVE_ROUTE, {"traffic": [{"configurationName": "iris-3", "percent": 0}]}) == []


def test_routes_of_nobodys_model_and_routes_without_versions_in_the_stack_are_not_judged() -> None:
    gone = {"route": [to("iris-3")]}
    assert judged(virtual_service(gone)) == []
    assert judged(raw_knative_service(1), virtual_service(gone, **{"caraml.dev/app": "wine"})) == []
    assert judged(raw_knative_service(1), virtual_service(gone, **{"caraml.dev/orchestrator": "helm"})) == []
    assert len(judged(raw_knative_service(1), virtual_service(gone))) == 1


def test_labels_are_found_under_the_prefix_of_the_setting() -> None:
    stack = [raw_knative_service(1), virtual_service({"route": [to("iris-3")]})]
    assert judged(*stack, labelPrefix="example.org/") == []


def test_a_name_that_is_not_known_yet_is_not_judged() -> None:
    unnamed = raw(SERVICE, "iris-9", {"selector": UNKNOWN})
    found = stack_verdict(policy, [version(1), unnamed, endpoint(90, 10)])
    assert len(found.violations) == 1
    late = virtual_service({"route": [to(UNKNOWN)]})  # type: ignore[arg-type]
    assert stack_verdict(policy, [raw_knative_service(1), late]).not_applicable
