"""A bucket for models is versioned: a model that is overwritten or deleted can be had back.

What was deployed must be there when it is deployed again. An ArtifactBucket is versioned unless `versioning` is off, or
its endpoint is said to lack it (`unsupported`); the setting `acceptUnsupported` lets such endpoints pass. Of buckets
that no component made, those of AWS', Google Cloud's and MinIO's providers are judged, each resource by what it says
itself: a bucket whose own versioning is off, and a BucketVersioning that is suspended. A bucket of Google Cloud that
says nothing is not versioned. One of the others may have a BucketVersioning, and passes; where nobody uses those, the
setting `explicit` refuses such buckets of AWS' provider.

    # refused
    ArtifactBucket("models", versioning=False)
    # passes
    ArtifactBucket("models")
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.bucket import BucketFeature, bucket_versioned, endpoint_has
from caraml_pulumi.model.spec import within
from policies.buckets import AWS_BUCKETS, BUCKETS, DYNAMIC_BUCKET, MINIO_BUCKET, VERSIONINGS, inline_versioning
from policies.reading import ARTIFACT_BUCKET, at, broken
from policies.resource import Resource
from policies.rule import resource_rule


def _of_component(bucket: Resource) -> Iterator[CaramlError]:
    lacking, accepted = bucket.props.get("unsupported") or (), bucket.settings["acceptUnsupported"]
    yield from broken(within("unsupported")(endpoint_has), BucketFeature.VERSIONING, lacking, accepted)
    if BucketFeature.VERSIONING not in lacking:
        yield from _of_made(bucket)


def _of_made(bucket: Resource) -> Iterator[CaramlError]:
    yield from broken(within("versioning")(bucket_versioned), bucket.props.get("versioning") is not False)


def _of_raw(bucket: Resource) -> Iterator[CaramlError]:
    versioned = inline_versioning(bucket.props)
    if versioned is None:
        versioned = bucket.type == MINIO_BUCKET or (bucket.type in AWS_BUCKETS and not bucket.settings["explicit"])
    yield from broken(within("versioning")(bucket_versioned), versioned)


def _of_versioning(versioning: Resource) -> Iterator[CaramlError]:
    enabled = at(versioning.props, "versioningConfiguration", "status") == "Enabled"
    yield from broken(within("versioningConfiguration", "status")(bucket_versioned), enabled)


policy = resource_rule(
    "bucket-versioned",
    "A bucket for models is versioned.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("storage",),
    steps="Turn versioning on.",
    settings={
        "acceptUnsupported": {
            "type": "boolean",
            "default": False,
            "description": "Whether an ArtifactBucket passes whose endpoint is said to lack versioning.",
        },
        "explicit": {
            "type": "boolean",
            "default": False,
            "description": "Whether a bucket of AWS' provider must say itself that it is versioned.",
        },
    },
    judges={
        ARTIFACT_BUCKET: _of_component,
        DYNAMIC_BUCKET: _of_made,
        **dict.fromkeys(BUCKETS, _of_raw),
        **dict.fromkeys(VERSIONINGS, _of_versioning),
    },
)
