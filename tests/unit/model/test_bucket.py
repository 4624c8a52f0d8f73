"""The settings of a bucket: defaults, and what cannot be."""

from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import bucket
from caraml_pulumi.model.bucket import ArtifactBucketSpec, BucketFeature
from caraml_pulumi.model.spec import parse


def spec(**given: Any) -> ArtifactBucketSpec:
    return parse(ArtifactBucketSpec, {"bucket": "models", **given})


def test_a_bucket_is_versioned_encrypted_private_and_cleaned_up_unless_asked_otherwise() -> None:
    assert spec().settings() == {
        "versioning": True,
        "encryption": "AES256",
        "kmsKey": "",
        "blockPublicAccess": True,
        "noncurrentVersionExpirationDays": 90,
        "abortIncompleteUploadDays": 7,
        "tags": {},
    }


def test_what_the_endpoint_lacks_is_not_set() -> None:
    lacking = ["encryption", "public_access_block", "lifecycle"]
    assert spec(unsupported=lacking).settings() == {"versioning": True, "tags": {}}


def test_a_key_of_kms_encrypts() -> None:
    settings = spec(kms_key="alias/models").settings()
    assert (settings["encryption"], settings["kmsKey"]) == ("aws:kms", "alias/models")


@pytest.mark.parametrize(
    ("given", "retained"),
    [({}, True), ({"force_destroy": True}, False), ({"retain_on_delete": False}, False)],
)
def test_a_bucket_is_retained_unless_asked_otherwise(given: dict[str, Any], retained: bool) -> None:
    assert spec(**given).retained is retained


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bucket": "Models"}, "not a name for a bucket"),
        ({"endpoint": "s3.example.com"}, "not an endpoint"),
        ({"endpoint": "https://s3.example.com/models"}, "not an endpoint"),
        ({"endpoint": "https://s3.example.com:port"}, "not an endpoint"),
        ({"retain_on_delete": True, "force_destroy": True}, "both"),
        ({"kms_key": "alias/models", "unsupported": ["encryption"]}, "lack"),
        ({"tags": {"team": "fraud"}, "unsupported": ["tags"]}, "lack"),
        ({"tags": {"aws:team": "fraud"}}, "cannot be a tag"),
        ({"tags": {str(number): "x" for number in range(51)}}, "too many"),
        ({"noncurrent_version_expiration_days": -1}, "-1 is not a number of days"),
        ({"abort_incomplete_upload_days": 1.5}, "abort"),
        ({"unsupported": ["speed"]}, "public_access_block"),
    ],
)
def test_settings_that_cannot_be_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(CaramlError) as error:
        spec(**given)
    assert said in str(error.value)


def test_a_password_in_an_endpoint_is_refused_and_not_shown() -> None:
    with pytest.raises(CaramlError) as error:
        spec(endpoint="https://user:hunter2@s3.example.com")
    assert "hunter2" not in str(error.value)


def test_a_feature_that_the_endpoint_lacks_is_refused_unless_it_is_accepted() -> None:
    bucket.endpoint_has(BucketFeature.VERSIONING, ["encryption"], accepted=False)
    bucket.endpoint_has(BucketFeature.VERSIONING, ["versioning"], accepted=True)
    for feature in BucketFeature:
        with pytest.raises(CaramlError, match="its endpoint is said to lack it"):
            bucket.endpoint_has(feature, [feature.value], accepted=False)


@pytest.mark.parametrize(
    ("algorithm", "allowed", "said"),
    [
        ("", (), "the bucket is not encrypted"),
        ("", ("aws:kms",), "the bucket is not encrypted"),
        ("AES256", ("aws:kms",), "the bucket is encrypted with AES256"),
    ],
)
def test_a_bucket_without_the_encryption_that_is_asked_for_is_refused(
    algorithm: str, allowed: tuple[str, ...], said: str
) -> None:
    with pytest.raises(CaramlError) as caught:
        bucket.bucket_encrypted(algorithm, allowed)
    assert caught.value.what == said


def test_a_bucket_with_the_encryption_that_is_asked_for_passes() -> None:
    for algorithm, allowed in (("AES256", ()), ("aws:kms", ("aws:kms", "aws:kms:dsse"))):
        bucket.bucket_encrypted(algorithm, allowed)


def test_what_every_bucket_is_by_default_holds_all_rules() -> None:
    given = spec()
    bucket.bucket_versioned(given.versioning)
    bucket.bucket_encrypted(given.settings()["encryption"])
    bucket.bucket_blocks_public_access(given.block_public_access)
    bucket.bucket_not_force_destroyed(given.force_destroy)


@pytest.mark.parametrize("acl", ["public-read", "public-read-write", "public-write", "public", "authenticated-read"])
def test_an_acl_that_opens_the_bucket_is_refused(acl: str) -> None:
    bucket.acl_is_private("private")
    with pytest.raises(CaramlError, match=acl):
        bucket.acl_is_private(acl)
