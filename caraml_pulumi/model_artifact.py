"""The files of a model, uploaded to a bucket under the digest of their content.

    artifact = ModelArtifact("iris", model_dir="./model", bucket=ArtifactBucket("team-models"))
    CustomModelVersion("iris-1", ..., storage_uri=artifact.uri)

The digest is known at preview, so a preview shows a changed model as a change; an unchanged one costs nothing.

| argument | default |
|---|---|
| `model` | the component's name |
| `prefix` | none |
| `endpoint`, `region`, `profile` | the ArtifactBucket's, else boto3's own |
| `retain_on_delete` | on |
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict, Unpack, cast, overload

import pulumi
from pulumi.dynamic import Resource

from caraml_pulumi.artifact_bucket import ArtifactBucket
from caraml_pulumi.artifacts.directory import hashed_directory
from caraml_pulumi.artifacts.providers import TreeProvider, portable
from caraml_pulumi.component import arguments, located_in, readable
from caraml_pulumi.model.artifacts import ModelArtifactSpec, s3_location
from caraml_pulumi.model.deferred import checked
from caraml_pulumi.model.spec import located, parse, within


class ModelArtifactArgs(TypedDict):
    """Which files, and where they go."""

    model_dir: str
    """The directory with the model's files, from the program's own. `.caramlignore` in it leaves files out."""
    bucket: pulumi.Input[str]
    """The bucket: its name, or s3://bucket/prefix. In Python also an ArtifactBucket."""
    prefix: NotRequired[str]
    """Where in the bucket. Default: its root."""
    model: NotRequired[str]
    """The part of the keys that names the model. Default: the component's name."""
    endpoint: NotRequired[str]
    """The S3 endpoint: https://host[:port]. Default: the ArtifactBucket's, else AWS_ENDPOINT_URL, else AWS."""
    region: NotRequired[str]
    """The region. Default: the ArtifactBucket's, else AWS_REGION or that of the AWS profile, else us-east-1."""
    profile: NotRequired[str]
    """The AWS profile whose credentials are used. Default: the ArtifactBucket's, else boto3's chain."""
    retain_on_delete: NotRequired[bool]
    """Leave the uploaded files when the artifact is removed from the stack. Default: true."""


class ModelArtifactKeywords(TypedDict):
    """`ModelArtifactArgs` with what Python can pass besides: paths and buckets."""

    model_dir: str | os.PathLike[str]
    bucket: pulumi.Input[str] | ArtifactBucket
    prefix: NotRequired[str]
    model: NotRequired[str]
    endpoint: NotRequired[str]
    region: NotRequired[str]
    profile: NotRequired[str]
    retain_on_delete: NotRequired[bool]


class _ModelTree(Resource, module="caraml", name="ModelTree"):
    """All uploaded files of a model: one resource, however many they are."""


class ModelArtifact(pulumi.ComponentResource):
    """A model's files in a bucket, as the plain tree that the storage initializer downloads.

    Only files that are not there yet are sent; those of the model's latest trees are copied on the server. What was
    uploaded before stays: versions deployed before may need it.
    """

    uri: pulumi.Output[str]
    """`s3://<bucket>/<prefix>/<model>/<digest>`, for storage_uri; known at preview if the bucket is. Who uses it
    waits until all files are there."""
    digest: pulumi.Output[str]
    """The SHA-256 of the files' paths and contents, in hex; known at preview."""
    size: pulumi.Output[int]
    """All files together, known at preview. Unit: bytes."""
    files: pulumi.Output[int]
    """How many files there are, known at preview."""

    @overload
    def __init__(self, name: str, args: ModelArtifactArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(
        self, name: str, *, opts: pulumi.ResourceOptions | None = None, **keywords: Unpack[ModelArtifactKeywords]
    ) -> None: ...

    def __init__(
        self,
        name: str,
        args: ModelArtifactArgs = cast(ModelArtifactArgs, {}),  # noqa: B008 - never changed
        opts: pulumi.ResourceOptions | None = None,
        **keywords: Any,
    ) -> None:
        """Raises `CaramlError` for arguments that break a rule, and for files that cannot be uploaded."""
        locate = located_in("ModelArtifact", name)
        with readable():
            given = {"model": name, **arguments(_without_components({**args, **keywords}), {}, locate)}
            spec = parse(ModelArtifactSpec, given, locate=locate)
            with located(locate, given), within("model_dir"):
                tree = hashed_directory(Path(spec.model_dir)).tree
        source = portable(Path(spec.model_dir))
        known = {"digest": tree.digest, "size": tree.size, "files": len(tree.files)}
        super().__init__("caraml:index:ModelArtifact", name, {**spec.props(), **known, "modelDir": source}, opts)

        uploaded = _ModelTree(
            TreeProvider(),
            name,
            {**spec.inputs(), **known, "source": source},
            pulumi.ResourceOptions(parent=self, retain_on_delete=spec.retain_on_delete),
        )

        uri = checked(spec.place, lambda place: s3_location(place).child(tree.digest).uri)
        self.uri = pulumi.Output.all(uploaded.urn, uri).apply(lambda both: str(both[1]))
        self.digest = uploaded.urn.apply(lambda _: tree.digest)
        self.size = pulumi.Output.from_input(tree.size)
        self.files = pulumi.Output.from_input(len(tree.files))
        self.register_outputs({**known, "uri": uri})


def _without_components(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the bucket and the path replaced by what they stand for."""
    bucket, model_dir = given.get("bucket"), given.get("model_dir")
    plain = {**given, "model_dir": os.fspath(model_dir)} if isinstance(model_dir, os.PathLike) else dict(given)
    if not isinstance(bucket, ArtifactBucket):
        return plain
    return {**bucket.spec.connection(), **plain, "bucket": bucket.uri}
