from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import stack_verdict, stack_violations
from policies.reading import MODEL_ENDPOINT
from policies.rules.endpoint_has_alerts import PROMETHEUS_RULE, policy
from tests.unit.policies.models import (
    VIRTUAL_SERVICE,
    Named,
    defaults,
    endpoint,
    labels,
    raw,
    to,
    urn,
    virtual_service,
)
from tests.unit.policies.objects import first_lines

VIOLATION: list[Named] = [virtual_service({"route": [to("iris-1")]})]


def rule(*rules: dict[str, Any], name: str = "iris", namespace: str = "iris-team", **own: str) -> Named:
    metadata = {"name": name, "namespace": namespace, "labels": own}
    return PROMETHEUS_RULE, name, {"metadata": metadata, "spec": {"groups": [{"name": "all", "rules": list(rules)}]}}


ALERT = {"alert": "slow", "expr": "latency > 1"}


def judged(*resources: Named, **config: Any) -> list[str]:
    return [message for message, _ in stack_violations(policy, resources, config=config)]


def test_the_rule_is_advisory() -> None:
    assert policy.name == "endpoint-has-alerts"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.ADVISORY, Severity.MEDIUM)
    assert defaults(policy) == {"labelPrefix": "", "environments": [], "exemptions": []}


def test_an_endpoint_that_nothing_watches_is_told() -> None:
    found = stack_violations(policy, [endpoint(100)])
    assert first_lines([message for message, _ in found]) == [
        'model "iris" in iris-team answers requests, and no alert watches it'
    ]
    assert found[0][1] == urn(MODEL_ENDPOINT, "iris")


def test_a_prometheus_rule_with_the_labels_of_the_model_watches_it() -> None:
    assert judged(endpoint(100), rule(ALERT, **labels())) == []
    assert judged(endpoint(100), rule({"record": "a", "expr": "b"}, **labels()))
    assert judged(endpoint(100), rule(ALERT, namespace="wine-team", **labels()))
    assert judged(endpoint(100), rule(ALERT, **labels(app="wine")))


@pytest.mark.parametrize(
    ("expression", "watched"),
    [
        ('requests{namespace="iris-team", model="iris"} > 1', True),
        ('requests{namespace="iris-team", revision="iris-1-00001"} > 1', True),
        ('requests{namespace="iris-team"} > 1', False),
        ('requests{namespace="other-iris-team"} > 1', False),
        ('requests{namespace="wine-team", model="iris"} > 1', False),
    ],
)
def test_an_alert_whose_expression_names_project_and_model_watches_it(expression: str, watched: bool) -> None:
    anywhere = rule({"alert": "slow", "expr": expression}, namespace="monitoring")
    assert (judged(endpoint(100), anywhere) == []) is watched


def test_a_route_with_the_labels_of_an_endpoint_needs_an_alert_too_and_is_told_once() -> None:
    route, mirror = virtual_service({"route": [to("iris-1")]}), raw(VIRTUAL_SERVICE, "iris-mirror", {}, labels())
    assert len(judged(route, mirror)) == 1
    assert len(judged(route, endpoint(100))) == 1
    assert judged(route, rule(ALERT, **labels())) == []
    assert judged(route, labelPrefix="example.org/") == []


def test_alerts_that_are_not_known_yet_are_not_judged() -> None:
    found = stack_verdict(policy, [endpoint(100), rule({"alert": UNKNOWN, "expr": "a"}, **labels())])
    assert found.violations == []
    assert found.not_applicable
