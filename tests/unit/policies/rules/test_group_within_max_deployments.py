from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import stack_verdict, stack_violations
from policies.rules.group_within_max_deployments import policy
from tests.unit.policies.groups import Resource, around, labels, project, version
from tests.unit.policies.objects import Resources, first_lines, places, settings_of

VIOLATION: Resources = [project(maxDeployments=1), version(1), version(2)]
SAID = "Group Maximum Deployments exceeded: iris-team"


def judged(*resources: Resource) -> list[str]:
    return first_lines([message for message, _ in stack_violations(policy, resources)])


def test_the_rule_is_mandatory_and_knows_versions_by_their_labels() -> None:
    assert policy.name == "group-within-max-deployments"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert settings_of(policy)["labelPrefix"]["default"] == ""


def test_as_many_versions_as_the_group_may_have_pass_and_any_number_without_a_maximum() -> None:
    assert judged(project(maxDeployments=2), version(1), version(2)) == []
    assert judged(project(), version(1), version(2), version(3)) == []


def test_one_version_more_is_a_violation_of_its_project() -> None:
    ((message, urn),) = stack_violations(policy, VIOLATION)
    assert message.splitlines()[0] == SAID
    assert places([message]) == ["quota.maxDeployments"]
    assert "at most 1 deployed versions, not iris-1, iris-2" in message
    assert urn is not None
    assert urn.endswith("ModelProject::iris-team")


def test_a_stopped_version_is_not_deployed() -> None:
    assert judged(project(maxDeployments=1), version(1), version(2, stopped=True)) == []


def test_a_version_that_goes_around_the_components_counts_and_other_workloads_do_not() -> None:
    assert judged(project(maxDeployments=1), version(1), around(labels=labels(2))) == [SAID]
    assert judged(project(maxDeployments=1), version(1), around()) == []


def test_what_is_not_known_yet_is_judged_at_the_update() -> None:
    said = stack_verdict(policy, [project(maxDeployments=UNKNOWN), version(1)])
    assert said.messages == []
    assert said.not_applicable
