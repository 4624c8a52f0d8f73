from typing import Any

import pytest

from caraml_pulumi import CustomModelVersion, ModelProject
from caraml_pulumi.engine.values import Properties
from caraml_pulumi.testing.policies import stack_violations
from policies.rules import deployment_enabled_for_group, group_within_max_deployments, group_within_quota
from tests.unit.components.programs import recorded

PROJECT = "caraml:index:ModelProject"
VERSION = "caraml:index:CustomModelVersion"
POLICIES = [deployment_enabled_for_group.policy, group_within_max_deployments.policy, group_within_quota.policy]


def project(name: str = "iris-team", *, enabled: bool = True, **quota: Any) -> tuple[str, str, Properties]:
    return PROJECT, name, {"project": name, "environment": "dev", "enabled": enabled, "quota": quota}


def version(number: int = 1, project: str = "iris-team", **demand: Any) -> tuple[str, str, Properties]:
    identity = {"model": "iris", "version": number, "project": project, "environment": "dev"}
    stopped = demand.pop("stopped", False)
    asked = {"cpu": "1", "memory": "1Gi", "gpu": 0, **demand}
    return VERSION, f"iris-{number}", identity if stopped else {**identity, "demand": asked}


def broken(*resources: tuple[str, str, Properties]) -> list[str]:
    return [message for policy in POLICIES for message, _ in stack_violations(policy, resources)]


def test_versions_within_the_quota_of_their_group_are_fine() -> None:
    assert broken(project(cpu="2", memory="2Gi", gpu=0, maxDeployments=2), version(1), version(2)) == []


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (project(cpu="1500m"), "Group iris-team exceeded cpu quota: 1500m, requesting 2"),
        (project(memory="1G"), "Group iris-team exceeded memory quota: 1G, requesting 2Gi"),
        (project(gpu=1), "Group iris-team exceeded gpu quota: 1, requesting 2"),
        (project(maxDeployments=1), "Group Maximum Deployments exceeded: iris-team"),
        (project(enabled=False), "The model deployment is not enabled for the selected group: iris-team"),
    ],
)
def test_what_a_group_may_not_is_a_violation_of_its_project(group: tuple[str, str, Properties], message: str) -> None:
    resources = [group, version(1, gpu=1), version(2, gpu=1)]
    found = [violation for policy in POLICIES for violation in stack_violations(policy, resources)]
    assert [(text.startswith(message), "iris-1" in text and "iris-2" in text) for text, _ in found] == [(True, True)]
    assert found[0][1] is not None
    assert found[0][1].endswith("ModelProject::iris-team")


def test_stopped_versions_count_for_nothing() -> None:
    assert broken(project(cpu="1", maxDeployments=1), version(1), version(2, stopped=True)) == []
    assert broken(project(enabled=False), version(1, stopped=True)) == []


def test_versions_count_for_their_own_group() -> None:
    groups = [project("iris-team", cpu="1"), project("wine-team", cpu="1")]
    assert broken(*groups, version(1), version(2, "wine-team")) == []


def test_a_version_without_a_memory_limit_is_a_violation_under_a_memory_quota() -> None:
    _, name, outputs = version(1)
    del outputs["demand"]["memory"]
    (message,) = broken(project(memory="9Gi"), (VERSION, name, outputs))
    assert "iris-1 has no memory limit" in message


def test_the_outputs_of_the_components_are_what_the_policies_read() -> None:
    def program() -> None:
        project = ModelProject("iris-team", team="fraud", stream="risk", quota={"cpu": "8"})
        CustomModelVersion("iris-1", model="iris", version=1, project=project, image="ghcr.io/team/iris:1")

    registrations = recorded(program).registrations
    resources = [(item.type, item.name, item.outputs) for item in registrations]
    assert broken(*resources) == []
    _, _, outputs = resources[0]
    outputs["quota"] = {"cpu": "7"}
    assert "requesting 8" in broken(*resources)[0]
