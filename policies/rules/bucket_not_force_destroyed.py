"""In production, a bucket for models is not deleted together with what is in it.

With `forceDestroy`, taking the bucket out of the stack deletes every model in it, all versions: what serves now cannot
start again, and what was deployed before is gone. The component leaves it off; so does the rule want it of the buckets
of AWS', Google Cloud's and MinIO's providers that no component made.

    # refused
    ArtifactBucket("models", force_destroy=True)
    # passes
    ArtifactBucket("models")
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.bucket import bucket_not_force_destroyed
from caraml_pulumi.model.spec import within
from policies.buckets import BUCKETS, DYNAMIC_BUCKET
from policies.reading import ARTIFACT_BUCKET, broken
from policies.resource import Resource
from policies.rule import PRODUCTION, resource_rule


def _of_bucket(bucket: Resource) -> Iterator[CaramlError]:
    yield from broken(within("forceDestroy")(bucket_not_force_destroyed), bucket.props.get("forceDestroy") is True)


policy = resource_rule(
    "bucket-not-force-destroyed",
    "A bucket for models is not deleted together with what is in it.",
    doc=__doc__,
    severity=Severity.CRITICAL,
    tags=("storage",),
    steps="Remove forceDestroy, and empty the bucket by hand before it is deleted.",
    environments=PRODUCTION,
    judges=dict.fromkeys((ARTIFACT_BUCKET, DYNAMIC_BUCKET, *BUCKETS), _of_bucket),
)
