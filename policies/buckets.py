"""Buckets that no component made: how the resources of AWS', Google Cloud's and MinIO's providers say what they are.

A setting may be in the bucket's own properties or in a resource of its own, such as a BucketVersioning. Each resource
is judged by what it says itself, since which bucket another one belongs to is often not known at preview.
"""

from collections.abc import Iterator
from typing import Final

from policies.reading import Properties, Value, at

DYNAMIC_BUCKET: Final = "pulumi-python:dynamic/caraml:ArtifactBucket"
"""The bucket below an ArtifactBucket."""
AWS_BUCKETS: Final = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
MINIO_BUCKET: Final = "minio:index/s3Bucket:S3Bucket"
GOOGLE_BUCKET: Final = "gcp:storage/bucket:Bucket"
BUCKETS: Final = (*AWS_BUCKETS, MINIO_BUCKET, GOOGLE_BUCKET)
ACLS: Final = ("aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2")
VERSIONINGS: Final = (
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketVersioningV2:BucketVersioningV2",
    "minio:index/s3BucketVersioning:S3BucketVersioning",
)
PUBLIC_ACCESS_BLOCK: Final = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTIONS: Final = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)


def inline_versioning(bucket: Properties) -> bool | None:
    """Whether a bucket says that it is versioned; None if it says nothing."""
    said = _listed(bucket.get("versioning")) + _listed(bucket.get("versionings"))
    return all(at(one, "enabled") is True for one in said) if said else None


def inline_encryption(bucket: Properties) -> Iterator[str]:
    """The algorithms that a bucket's own properties encrypt with."""
    said = _listed(bucket.get("serverSideEncryptionConfiguration"))
    for one in said + _listed(bucket.get("serverSideEncryptionConfigurations")):
        yield from algorithms(one)


def algorithms(configuration: Properties) -> Iterator[str]:
    """The algorithms in a configuration of encryption, whose rules are a list or one, as the provider's version has."""
    for rule in _listed(configuration.get("rule")) + _listed(configuration.get("rules")):
        said = _listed(rule.get("applyServerSideEncryptionByDefault"))
        for default in said + _listed(rule.get("applyServerSideEncryptionByDefaults")):
            yield str(at(default, "sseAlgorithm") or "")


def _listed(value: Value) -> list[Properties]:
    """The items of a list, or the one that is in no list, or nothing."""
    if value is None:
        return []
    return [value] if hasattr(value, "keys") else [*value]
