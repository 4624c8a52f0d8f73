"""The settings of a bucket: defaults, and what cannot be."""

from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.bucket import ArtifactBucketSpec
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
