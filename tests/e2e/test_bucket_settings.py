"""Every setting of a bucket through `caraml up`, on an S3 that has them all.

The S3 server of the local cluster has versions and tags, and no encryption, public access block or lifecycle.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.e2e.buckets import Stack

pytestmark = pytest.mark.e2e
BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    yield Stack(tmp_path, tmp_path / "no-log")
    server.stop()


def bucket_only(stack: Stack, **settings: Any) -> None:
    stack.program(
        "import pulumi\nfrom caraml_pulumi import ArtifactBucket\n"
        f'pulumi.export("uri", ArtifactBucket("models", bucket={stack.bucket!r}, **{settings!r}).uri)\n'
    )


def settings_of(stack: Stack) -> dict[str, Any]:
    s3, bucket = boto3.client("s3", region_name="eu-west-1"), stack.bucket
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    return {
        "region": s3.get_bucket_location(Bucket=bucket)["LocationConstraint"],
        "versioning": s3.get_bucket_versioning(Bucket=bucket).get("Status"),
        "encryption": rules[0]["ApplyServerSideEncryptionByDefault"],
        "blocked": s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
        "noncurrent": [rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in lifecycle],
        "unfinished": [rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] for rule in lifecycle],
        "tags": {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]},
    }


def test_a_bucket_is_versioned_encrypted_closed_to_the_public_and_cleaned_up(stack: Stack) -> None:
    bucket_only(stack, tags={"team": "fraud"})
    stack.run("up", "--yes")
    assert settings_of(stack) == {
        "region": "eu-west-1",
        "versioning": "Enabled",
        "encryption": {"SSEAlgorithm": "AES256"},
        "blocked": BLOCKED,
        "noncurrent": [90],
        "unfinished": [7],
        "tags": {"team": "fraud"},
    }
    stack.run("preview", "--expect-no-changes")


def test_settings_are_changed_in_place_and_drift_is_mended(stack: Stack) -> None:
    bucket_only(stack, tags={"team": "fraud"})
    stack.run("up", "--yes")
    changed = {"kms_key": "alias/models", "noncurrent_version_expiration_days": 5}
    bucket_only(stack, tags={"team": "risk"}, **changed)
    preview = stack.run("preview", "--diff")
    assert "replace" not in preview
    stack.run("up", "--yes")
    now = settings_of(stack)
    assert now["encryption"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/models"}
    assert (now["noncurrent"], now["tags"]) == ([5], {"team": "risk"})

    s3 = boto3.client("s3", region_name="eu-west-1")
    s3.delete_public_access_block(Bucket=stack.bucket)
    s3.delete_bucket_lifecycle(Bucket=stack.bucket)
    stack.run("refresh", "--yes")
    assert "blockPublicAccess" in stack.run("preview", "--diff")
    stack.run("up", "--yes")
    assert settings_of(stack) == now
    stack.run("preview", "--expect-no-changes")
