from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.reading import KNATIVE_SERVICE, MODEL_ENDPOINT
from policies.rules.traffic_weights_sum_to_100 import policy
from tests.unit.policies.models import (
    INGRESS,
    KNATIVE_ROUTE,
    VIRTUAL_SERVICE,
    Named,
    defaults,
    endpoint,
    raw,
    to,
    virtual_service,
)
from tests.unit.policies.objects import first_lines, places

VIOLATION: list[Named] = [virtual_service({"route": [to("iris-1", 90), to("iris-2", 20)]})]
CANARY = "nginx.ingress.kubernetes.io/canary"


def judged(resource: Named) -> list[str]:
    type_, name, props = resource
    return violations(policy, type_, props, name=name)


def test_the_rule_is_mandatory() -> None:
    assert policy.name == "traffic-weights-sum-to-100"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert defaults(policy) == {"environments": [], "exemptions": []}


@pytest.mark.parametrize("weights", [(100,), (90, 10), (100, 0)])
def test_weights_that_sum_to_100_pass(weights: tuple[int, ...]) -> None:
    assert judged(endpoint(*weights, matches=[{"traffic": [{"version": 1, "weight": 100}]}])) == []


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((90, 20), "the weights sum to 110: 90 + 20"),
        ((90,), "the weights sum to 90: 90"),
        ((150, -50), "weight 150 is not a percentage"),
        ((33.5, 66.5), "weight 33.5 is not a percentage"),
    ],
)
def test_an_endpoint_whose_weights_do_not_is_refused(weights: tuple[int, ...], message: str) -> None:
    found = judged(endpoint(*weights))
    assert first_lines(found) == [message]
    assert places(found) == ["traffic"]


def test_the_weights_of_each_match_are_judged() -> None:
    matches = [{"traffic": [{"version": 1, "weight": 100}]}, {"traffic": [{"version": 1, "weight": 50}]}]
    found = judged(endpoint(100, matches=matches))
    assert places(found) == ["matches[1].traffic"]


def knative(*percents: int | None) -> dict[str, Any]:
    entries: list[dict[str, Any]] = [{"revisionName": f"iris-0000{index}"} for index, _ in enumerate(percents)]
    return {
        "traffic": [
            entry if percent is None else {**entry, "percent": percent}
            for entry, percent in zip(entries, percents, strict=True)
        ]
    }


@pytest.mark.parametrize("type_", [KNATIVE_ROUTE, KNATIVE_SERVICE])
def test_percentages_of_knative_are_judged_and_tags_alone_have_none(type_: str) -> None:
    assert judged(raw(type_, "iris", knative(90, 10, None))) == []
    found = judged(raw(type_, "iris", knative(90, 5)))
    assert first_lines(found) == ["the weights sum to 95: 90 + 5"]
    assert places(found) == ["spec.traffic"]


def test_a_knative_service_that_divides_nothing_passes() -> None:
    assert judged(raw(KNATIVE_SERVICE, "iris", {"template": {}})) == []


def test_each_route_of_a_virtual_service_is_judged_unless_it_has_one_destination() -> None:
    assert judged(virtual_service({"route": [to("iris-1")]}, {"route": [to("iris-1", 1), to("iris-2", 99)]})) == []
    found = judged(virtual_service({"route": [to("iris-1")]}, {"route": [to("iris-1"), to("iris-2", 99)]}))
    assert first_lines(found) == ["the weights sum to 99: 0 + 99"]
    assert places(found) == ["spec.http[1].route"]
    tcp = raw(VIRTUAL_SERVICE, "iris", {"tcp": [{"route": [to("iris-1", 1), to("iris-2", 1)]}]})
    assert places(judged(tcp)) == ["spec.tcp[0].route"]


@pytest.mark.parametrize(
    ("annotations", "allowed"),
    [
        ({CANARY: "true", f"{CANARY}-weight": "0"}, True),
        ({CANARY: "true", f"{CANARY}-weight": "100"}, True),
        ({CANARY: "true", f"{CANARY}-weight": "101"}, False),
        ({CANARY: "true", f"{CANARY}-weight": "a tenth"}, False),
        ({CANARY: "true", f"{CANARY}-weight": "101", f"{CANARY}-weight-total": "1000"}, True),
        ({CANARY: "true"}, True),
        ({f"{CANARY}-weight": "101"}, True),
    ],
)
def test_the_weight_of_a_canary_is_a_share(annotations: dict[str, str], allowed: bool) -> None:
    found = judged(raw(INGRESS, "iris", {}, annotations=annotations))
    assert (found == []) is allowed
    if not allowed:
        assert places(found) == [f"metadata.annotations.{CANARY}-weight"]


def test_weights_that_are_not_known_yet_are_not_judged() -> None:
    _, _, props = endpoint(100)
    props = {**props, "traffic": [{"version": 1, "weight": UNKNOWN}]}
    found = verdict(policy, MODEL_ENDPOINT, props)
    assert found.violations == []
    assert found.not_applicable
