"""Where an environment keeps its artifacts."""

from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.artifact_store import ArtifactStore, parse_artifact_store
from caraml_pulumi.model.spec import dotted


def parsed(settings: Any) -> ArtifactStore:
    return parse_artifact_store(settings, locate=dotted)


@pytest.mark.parametrize("settings", [{"bucket": "s3://models"}, "models", "s3://models/", '{"bucket": "models"}'])
def test_a_bucket_is_named_in_any_of_its_forms(settings: Any) -> None:
    assert parsed(settings).bucket == "s3://models"


def test_without_settings_artifacts_stay_and_boto3_decides_the_rest() -> None:
    assert parsed(None) == ArtifactStore()
    assert parsed({"endpoint": "http://localhost:7070"}).connection() == {"endpoint": "http://localhost:7070"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bukket": "models"}, "unknown field"),
        (["models"], "the document must be a map"),
        ({"bucket": "s3://Models"}, "is not a name for a bucket"),
        ({"endpoint": "http://me:secret@localhost"}, "has a user or a password in it"),
    ],
)
def test_what_is_no_bucket_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(CaramlError, match=message) as error:
        parsed(settings)
    assert "secret@" not in str(error.value)
