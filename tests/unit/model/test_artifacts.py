"""The URIs that models are downloaded from, and the names of buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.artifacts import Location, bucket_name, object_prefix, s3_location, storage_uri


@pytest.mark.parametrize(
    "uri",
    [
        "s3://models/iris/1",
        "gs://models/iris",
        "https://models.example.com/iris.tar.gz",
        "https://account.blob.core.windows.net/models/iris",
        "http://models.example.com:8080/iris.zip?version=1",
        "hdfs://namenode:8020/models/iris",
        "webhdfs://namenode/models/iris",
        "pvc://models/iris",
        "pvc://models",
        "hf://meta-llama/Llama-3.1-8B:main",
    ],
)
def test_what_the_storage_initializer_takes_passes_through(uri: str) -> None:
    assert storage_uri(uri) == uri


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("", "empty"),
        ("./model", "no scheme"),
        ("S3://models/iris", "lower case"),
        ("file:///models/iris", "ModelArtifact"),
        ("oci://registry/iris:1", "image"),
        ("s3a://models/iris", "write s3://"),
        ("ftp://models/iris", 'not download from "ftp://"'),
        ("s3://Models/iris", "not a s3://"),
        ("s3://", "not a s3://"),
        ("https://models.example.com", "not a https://"),
        ("https://[::1/iris", "not a https://"),
        ("hf://llama", "not a hf://"),
        ("pvc://My_Claim/iris", "not a pvc://"),
        ("gs://models/ir is", "spaces"),
    ],
)
def test_what_the_storage_initializer_does_not_take_is_refused_with_what_to_do(uri: str, said: str) -> None:
    with pytest.raises(CaramlError) as error:
        storage_uri(uri)
    assert said in str(error.value)


def test_a_password_in_a_storage_uri_is_refused_and_not_shown() -> None:
    with pytest.raises(CaramlError) as error:
        storage_uri("https://user:hunter2@models.example.com/iris")
    assert "password" in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Models", "-models", "models-", "a..b", "a.-b", "10.0.0.1", "a_b"])
def test_a_name_that_s3_does_not_take_for_a_bucket_is_refused(name: str) -> None:
    with pytest.raises(CaramlError, match="not a name for a bucket"):
        bucket_name(name)


@pytest.mark.parametrize("prefix", ["a//b", "a/../b", ".", "a b", "a?b", "a#b"])
def test_a_prefix_that_is_not_safe_in_every_client_is_refused(prefix: str) -> None:
    with pytest.raises(CaramlError, match="not a prefix"):
        object_prefix(prefix)


@given(
    bucket=st.from_regex(r"[a-z0-9]{3,20}", fullmatch=True),
    parts=st.lists(st.from_regex(r"[a-zA-Z0-9_-]{1,10}", fullmatch=True), max_size=4),
)
def test_a_location_reads_back_from_its_uri(bucket: str, parts: list[str]) -> None:
    location = Location(bucket).child(*parts)
    assert s3_location(location.uri) == location
    assert storage_uri(location.uri) == location.uri
