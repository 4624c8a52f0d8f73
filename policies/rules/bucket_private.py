"""A bucket for models is not public, and cannot be made so by a policy or an ACL.

A model is often worth as much as the data that it was trained on. An ArtifactBucket blocks public access unless
`blockPublicAccess` is off, or its endpoint is said to lack it (`unsupported`); the setting `acceptUnsupported` lets
such endpoints pass. Of buckets that no component made, those of AWS', Google Cloud's and MinIO's providers are judged,
each resource by what it says itself: an ACL that opens a bucket, a BucketPublicAccessBlock of which one of the four
settings is off, a bucket of Google Cloud whose `publicAccessPrevention` is not enforced. S3 blocks public access to a
new bucket that says nothing.

    # refused
    ArtifactBucket("models", block_public_access=False)
    aws.s3.Bucket("models", acl="public-read")
    # passes
    ArtifactBucket("models")
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.bucket import (
    PUBLIC_ACCESS_BLOCKS,
    BucketFeature,
    acl_is_private,
    bucket_blocks_public_access,
    endpoint_has,
)
from caraml_pulumi.model.spec import within
from policies.buckets import ACLS, BUCKETS, DYNAMIC_BUCKET, GOOGLE_BUCKET, PUBLIC_ACCESS_BLOCK
from policies.reading import ARTIFACT_BUCKET, broken
from policies.resource import Resource
from policies.rule import resource_rule


def _of_component(bucket: Resource) -> Iterator[CaramlError]:
    lacking, accepted = bucket.props.get("unsupported") or (), bucket.settings["acceptUnsupported"]
    yield from broken(within("unsupported")(endpoint_has), BucketFeature.PUBLIC_ACCESS_BLOCK, lacking, accepted)
    if BucketFeature.PUBLIC_ACCESS_BLOCK not in lacking:
        yield from _of_made(bucket)


def _of_made(bucket: Resource) -> Iterator[CaramlError]:
    blocked = bucket.props.get("blockPublicAccess") is not False
    yield from broken(within("blockPublicAccess")(bucket_blocks_public_access), blocked)


def _of_acl(bucket: Resource) -> Iterator[CaramlError]:
    yield from broken(within("acl")(acl_is_private), bucket.props.get("acl") or "private")


def _of_google(bucket: Resource) -> Iterator[CaramlError]:
    enforced = bucket.props.get("publicAccessPrevention") == "enforced"
    yield from broken(within("publicAccessPrevention")(bucket_blocks_public_access), enforced)


def _of_block(block: Resource) -> Iterator[CaramlError]:
    for name in PUBLIC_ACCESS_BLOCKS:
        yield from broken(within(name)(bucket_blocks_public_access), block.props.get(name) is True)


policy = resource_rule(
    "bucket-private",
    "A bucket for models is not public, and cannot be made so.",
    doc=__doc__,
    severity=Severity.CRITICAL,
    tags=("storage", "security"),
    steps="Block public access, all four settings, and remove ACLs that open the bucket.",
    settings={
        "acceptUnsupported": {
            "type": "boolean",
            "default": False,
            "description": "Whether an ArtifactBucket passes whose endpoint is said to lack a block of public access.",
        }
    },
    judges={
        ARTIFACT_BUCKET: _of_component,
        DYNAMIC_BUCKET: _of_made,
        **dict.fromkeys((*BUCKETS, *ACLS), _of_acl),
        GOOGLE_BUCKET: _of_google,
        PUBLIC_ACCESS_BLOCK: _of_block,
    },
)
