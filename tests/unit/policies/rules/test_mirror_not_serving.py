from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.reading import MODEL_ENDPOINT
from policies.rules.mirror_not_serving import policy
from tests.unit.policies.models import (
    HTTP_ROUTE,
    Named,
    defaults,
    endpoint,
    raw,
    to,
    virtual_service,
)
from tests.unit.policies.objects import first_lines, places

VIOLATION: list[Named] = [virtual_service({"route": [to("iris-1", 100)], "mirror": {"host": "iris-1"}})]


def judged(resource: Named) -> list[str]:
    type_, name, props = resource
    return violations(policy, type_, props, name=name)


def test_the_rule_is_mandatory() -> None:
    assert policy.name == "mirror-not-serving"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.MEDIUM)
    assert defaults(policy) == {"environments": [], "exemptions": []}


def test_copies_for_a_version_without_weight_pass() -> None:
    assert judged(endpoint(100)) == []
    assert judged(endpoint(100, mirror={"version": 2, "percentage": 100})) == []
    assert judged(endpoint(100, 0, mirror={"version": 2, "percentage": 100})) == []


def test_copies_for_a_version_that_answers_are_refused() -> None:
    found = judged(endpoint(90, 10, mirror={"version": 2, "percentage": 100}))
    assert first_lines(found) == ["version 2 answers requests already, and would get them twice"]
    assert places(found) == ["mirror.version"]


def test_a_version_that_answers_in_a_match_alone_answers_too() -> None:
    matches = [{"traffic": [{"version": 2, "weight": 100}]}]
    assert judged(endpoint(100, matches=matches, mirror={"version": 2, "percentage": 100}))


@pytest.mark.parametrize(
    ("mirror", "allowed"),
    [
        ({"host": "iris-2"}, True),
        ({"host": "iris-1.other-team.svc.cluster.local"}, True),
        ({"host": "iris-1", "subset": "next"}, True),
        ({"host": "iris-1"}, False),
        ({"host": "iris-1.iris-team.svc.cluster.local"}, False),
    ],
)
def test_a_virtual_service_mirrors_to_what_has_no_weight_in_the_route(mirror: dict[str, Any], allowed: bool) -> None:
    route = {"route": [to("iris-1", 100), to("iris-2", 0)]}
    assert (judged(virtual_service({**route, "mirror": mirror})) == []) is allowed
    assert (judged(virtual_service({**route, "mirrors": [{"destination": mirror}]})) == []) is allowed
    assert judged(virtual_service(route, {"route": [to("iris-3")], "mirror": mirror})) == []


def test_a_target_that_is_reached_under_another_host_is_another_target() -> None:
    """So do the endpoints of this library: both go back to a gateway, which tells hosts apart."""
    back = {**to("gateway.istio-system.svc", 100), "headers": {"request": {"set": {"Host": "iris-1.example.com"}}}}
    assert judged(virtual_service({"route": [back], "mirror": {"host": "gateway.istio-system.svc"}})) == []


def test_a_gateway_route_mirrors_to_what_has_no_weight_in_the_rule() -> None:
    def rule(mirrored: str) -> dict[str, Any]:
        mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": mirrored, "port": 80}}}
        return {"backendRefs": [{"name": "iris-1", "port": 80}], "filters": [mirror]}

    assert judged(raw(HTTP_ROUTE, "iris", {"rules": [rule("iris-2")]})) == []
    found = judged(raw(HTTP_ROUTE, "iris", {"rules": [rule("iris-2"), rule("iris-1")]}))
    assert first_lines(found) == ["Service iris-team/iris-1 answers the requests already, and would get them twice"]
    assert places(found) == ["spec.rules[1]"]


def test_a_mirror_that_is_not_known_yet_is_not_judged() -> None:
    _, _, props = endpoint(100, mirror={"version": UNKNOWN})
    found = verdict(policy, MODEL_ENDPOINT, props)
    assert found.violations == []
    assert found.not_applicable
