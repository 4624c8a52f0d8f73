"""A bucket for models is encrypted, and with the algorithms that an organisation asks for.

S3 encrypts new objects with its own keys (AES256) unless it is told to use a key of KMS. An ArtifactBucket is encrypted
unless its endpoint is said to lack it (`unsupported`); the setting `acceptUnsupported` lets such endpoints pass. The
setting `algorithms` names those that are allowed, such as `aws:kms` alone. Of buckets that no component made, those of
AWS' provider are judged by what they say of encryption, also in a resource of its own. One that says nothing has
AES256, or such a resource, and passes. Google Cloud encrypts every bucket, with a key of KMS where it is given one.

    # refused with algorithms: ["aws:kms"]
    ArtifactBucket("models")
    # passes
    ArtifactBucket("models", kms_key="alias/models")
"""

from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.bucket import KMS, S3_KEYS, BucketFeature, bucket_encrypted, endpoint_has
from caraml_pulumi.model.spec import within
from policies.buckets import AWS_BUCKETS, DYNAMIC_BUCKET, ENCRYPTIONS, GOOGLE_BUCKET, algorithms, inline_encryption
from policies.reading import ARTIFACT_BUCKET, at, broken
from policies.resource import Resource
from policies.rule import resource_rule


def _of_component(bucket: Resource) -> Iterator[CaramlError]:
    lacking, accepted = bucket.props.get("unsupported") or (), bucket.settings["acceptUnsupported"]
    yield from broken(within("unsupported")(endpoint_has), BucketFeature.ENCRYPTION, lacking, accepted)
    if BucketFeature.ENCRYPTION not in lacking:
        used = KMS if bucket.props.get("kmsKey") else S3_KEYS
        yield from _with(bucket, [used], "kmsKey")


def _of_made(bucket: Resource) -> Iterator[CaramlError]:
    if "encryption" in bucket.props:
        yield from _with(bucket, [bucket.props["encryption"]], "encryption")


def _of_google(bucket: Resource) -> Iterator[CaramlError]:
    used = KMS if at(bucket.props, "encryption", "defaultKmsKeyName") else S3_KEYS
    yield from _with(bucket, [used], "encryption", "defaultKmsKeyName")


def _of_raw(bucket: Resource) -> Iterator[CaramlError]:
    yield from _with(bucket, inline_encryption(bucket.props), "serverSideEncryptionConfiguration")


def _of_configuration(configuration: Resource) -> Iterator[CaramlError]:
    yield from _with(configuration, algorithms(configuration.props), "rules")


def _with(bucket: Resource, used: Iterable[str], *path: str) -> Iterator[CaramlError]:
    for algorithm in used:
        yield from broken(within(*path)(bucket_encrypted), algorithm, bucket.settings["algorithms"])


policy = resource_rule(
    "bucket-encrypted",
    "A bucket for models is encrypted.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("storage",),
    steps="Encrypt the bucket: give it a key of KMS, or an endpoint that encrypts.",
    settings={
        "acceptUnsupported": {
            "type": "boolean",
            "default": False,
            "description": "Whether an ArtifactBucket passes whose endpoint is said to lack encryption.",
        },
        "algorithms": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "The algorithms that are allowed, of AES256, aws:kms and aws:kms:dsse. Default: any.",
        },
    },
    judges={
        ARTIFACT_BUCKET: _of_component,
        DYNAMIC_BUCKET: _of_made,
        **dict.fromkeys(AWS_BUCKETS, _of_raw),
        GOOGLE_BUCKET: _of_google,
        **dict.fromkeys(ENCRYPTIONS, _of_configuration),
    },
)
