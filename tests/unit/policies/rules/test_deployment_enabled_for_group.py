from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import stack_verdict, stack_violations
from policies.rules.deployment_enabled_for_group import policy
from tests.unit.policies.groups import Resource, around, labels, project, version
from tests.unit.policies.objects import Resources, first_lines, places, settings_of

VIOLATION: Resources = [project(enabled=False), version(1)]
SAID = "The model deployment is not enabled for the selected group: iris-team"


def judged(*resources: Resource) -> list[str]:
    return first_lines([message for message, _ in stack_violations(policy, resources)])


def test_the_rule_is_mandatory_and_knows_versions_by_their_labels() -> None:
    assert policy.name == "deployment-enabled-for-group"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert settings_of(policy)["labelPrefix"]["default"] == ""


def test_a_group_that_deployment_is_switched_on_for_passes() -> None:
    assert judged(project(), version(1), around(labels=labels(2))) == []


def test_a_deployed_version_of_a_group_without_deployment_is_a_violation_of_its_project() -> None:
    ((message, urn),) = stack_violations(policy, VIOLATION)
    assert message.splitlines()[0] == SAID
    assert places([message]) == ["enabled"]
    assert "not iris-1" in message
    assert urn is not None
    assert urn.endswith("ModelProject::iris-team")


def test_a_stopped_version_is_not_deployed() -> None:
    assert judged(project(enabled=False), version(1, stopped=True)) == []


def test_a_version_that_goes_around_the_components_is_deployed_and_other_workloads_are_no_models() -> None:
    assert judged(project(enabled=False), around(labels=labels(1))) == [SAID]
    assert judged(project(enabled=False), around()) == []


def test_what_is_not_known_yet_is_judged_at_the_update() -> None:
    type_, name, outputs = project(enabled=False)
    said = stack_verdict(policy, [(type_, name, {**outputs, "enabled": UNKNOWN}), version(1)])
    assert said.messages == []
    assert said.not_applicable
