from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import stack_verdict, stack_violations
from policies.rules.group_within_quota import policy
from tests.unit.policies.groups import Resource, around, project, version
from tests.unit.policies.objects import Resources, first_lines, places, settings_of

VIOLATION: Resources = [project(cpu="1500m"), version(1), version(2)]


def messages(*resources: Resource) -> list[str]:
    return [message for message, _ in stack_violations(policy, resources)]


def test_the_rule_is_mandatory_and_knows_versions_by_their_labels() -> None:
    assert policy.name == "group-within-quota"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert settings_of(policy)["labelPrefix"]["default"] == ""


def test_versions_that_ask_for_just_their_quota_pass_and_any_without_one() -> None:
    assert messages(project(cpu="2", memory="2Gi", gpu=4), version(1, gpu=2), version(2, gpu=2)) == []
    assert messages(project(), version(1, cpu="1000"), version(2)) == []


@pytest.mark.parametrize(
    ("quota", "said", "where"),
    [
        ({"cpu": "1500m"}, "Group iris-team exceeded cpu quota: 1500m, requesting 2", "cpu"),
        ({"memory": "1G"}, "Group iris-team exceeded memory quota: 1G, requesting 2Gi", "memory"),
        ({"gpu": 1}, "Group iris-team exceeded gpu quota: 1, requesting 2", "gpu"),
    ],
)
def test_versions_that_ask_for_more_are_a_violation_of_their_project(
    quota: dict[str, Any], said: str, where: str
) -> None:
    ((message, urn),) = stack_violations(policy, [project(**quota), version(1, gpu=1), version(2, gpu=1)])
    assert message.splitlines()[0] == said
    assert places([message]) == [f"quota.{where}"]
    assert "iris-1" in message
    assert "iris-2" in message
    assert urn is not None
    assert urn.endswith("ModelProject::iris-team")


def test_a_stopped_version_asks_for_nothing() -> None:
    assert messages(project(cpu="1"), version(1), version(2, stopped=True)) == []


def test_a_version_without_a_memory_limit_is_refused_under_a_memory_quota() -> None:
    type_, name, outputs = version(1)
    del outputs["demand"]["memory"]
    (message,) = messages(project(memory="9Gi"), (type_, name, outputs))
    assert "iris-1 has no memory limit" in message


def test_a_workload_that_goes_around_the_components_uses_up_the_quota() -> None:
    raw = around(limits={"cpu": "500m", "memory": "1Gi"}, replicas=2)
    assert messages(project(cpu="2"), version(1), raw) == []
    (message,) = messages(project(cpu="1500m"), version(1), raw)
    assert first_lines([message]) == ["Group iris-team exceeded cpu quota: 1500m, requesting 2"]
    assert "Deployment raw 1" in message


def test_what_is_not_known_yet_is_judged_at_the_update() -> None:
    said = stack_verdict(policy, [project(cpu="1"), version(1, cpu=UNKNOWN)])
    assert said.messages == []
    assert said.not_applicable
