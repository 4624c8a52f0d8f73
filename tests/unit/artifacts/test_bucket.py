"""The requests that bring a bucket to its settings, held to botocore's model of S3.

The S3 server of the end-to-end tests has versions and tags, and no encryption, public access block or lifecycle.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from caraml_pulumi.artifacts.bucket import Bucket
from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.errors import CaramlError

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
OURS = {
    "ID": "caraml-pulumi",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}
DAYS = {"noncurrentVersionExpirationDays": 30, "abortIncompleteUploadDays": 7}
THEIRS = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    client = Endpoint(region="eu-west-1").client()
    monkeypatch.setattr(Endpoint, "client", lambda self: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def bucket() -> Bucket:
    return Bucket(Endpoint(), "models")


def expect(s3: Stubber, operation: str, answer: dict[str, Any] | None = None, **request: Any) -> None:
    s3.add_response(operation, answer or {}, {"Bucket": "models", **request})


def test_a_new_bucket_is_made_in_the_region_of_the_client(s3: Stubber) -> None:
    s3.add_client_error("list_objects_v2", "NoSuchBucket", http_status_code=404)
    expect(s3, "create_bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    bucket().create({}, adopt=False)


def test_a_bucket_of_others_is_no_bucket_of_ours(s3: Stubber) -> None:
    s3.add_client_error("list_objects_v2", "AccessDenied", http_status_code=403)
    with pytest.raises(CaramlError, match="S3 denies looking for the bucket"):
        bucket().create({}, adopt=True)


def test_a_bucket_that_cannot_be_given_its_settings_is_removed_again(s3: Stubber) -> None:
    s3.add_client_error("list_objects_v2", "NoSuchBucket", http_status_code=404)
    expect(s3, "create_bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.add_client_error("put_public_access_block", "AccessDenied", http_status_code=403)
    expect(s3, "list_objects_v2", MaxKeys=1)
    expect(s3, "delete_bucket")
    with pytest.raises(CaramlError, match="S3 denies"):
        bucket().create({"blockPublicAccess": True}, adopt=False)


def test_the_default_encryption_is_that_of_s3_or_of_a_key(s3: Stubber) -> None:
    own = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    expect(s3, "put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": [own]})
    bucket().apply({"encryption": "AES256", "kmsKey": ""}, {})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/models"}
    by_key = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    expect(s3, "put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": [by_key]})
    bucket().apply({"encryption": "aws:kms", "kmsKey": "alias/models"}, {})


def test_all_four_kinds_of_public_access_are_blocked(s3: Stubber) -> None:
    expect(s3, "put_public_access_block", PublicAccessBlockConfiguration=dict.fromkeys(BLOCKS, True))
    bucket().apply({"blockPublicAccess": True}, {})


def test_lifecycle_rules_of_others_are_kept(s3: Stubber) -> None:
    expect(s3, "get_bucket_lifecycle_configuration", {"Rules": [THEIRS, {**OURS, "Status": "Disabled"}]})
    expect(s3, "put_bucket_lifecycle_configuration", LifecycleConfiguration={"Rules": [THEIRS, OURS]})
    bucket().apply(DAYS, {})


def test_nothing_expires_without_days(s3: Stubber) -> None:
    expect(s3, "get_bucket_lifecycle_configuration", {"Rules": [OURS]})
    expect(s3, "delete_bucket_lifecycle")
    bucket().apply(dict.fromkeys(DAYS, 0), {})


def test_versioning_that_never_was_on_is_not_suspended(s3: Stubber) -> None:
    expect(s3, "get_bucket_versioning")
    bucket().apply({"versioning": False}, {})
    expect(s3, "get_bucket_versioning", {"Status": "Enabled"})
    expect(s3, "put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"})
    bucket().apply({"versioning": False}, {})


def test_settings_that_are_not_there_are_read_as_off(s3: Stubber) -> None:
    expect(s3, "list_objects_v2", MaxKeys=1)
    expect(s3, "get_bucket_versioning")
    for operation, code in (
        ("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("get_public_access_block", "NoSuchPublicAccessBlockConfiguration"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("get_bucket_tagging", "NoSuchTagSet"),
    ):
        s3.add_client_error(operation, code, http_status_code=404)
    wanted = {
        "versioning": True,
        "encryption": "AES256",
        "kmsKey": "",
        "blockPublicAccess": True,
        **DAYS,
        "tags": {"team": "fraud"},
    }
    assert bucket().read(wanted) == {
        "versioning": False,
        "encryption": "",
        "kmsKey": "",
        "blockPublicAccess": False,
        "noncurrentVersionExpirationDays": 0,
        "abortIncompleteUploadDays": 0,
        "tags": {},
    }


def test_settings_are_read_as_they_were_set(s3: Stubber) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/models"}
    rules = [{"ApplyServerSideEncryptionByDefault": default}]
    expect(s3, "list_objects_v2", MaxKeys=1)
    expect(s3, "get_bucket_encryption", {"ServerSideEncryptionConfiguration": {"Rules": rules}})
    blocks = {**dict.fromkeys(BLOCKS, True), "BlockPublicPolicy": False}
    expect(s3, "get_public_access_block", {"PublicAccessBlockConfiguration": blocks})
    expect(s3, "get_bucket_lifecycle_configuration", {"Rules": [THEIRS, OURS]})
    wanted = {"encryption": "AES256", "kmsKey": "", "blockPublicAccess": True, **DAYS}
    found = {"encryption": "aws:kms", "kmsKey": "alias/models", "blockPublicAccess": False, **DAYS}
    assert bucket().read(wanted) == found


def test_a_bucket_is_emptied_from_the_start_of_a_new_listing_until_there_is_none(s3: Stubber) -> None:
    expect(s3, "list_objects_v2", MaxKeys=1)
    expect(s3, "list_multipart_uploads")
    for key in ("a", "b"):
        listed = {"Versions": [{"Key": key, "VersionId": "1"}], "IsTruncated": True, "NextKeyMarker": key}
        expect(s3, "list_object_versions", listed)
        s3.add_response("delete_objects", {})
    expect(s3, "list_object_versions")
    s3.add_response("delete_bucket", {})
    bucket().delete(force=True)
    s3.assert_no_pending_responses()


def test_what_s3_keeps_of_a_bucket_that_is_emptied_is_named(s3: Stubber) -> None:
    expect(s3, "list_objects_v2", MaxKeys=1)
    expect(s3, "list_multipart_uploads")
    expect(s3, "list_object_versions", {"Versions": [{"Key": "model.bin", "VersionId": "1"}]})
    s3.add_response(
        "delete_objects", {"Errors": [{"Key": "model.bin", "Code": "AccessDenied", "Message": "object is locked"}]}
    )
    with pytest.raises(CaramlError, match=r'S3 keeps "model\.bin".*locked'):
        bucket().delete(force=True)
