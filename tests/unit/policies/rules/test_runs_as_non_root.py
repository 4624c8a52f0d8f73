from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import JOB, POD_TYPES
from policies.reading import DEPLOYMENT
from policies.rules.runs_as_non_root import policy
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, pod()))]
ENVIRONMENT = "prod"


def judged(pods: dict[str, Any], stack: str = "prod") -> list[str]:
    return violations(policy, DEPLOYMENT, workload(DEPLOYMENT, pods), stack=stack)


def test_the_rule_is_advice_for_production() -> None:
    assert policy.name == "runs-as-non-root"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.ADVISORY, Severity.MEDIUM)
    properties = settings_of(policy)
    assert properties["environments"]["default"] == ["prod", "production"]
    assert properties["builds"]["default"] is False
    assert judged(pod(), stack="dev") == []


@pytest.mark.parametrize(
    ("of_container", "of_pod"),
    [
        ({"runAsNonRoot": True}, {}),
        ({}, {"runAsNonRoot": True}),
        ({"runAsUser": 65534}, {}),
        ({}, {"runAsUser": 65534}),
        ({"runAsUser": 65534}, {"runAsUser": 0}),
        ({"runAsNonRoot": True}, {"runAsNonRoot": False}),
    ],
)
def test_containers_that_say_that_they_are_not_root_pass(of_container: dict[str, Any], of_pod: dict[str, Any]) -> None:
    assert judged(pod({"securityContext": of_container}, securityContext=of_pod)) == []


@pytest.mark.parametrize(
    ("of_container", "of_pod", "said"),
    [
        ({}, {}, 'container "model" may run as root: nothing says that it does not'),
        ({"runAsNonRoot": False}, {}, 'container "model" may run as root: nothing says that it does not'),
        ({"runAsNonRoot": False}, {"runAsNonRoot": True}, 'container "model" may run as root: nothing says'),
        ({"runAsUser": 0}, {}, 'container "model" runs as root: runAsUser 0'),
        ({"runAsUser": 0}, {"runAsUser": 65534}, 'container "model" runs as root: runAsUser 0'),
        ({}, {"runAsUser": 0}, 'container "model" runs as root: runAsUser 0'),
    ],
)
def test_containers_that_may_be_root_are_advised_against(
    of_container: dict[str, Any], of_pod: dict[str, Any], said: str
) -> None:
    found = judged(pod({"securityContext": of_container}, securityContext=of_pod))
    assert [line[: len(said)] for line in first_lines(found)] == [said]
    assert places(found) == ["spec.template.spec.containers[0].securityContext"]


def test_builds_of_images_are_root_unless_the_platform_asks_otherwise() -> None:
    build = workload(JOB, pod(), pod_labels={"caraml.dev/component": "image-builder"})
    assert violations(policy, JOB, build, stack="prod") == []
    assert len(violations(policy, JOB, build, stack="prod", config={"builds": True})) == 1
    assert len(violations(policy, JOB, build, stack="prod", config={"labelPrefix": "gojek.com/"})) == 1


@pytest.mark.parametrize("type_", POD_TYPES)
def test_whatever_makes_pods_is_held_to_the_rule(type_: str) -> None:
    pods = pod(initContainers=[{"name": "setup"}])
    assert len(violations(policy, type_, workload(type_, pods), stack="prod")) == 2


def test_a_user_that_is_not_known_yet_is_judged_at_the_update() -> None:
    pods = workload(DEPLOYMENT, pod({"securityContext": {"runAsUser": UNKNOWN}}))
    said = verdict(policy, DEPLOYMENT, pods, stack="prod")
    assert said.messages == []
    assert said.not_applicable
