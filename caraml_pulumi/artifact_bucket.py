"""A bucket for models on S3 or any endpoint that speaks it.

    bucket = ArtifactBucket("team-models", tags={"team": "fraud"})
    artifact = ModelArtifact("iris", model_dir="./model", bucket=bucket)

| argument | default |
|---|---|
| `bucket` | the component's name |
| `endpoint`, `region`, `profile` | boto3's own: AWS_ENDPOINT_URL, AWS_REGION, AWS_PROFILE, ~/.aws |
| `versioning` | on |
| `kms_key` | none: encrypted with S3's own keys (SSE-S3) |
| `block_public_access` | on |
| `noncurrent_version_expiration_days` | 90 |
| `abort_incomplete_upload_days` | 7 |
| `tags` | none |
| `adopt` | off |
| `retain_on_delete` | on, unless `force_destroy` |
| `force_destroy` | off |
| `unsupported` | none |
"""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, Unpack, cast, overload

import pulumi
from pulumi.dynamic import Resource

from caraml_pulumi.artifacts.providers import BucketProvider
from caraml_pulumi.component import arguments, located_in, readable
from caraml_pulumi.model.artifacts import Location
from caraml_pulumi.model.bucket import ArtifactBucketSpec, BucketFeature
from caraml_pulumi.model.spec import parse


class ArtifactBucketArgs(TypedDict):
    """A bucket and its settings."""

    bucket: NotRequired[str]
    """The bucket's name: 3 to 63 lower-case letters, digits, dashes and dots. Default: the component's name."""
    endpoint: NotRequired[str]
    """The S3 endpoint: https://host[:port]. Default: AWS_ENDPOINT_URL, else AWS. Refused: a path, or a password."""
    region: NotRequired[str]
    """The region. Default: AWS_REGION or that of the AWS profile, else us-east-1."""
    profile: NotRequired[str]
    """The AWS profile whose credentials are used: its name is kept in the state, its keys never. Default: boto3's chain
    of environment variables, AWS_PROFILE, shared files and the role of the machine."""
    versioning: NotRequired[bool]
    """Keep objects that are overwritten or deleted as noncurrent versions. Default: true."""
    kms_key: NotRequired[str]
    """The KMS key that encrypts new objects: its id, ARN or alias. Default: none, S3's own keys (SSE-S3, AES256)."""
    block_public_access: NotRequired[bool]
    """Block public ACLs and policies, all four settings. Default: true."""
    noncurrent_version_expiration_days: NotRequired[int]
    """After which noncurrent versions are deleted; 0: never. Unit: days. Default: 90."""
    abort_incomplete_upload_days: NotRequired[int]
    """After which unfinished uploads are deleted; 0: never. Unit: days. Default: 7."""
    tags: NotRequired[dict[str, str]]
    """Tags of the bucket, at most 50 (S3); others that it has are left alone. Default: none."""
    adopt: NotRequired[bool]
    """Take over a bucket that exists already. Default: false, it is refused."""
    retain_on_delete: NotRequired[bool]
    """Leave the bucket when it is removed from the stack. Default: true, unless force_destroy is."""
    force_destroy: NotRequired[bool]
    """Delete the bucket with all that is in it, all versions, when it is removed from the stack. Default: false."""
    unsupported: NotRequired[list[str]]
    """Settings that the endpoint lacks, and that are done without: versioning, encryption, public_access_block,
    lifecycle, tags. Default: none, and an endpoint that lacks one is refused."""


class ArtifactBucketKeywords(TypedDict):
    """`ArtifactBucketArgs` as keywords: features also by their names."""

    bucket: NotRequired[str]
    endpoint: NotRequired[str]
    region: NotRequired[str]
    profile: NotRequired[str]
    versioning: NotRequired[bool]
    kms_key: NotRequired[str]
    block_public_access: NotRequired[bool]
    noncurrent_version_expiration_days: NotRequired[int]
    abort_incomplete_upload_days: NotRequired[int]
    tags: NotRequired[Mapping[str, str]]
    adopt: NotRequired[bool]
    retain_on_delete: NotRequired[bool]
    force_destroy: NotRequired[bool]
    unsupported: NotRequired[Sequence[BucketFeature | str]]


class _S3Bucket(Resource, module="caraml", name="ArtifactBucket"):
    """The bucket itself."""


class ArtifactBucket(pulumi.ComponentResource):
    """A bucket whose objects are versioned, encrypted, not public, and cleaned up.

    Settings that change are changed in place; another name, endpoint or region is another bucket. Refreshing shows what
    was changed by hand.
    """

    bucket: pulumi.Output[str]
    """The bucket's name, known at preview; who uses it waits until the bucket is there."""
    uri: pulumi.Output[str]
    """`s3://<bucket>`, likewise."""

    @overload
    def __init__(self, name: str, args: ArtifactBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(
        self, name: str, *, opts: pulumi.ResourceOptions | None = None, **keywords: Unpack[ArtifactBucketKeywords]
    ) -> None: ...

    def __init__(
        self,
        name: str,
        args: ArtifactBucketArgs = cast(ArtifactBucketArgs, {}),  # noqa: B008 - never changed
        opts: pulumi.ResourceOptions | None = None,
        **keywords: Any,
    ) -> None:
        """Raises `CaramlError` for arguments that break a rule."""
        locate = located_in("ArtifactBucket", name)
        with readable():
            self.spec = parse(ArtifactBucketSpec, {"bucket": name, **arguments(args, keywords, locate)}, locate=locate)
        super().__init__("caraml:index:ArtifactBucket", name, self.spec.props(), opts)

        created = _S3Bucket(
            BucketProvider(),
            name,
            self.spec.inputs(),
            pulumi.ResourceOptions(parent=self, retain_on_delete=self.spec.retained),
        )

        self.bucket = created.urn.apply(lambda _: self.spec.bucket)
        self.uri = created.urn.apply(lambda _: Location(self.spec.bucket).uri)
        self.register_outputs({"bucket": self.spec.bucket, "uri": Location(self.spec.bucket).uri})
