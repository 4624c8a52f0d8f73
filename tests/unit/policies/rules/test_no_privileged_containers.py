from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import PATCH_TYPES, POD_TYPES
from policies.reading import DEPLOYMENT
from policies.rules.no_privileged_containers import policy
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

SPEC = "spec.template.spec"
VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, pod({"securityContext": {"privileged": True}})))]


def judged(context: dict[str, Any], **config: Any) -> list[str]:
    return violations(policy, DEPLOYMENT, workload(DEPLOYMENT, pod({"securityContext": context})), config=config)


def test_the_rule_is_mandatory_and_lets_containers_add_what_the_baseline_does() -> None:
    assert policy.name == "no-privileged-containers"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.CRITICAL)
    schema = settings_of(policy)["allowedCapabilities"]
    assert {"NET_BIND_SERVICE", "CHOWN"} < set(schema["default"])
    assert not {"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE"} & set(schema["default"])


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"privileged": False, "allowPrivilegeEscalation": False, "procMount": "Default"},
        {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}},
        {"capabilities": {"add": ["CAP_CHOWN"]}},
        {"windowsOptions": {"hostProcess": False}},
    ],
)
def test_a_container_without_rights_on_its_node_passes(context: dict[str, Any]) -> None:
    assert judged(context) == []


@pytest.mark.parametrize(
    ("context", "said", "where"),
    [
        ({"privileged": True}, 'container "model" is privileged: it has all rights on its node', "privileged"),
        (
            {"allowPrivilegeEscalation": True},
            'container "model" lets its processes gain more privileges than they started with',
            "allowPrivilegeEscalation",
        ),
        (
            {"capabilities": {"add": ["NET_BIND_SERVICE", "SYS_ADMIN", "NET_RAW"]}},
            'container "model" adds the capabilities SYS_ADMIN, NET_RAW',
            "capabilities.add",
        ),
        ({"capabilities": {"add": ["ALL"]}}, 'container "model" adds the capability ALL', "capabilities.add"),
        (
            {"procMount": "Unmasked"},
            'container "model" mounts /proc as Unmasked: it sees what the runtime hides',
            "procMount",
        ),
        (
            {"windowsOptions": {"hostProcess": True}},
            'container "model" runs as a process of its Windows node',
            "windowsOptions.hostProcess",
        ),
    ],
)
def test_rights_on_the_node_are_refused_where_they_are_asked_for(
    context: dict[str, Any], said: str, where: str
) -> None:
    found = judged(context)
    assert first_lines(found) == [said]
    assert places(found) == [f"{SPEC}.containers[0].securityContext.{where}"]


def test_all_that_is_wrong_with_a_container_is_said_at_once() -> None:
    context = {"privileged": True, "allowPrivilegeEscalation": True, "capabilities": {"add": ["SYS_ADMIN"]}}
    assert len(judged(context)) == 3


def test_pods_of_windows_host_processes_are_refused() -> None:
    pods = pod(securityContext={"windowsOptions": {"hostProcess": True}})
    found = violations(policy, DEPLOYMENT, workload(DEPLOYMENT, pods))
    assert places(found) == [f"{SPEC}.securityContext.windowsOptions.hostProcess"]


def test_init_containers_are_held_to_the_rule() -> None:
    pods = pod(initContainers=[{"name": "setup", "securityContext": {"privileged": True}}])
    found = violations(policy, DEPLOYMENT, workload(DEPLOYMENT, pods))
    assert places(found) == [f"{SPEC}.initContainers[0].securityContext.privileged"]


def test_a_platform_says_itself_which_capabilities_may_be_added() -> None:
    context = {"capabilities": {"add": ["SYS_PTRACE"]}}
    assert judged(context, allowedCapabilities=["SYS_PTRACE"]) == []
    (message,) = judged({"capabilities": {"add": ["CHOWN"]}}, allowedCapabilities=[])
    assert "allowed: none" in message


@pytest.mark.parametrize("type_", [*POD_TYPES, *PATCH_TYPES])
def test_whatever_makes_pods_or_patches_what_does_is_held_to_the_rule(type_: str) -> None:
    assert len(violations(policy, type_, workload(type_, pod({"securityContext": {"privileged": True}})))) == 1


def test_what_is_not_known_yet_is_judged_at_the_update_and_what_is_known_now() -> None:
    pods = pod({"securityContext": {"privileged": True}})
    pods["containers"].append({"name": "beside", "securityContext": {"privileged": UNKNOWN}})
    said = verdict(policy, DEPLOYMENT, workload(DEPLOYMENT, pods))
    assert len(said.messages) == 1
    assert said.not_applicable
