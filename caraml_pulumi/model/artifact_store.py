"""Where an environment keeps the artifacts of its models."""

import json
from typing import Annotated, Any, Final

from caraml_pulumi.model.artifacts import ConnectionSpec, bucket_uri
from caraml_pulumi.model.spec import Locate, parse, rule

ARTIFACTS_KEY: Final = "caraml:artifacts"
"""The key of a stack's configuration that says where artifacts are."""


class ArtifactStore(ConnectionSpec):
    """The bucket of an environment, from the stack's configuration `caraml:artifacts`."""

    bucket: Annotated[str, rule(bucket_uri)] | None = None
    """The bucket that promoted artifacts are copied to: its name, or ``s3://bucket/prefix``. Default: where the model's
    artifacts are in the environment already, else they stay where they are."""


def parse_artifact_store(settings: Any, *, locate: Locate) -> ArtifactStore:  # noqa: ANN401 - whatever configuration has
    """The settings in the configuration; without any, all are the defaults. A text is the bucket.

    Raises `CaramlError`, located by `locate`.
    """
    return parse(ArtifactStore, _named(settings) if isinstance(settings, str) else settings or {}, locate=locate)


def _named(text: str) -> Any:  # noqa: ANN401 - as above
    """The bucket's name, or the map that ``config set`` without ``--path`` wrote as a text."""
    try:
        return json.loads(text)
    except ValueError:
        return {"bucket": text}
