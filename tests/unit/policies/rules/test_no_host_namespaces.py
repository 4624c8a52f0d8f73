import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import PATCH_TYPES, POD_TYPES
from policies.reading import DEPLOYMENT
from policies.rules.no_host_namespaces import policy
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, pod(hostNetwork=True)))]


def test_the_rule_is_mandatory_and_has_no_settings_of_its_own() -> None:
    assert policy.name == "no-host-namespaces"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert set(settings_of(policy)) == {"environments", "exemptions"}


def test_pods_that_share_nothing_of_their_node_pass() -> None:
    pods = pod({"ports": [{"containerPort": 8080}, {"containerPort": 9090, "hostPort": 0}]}, hostNetwork=False)
    assert violations(policy, DEPLOYMENT, workload(DEPLOYMENT, pods)) == []


@pytest.mark.parametrize(
    ("name", "shared"),
    [("hostNetwork", "network"), ("hostPID", "processes"), ("hostIPC", "memory between processes")],
)
def test_a_namespace_of_the_node_is_refused(name: str, shared: str) -> None:
    found = violations(policy, DEPLOYMENT, workload(DEPLOYMENT, pod(**{name: True})))
    assert first_lines(found) == [f"the pods share their node's {shared}: {name}"]
    assert places(found) == [f"spec.template.spec.{name}"]


def test_a_port_of_the_node_is_refused_by_its_number() -> None:
    pods = pod({"ports": [{"containerPort": 8080}, {"containerPort": 9090, "hostPort": 9090}]})
    found = violations(policy, DEPLOYMENT, workload(DEPLOYMENT, pods))
    assert first_lines(found) == ['container "model" takes port 9090 of its node: a second replica finds it taken']
    assert places(found) == ["spec.template.spec.containers[0].ports[1].hostPort"]


@pytest.mark.parametrize("type_", [*POD_TYPES, *PATCH_TYPES])
def test_whatever_makes_pods_or_patches_what_does_is_held_to_the_rule(type_: str) -> None:
    assert len(violations(policy, type_, workload(type_, pod(hostNetwork=True, hostPID=True)))) == 2


def test_what_is_not_known_yet_is_judged_at_the_update() -> None:
    said = verdict(policy, DEPLOYMENT, workload(DEPLOYMENT, pod(hostNetwork=True, hostPID=UNKNOWN)))
    assert len(said.messages) == 1
    assert said.not_applicable
