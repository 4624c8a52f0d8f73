from typing import Any

import pytest

from caraml_pulumi import ArtifactBucket, ArtifactBucketArgs, CaramlError
from caraml_pulumi.testing import Recording
from tests.unit.components.programs import recorded

BUCKET = "caraml:index:ArtifactBucket"
S3_BUCKET = "pulumi-python:dynamic/caraml:ArtifactBucket"


def bucket(preview: bool = False, **settings: Any) -> Recording:
    return recorded(lambda: ArtifactBucket("team-models", **settings), preview=preview)


def test_a_bucket_is_one_resource_of_the_components_name() -> None:
    component, child = bucket(tags={"team": "fraud"}).registrations
    assert (component.type, child.type, child.parent) == (BUCKET, S3_BUCKET, component.urn)
    assert {name: value for name, value in child.inputs.items() if name != "__provider"} == {
        "bucket": "team-models",
        "versioning": True,
        "encryption": "AES256",
        "kmsKey": "",
        "blockPublicAccess": True,
        "noncurrentVersionExpirationDays": 90,
        "abortIncompleteUploadDays": 7,
        "tags": {"team": "fraud"},
        "adopt": False,
        "forceDestroy": False,
    }


def test_the_state_refers_to_the_code_of_the_provider_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    provider = bucket().one(S3_BUCKET).inputs["__provider"]
    assert len(provider) < 200
    assert provider == bucket(force_destroy=True).one(S3_BUCKET).inputs["__provider"]


@pytest.mark.parametrize("preview", [True, False])
def test_the_name_and_uri_are_known_at_preview(preview: bool) -> None:
    component = bucket(preview, bucket="models-of-team").one(BUCKET)
    assert component.outputs == {"bucket": "models-of-team", "uri": "s3://models-of-team"}


def test_args_and_keywords_say_the_same() -> None:
    args = ArtifactBucketArgs(tags={"team": "fraud"}, force_destroy=True)
    by_args = recorded(lambda: ArtifactBucket("team-models", args))
    assert by_args.registrations == bucket(**args).registrations


def test_a_name_that_no_bucket_can_have_is_refused() -> None:
    with pytest.raises(CaramlError, match='"Team_Models" is not a name for a bucket') as error:
        bucket(bucket="Team_Models")
    assert 'ArtifactBucket "team-models": bucket' in str(error.value)
