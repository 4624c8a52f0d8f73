"""What a user is told of S3's refusals and of endpoints that do not answer."""

import socket
from pathlib import Path

import pytest
from botocore import exceptions as failures

from caraml_pulumi.artifacts.client import Endpoint, explained
from caraml_pulumi.errors import CaramlError


def refused(code: str, status: int = 403, message: str = "Refused.", headers: dict[str, str] | None = None) -> str:
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers or {}},
    }
    with pytest.raises(CaramlError) as error, explained("uploading model.bin", Endpoint(), "models"):
        raise failures.ClientError(answer, "PutObject")  # type: ignore[arg-type, unused-ignore]
    return str(error.value)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDenied", "grant s3:PutObject"),
        ("403", "grant s3:PutObject"),
        ("InvalidAccessKeyId", "does not know the access key"),
        ("SignatureDoesNotMatch", "does not belong to the access key"),
        ("ExpiredToken", "expired"),
        ("RequestTimeTooSkewed", "clock"),
        ("NoSuchBucket", 'no bucket "models"'),
        ("BucketAlreadyExists", "choose another name"),
        ("QuotaExceeded", "Refused (QuotaExceeded, PutObject)"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(code: str, said: str) -> None:
    assert said in refused(code)


def test_a_bucket_in_another_region_is_said_to_be_there() -> None:
    said = refused("PermanentRedirect", 301, headers={"x-amz-bucket-region": "eu-west-1"})
    assert "another region: eu-west-1" in said


def test_an_endpoint_that_nobody_listens_on_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    endpoint = Endpoint(f"http://127.0.0.1:{port}")
    with pytest.raises(CaramlError) as error, explained("uploading model.bin", endpoint, "models"):
        endpoint.client().list_objects_v2(Bucket="models")
    assert f"http://127.0.0.1:{port} cannot be reached while uploading model.bin" in str(error.value)


def test_missing_credentials_and_profiles_are_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    endpoint = Endpoint("http://127.0.0.1:9")
    with pytest.raises(CaramlError, match="no credentials"), explained("uploading model.bin", endpoint):
        endpoint.client().list_objects_v2(Bucket="models")
    with pytest.raises(CaramlError, match='no AWS profile "team"'):
        Endpoint(profile="team").client()


def test_the_region_is_the_given_one_else_that_of_the_environment_else_any(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert Endpoint().client().meta.region_name == "us-east-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert Endpoint().client().meta.region_name == "eu-west-1"
    assert Endpoint(region="ap-southeast-1").client().meta.region_name == "ap-southeast-1"


def test_an_endpoint_of_the_environment_that_is_none_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "me:pa55word@localhost")
    with pytest.raises(CaramlError, match="the endpoint of S3 is not one") as error:
        Endpoint().client()
    assert "AWS_ENDPOINT_URL" in error.value.fix
    assert "pa55word" not in str(error.value)
