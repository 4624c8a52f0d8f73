from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi import ArtifactBucket
from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.testing.policies import verdict, violations
from policies.buckets import AWS_BUCKETS, DYNAMIC_BUCKET, GOOGLE_BUCKET, MINIO_BUCKET, VERSIONINGS
from policies.reading import ARTIFACT_BUCKET
from policies.rules.bucket_versioned import policy
from tests.unit.components.programs import recorded
from tests.unit.policies.objects import Resources, first_lines, places, settings_of

SAID = "the bucket is not versioned: a model that is overwritten or deleted is gone"
VIOLATION: Resources = [(ARTIFACT_BUCKET, "models", {"bucket": "models", "versioning": False})]


def judged(type_: str, props: Properties, **config: Any) -> list[str]:
    return violations(policy, type_, props, config=config)


def test_the_rule_is_mandatory_and_takes_no_endpoint_without_versioning() -> None:
    assert policy.name == "bucket-versioned"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert settings_of(policy)["acceptUnsupported"]["default"] is False
    assert settings_of(policy)["explicit"]["default"] is False


def test_a_bucket_is_versioned_unless_it_says_otherwise() -> None:
    for item in recorded(lambda: ArtifactBucket("models")).registrations:
        assert judged(item.type, item.inputs) == []
    (component, made) = [
        item for item in recorded(lambda: ArtifactBucket("models", versioning=False)).registrations if item.inputs
    ]
    assert (component.type, made.type) == (ARTIFACT_BUCKET, DYNAMIC_BUCKET)
    for item in (component, made):
        found = judged(item.type, item.inputs)
        assert first_lines(found) == [SAID]
        assert places(found) == ["versioning"]


def test_an_endpoint_without_versioning_is_refused_unless_the_platform_accepts_it() -> None:
    props = {"bucket": "models", "versioning": True, "unsupported": ["encryption", "versioning"]}
    found = judged(ARTIFACT_BUCKET, props)
    assert first_lines(found) == ["the bucket does without versioning: its endpoint is said to lack it"]
    assert places(found) == ["unsupported"]
    assert judged(ARTIFACT_BUCKET, props, acceptUnsupported=True) == []
    assert judged(ARTIFACT_BUCKET, {**props, "unsupported": ["encryption"]}) == []


def test_a_bucket_of_google_cloud_says_itself_that_it_is_versioned() -> None:
    assert judged(GOOGLE_BUCKET, {"versioning": {"enabled": True}}) == []
    for props in ({}, {"versioning": {"enabled": False}}):
        assert first_lines(judged(GOOGLE_BUCKET, props)) == [SAID]


@pytest.mark.parametrize("type_", [*AWS_BUCKETS, MINIO_BUCKET])
def test_a_bucket_that_may_have_a_versioning_elsewhere_passes(type_: str) -> None:
    assert judged(type_, {"bucket": "models"}) == []


@pytest.mark.parametrize("type_", AWS_BUCKETS)
def test_a_platform_may_want_buckets_of_aws_to_say_it_themselves(type_: str) -> None:
    assert first_lines(judged(type_, {"bucket": "models"}, explicit=True)) == [SAID]
    assert judged(type_, {"versioning": {"enabled": True}}, explicit=True) == []
    assert judged(MINIO_BUCKET, {"bucket": "models"}, explicit=True) == []


@pytest.mark.parametrize("type_", AWS_BUCKETS)
@pytest.mark.parametrize(
    ("props", "passes"),
    [
        ({"versioning": {"enabled": True}}, True),
        ({"versioning": {"enabled": False}}, False),
        ({"versioning": {}}, False),
        ({"versionings": [{"enabled": True}]}, True),
        ({"versionings": [{"enabled": False}]}, False),
        ({"versionings": []}, True),
    ],
)
def test_a_bucket_of_aws_is_judged_by_its_own_word(type_: str, props: Properties, passes: bool) -> None:
    assert (judged(type_, props) == []) is passes


@pytest.mark.parametrize("type_", VERSIONINGS)
def test_a_versioning_that_is_suspended_is_refused(type_: str) -> None:
    assert judged(type_, {"bucket": "models", "versioningConfiguration": {"status": "Enabled"}}) == []
    found = judged(type_, {"bucket": "models", "versioningConfiguration": {"status": "Suspended"}})
    assert first_lines(found) == [SAID]
    assert places(found) == ["versioningConfiguration.status"]


def test_what_is_not_known_yet_is_judged_at_the_update() -> None:
    said = verdict(policy, VERSIONINGS[0], {"versioningConfiguration": {"status": UNKNOWN}})
    assert said.messages == []
    assert said.not_applicable
