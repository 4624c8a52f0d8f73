import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi import ArtifactBucket
from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.buckets import BUCKETS, DYNAMIC_BUCKET
from policies.reading import ARTIFACT_BUCKET
from policies.rules.bucket_not_force_destroyed import policy
from tests.unit.components.programs import recorded
from tests.unit.policies.objects import Resources, first_lines, places, settings_of

SAID = "the bucket is deleted with all models in it when it is removed from the stack"
VIOLATION: Resources = [(ARTIFACT_BUCKET, "models", {"bucket": "models", "forceDestroy": True})]
ENVIRONMENT = "prod"


def test_the_rule_is_mandatory_in_production() -> None:
    assert policy.name == "bucket-not-force-destroyed"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.CRITICAL)
    assert settings_of(policy)["environments"]["default"] == ["prod", "production"]
    assert violations(policy, ARTIFACT_BUCKET, {"forceDestroy": True}, stack="dev") == []


def test_a_bucket_stays_unless_it_says_otherwise() -> None:
    for item in recorded(lambda: ArtifactBucket("models")).registrations:
        assert violations(policy, item.type, item.inputs, stack="prod") == []
    forced = recorded(lambda: ArtifactBucket("models", force_destroy=True)).registrations
    (component, made) = [item for item in forced if item.inputs]
    assert (component.type, made.type) == (ARTIFACT_BUCKET, DYNAMIC_BUCKET)
    for item in (component, made):
        found = violations(policy, item.type, item.inputs, stack="prod")
        assert first_lines(found) == [SAID]
        assert places(found) == ["forceDestroy"]


@pytest.mark.parametrize("type_", BUCKETS)
def test_buckets_that_no_component_made_are_held_to_the_rule(type_: str) -> None:
    assert first_lines(violations(policy, type_, {"forceDestroy": True}, stack="prod")) == [SAID]
    assert violations(policy, type_, {"forceDestroy": False}, stack="prod") == []
    assert violations(policy, type_, {}, stack="prod") == []


def test_what_is_not_known_yet_is_judged_at_the_update() -> None:
    said = verdict(policy, BUCKETS[0], {"forceDestroy": UNKNOWN}, stack="prod")
    assert said.messages == []
    assert said.not_applicable
