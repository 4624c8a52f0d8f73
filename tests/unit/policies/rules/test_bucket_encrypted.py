from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi import ArtifactBucket
from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.testing.policies import verdict, violations
from policies.buckets import AWS_BUCKETS, DYNAMIC_BUCKET, ENCRYPTIONS, GOOGLE_BUCKET
from policies.reading import ARTIFACT_BUCKET
from policies.rules.bucket_encrypted import policy
from tests.unit.components.programs import recorded
from tests.unit.policies.objects import Resources, first_lines, places, settings_of

VIOLATION: Resources = [(ARTIFACT_BUCKET, "models", {"bucket": "models", "unsupported": ["encryption"]})]


def judged(type_: str, props: Properties, **config: Any) -> list[str]:
    return violations(policy, type_, props, config=config)


def test_the_rule_is_mandatory_and_takes_any_algorithm() -> None:
    assert policy.name == "bucket-encrypted"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert settings_of(policy)["acceptUnsupported"]["default"] is False
    assert settings_of(policy)["algorithms"]["default"] == []


@pytest.mark.parametrize("kms_key", [None, "alias/models"])
def test_a_bucket_is_encrypted_with_the_keys_of_s3_or_of_kms(kms_key: str | None) -> None:
    settings: Any = {"kms_key": kms_key} if kms_key else {}
    made = [item for item in recorded(lambda: ArtifactBucket("models", **settings)).registrations if item.inputs]
    assert [item.type for item in made] == [ARTIFACT_BUCKET, DYNAMIC_BUCKET]
    for item in made:
        assert judged(item.type, item.inputs) == []
        found = judged(item.type, item.inputs, algorithms=["aws:kms", "aws:kms:dsse"])
        assert first_lines(found) == ([] if kms_key else ["the bucket is encrypted with AES256"])


def test_a_platform_that_asks_for_kms_is_told_where_to_name_the_key() -> None:
    (message,) = judged(ARTIFACT_BUCKET, {"bucket": "models"}, algorithms=["aws:kms"])
    assert places([message]) == ["kmsKey"]
    assert "allowed: aws:kms" in message
    assert "kmsKey" in message.splitlines()[-1]


def test_an_endpoint_without_encryption_is_refused_unless_the_platform_accepts_it() -> None:
    props = {"bucket": "models", "unsupported": ["encryption"]}
    found = judged(ARTIFACT_BUCKET, props)
    assert first_lines(found) == ["the bucket does without encryption: its endpoint is said to lack it"]
    assert places(found) == ["unsupported"]
    assert judged(ARTIFACT_BUCKET, props, acceptUnsupported=True) == []
    made = recorded(lambda: ArtifactBucket("models", unsupported=["encryption"])).registrations
    assert [judged(item.type, item.inputs) for item in made if item.type == DYNAMIC_BUCKET] == [[]]


@pytest.mark.parametrize("type_", AWS_BUCKETS)
@pytest.mark.parametrize(
    ("inline", "said"),
    [
        ({}, []),
        (
            {"serverSideEncryptionConfiguration": {"rule": {"applyServerSideEncryptionByDefault": {}}}},
            ["the bucket is not encrypted"],
        ),
        (
            {
                "serverSideEncryptionConfiguration": {
                    "rule": {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
                }
            },
            [],
        ),
        (
            {
                "serverSideEncryptionConfigurations": [
                    {"rules": [{"applyServerSideEncryptionByDefaults": [{"sseAlgorithm": ""}]}]}
                ]
            },
            ["the bucket is not encrypted"],
        ),
    ],
)
def test_a_bucket_of_aws_is_judged_by_its_own_word(type_: str, inline: Properties, said: list[str]) -> None:
    assert first_lines(judged(type_, {"bucket": "models", **inline})) == said


@pytest.mark.parametrize("type_", ENCRYPTIONS)
def test_an_encryption_of_its_own_is_held_to_the_algorithms(type_: str) -> None:
    props = {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]}
    assert judged(type_, props) == []
    assert first_lines(judged(type_, props, algorithms=["aws:kms"])) == ["the bucket is encrypted with AES256"]


def test_a_bucket_of_google_cloud_is_encrypted_with_its_own_keys_or_those_of_kms() -> None:
    keyed = {"encryption": {"defaultKmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k"}}
    for props in ({}, keyed):
        assert judged(GOOGLE_BUCKET, props) == []
    found = judged(GOOGLE_BUCKET, {}, algorithms=["aws:kms"])
    assert places(found) == ["encryption.defaultKmsKeyName"]
    assert judged(GOOGLE_BUCKET, keyed, algorithms=["aws:kms"]) == []


def test_what_is_not_known_yet_is_judged_at_the_update() -> None:
    props = {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": UNKNOWN}}]}
    said = verdict(policy, ENCRYPTIONS[0], props)
    assert said.messages == []
    assert said.not_applicable
