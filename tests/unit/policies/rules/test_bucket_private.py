from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi import ArtifactBucket
from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.testing.policies import verdict, violations
from policies.buckets import ACLS, AWS_BUCKETS, DYNAMIC_BUCKET, GOOGLE_BUCKET, MINIO_BUCKET, PUBLIC_ACCESS_BLOCK
from policies.reading import ARTIFACT_BUCKET
from policies.rules.bucket_private import policy
from tests.unit.components.programs import recorded
from tests.unit.policies.objects import Resources, first_lines, places, settings_of

SAID = "public access to the bucket is not blocked: a policy or an ACL can open it to the world"
ALL_FOUR = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
VIOLATION: Resources = [(ARTIFACT_BUCKET, "models", {"bucket": "models", "blockPublicAccess": False})]


def judged(type_: str, props: Properties, **config: Any) -> list[str]:
    return violations(policy, type_, props, config=config)


def test_the_rule_is_mandatory_and_takes_no_endpoint_without_a_block() -> None:
    assert policy.name == "bucket-private"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.CRITICAL)
    assert settings_of(policy)["acceptUnsupported"]["default"] is False


def test_a_bucket_blocks_public_access_unless_it_says_otherwise() -> None:
    for item in recorded(lambda: ArtifactBucket("models")).registrations:
        assert judged(item.type, item.inputs) == []
    opened = recorded(lambda: ArtifactBucket("models", block_public_access=False)).registrations
    (component, made) = [item for item in opened if item.inputs]
    assert (component.type, made.type) == (ARTIFACT_BUCKET, DYNAMIC_BUCKET)
    for item in (component, made):
        found = judged(item.type, item.inputs)
        assert first_lines(found) == [SAID]
        assert places(found) == ["blockPublicAccess"]


def test_an_endpoint_without_a_block_is_refused_unless_the_platform_accepts_it() -> None:
    props = {"bucket": "models", "unsupported": ["public_access_block"]}
    found = judged(ARTIFACT_BUCKET, props)
    assert first_lines(found) == ["the bucket does without a block of public access: its endpoint is said to lack it"]
    assert places(found) == ["unsupported"]
    assert judged(ARTIFACT_BUCKET, props, acceptUnsupported=True) == []


@pytest.mark.parametrize("type_", [*AWS_BUCKETS, MINIO_BUCKET, *ACLS])
@pytest.mark.parametrize("acl", [None, "private", "bucket-owner-full-control", "log-delivery-write"])
def test_an_acl_that_opens_nothing_passes(type_: str, acl: str | None) -> None:
    assert judged(type_, {"bucket": "models", **({"acl": acl} if acl else {})}) == []


@pytest.mark.parametrize("type_", [*AWS_BUCKETS, MINIO_BUCKET, *ACLS])
@pytest.mark.parametrize("acl", ["public-read", "public-read-write", "authenticated-read", "public"])
def test_an_acl_that_opens_the_bucket_is_refused(type_: str, acl: str) -> None:
    found = judged(type_, {"bucket": "models", "acl": acl})
    assert first_lines(found) == [f'the ACL "{acl}" opens the bucket to others']
    assert places(found) == ["acl"]


def test_a_block_of_aws_has_all_four_settings() -> None:
    assert judged(PUBLIC_ACCESS_BLOCK, {"bucket": "models", **ALL_FOUR}) == []
    assert len(judged(PUBLIC_ACCESS_BLOCK, {"bucket": "models"})) == 4
    found = judged(PUBLIC_ACCESS_BLOCK, {"bucket": "models", **ALL_FOUR, "ignorePublicAcls": False})
    assert first_lines(found) == [SAID]
    assert places(found) == ["ignorePublicAcls"]


def test_a_bucket_of_google_cloud_enforces_that_it_is_not_public() -> None:
    assert judged(GOOGLE_BUCKET, {"publicAccessPrevention": "enforced"}) == []
    for props in ({}, {"publicAccessPrevention": "inherited"}):
        found = judged(GOOGLE_BUCKET, props)
        assert first_lines(found) == [SAID]
        assert places(found) == ["publicAccessPrevention"]


def test_what_is_not_known_yet_is_judged_at_the_update() -> None:
    said = verdict(policy, ACLS[0], {"acl": UNKNOWN})
    assert said.messages == []
    assert said.not_applicable
