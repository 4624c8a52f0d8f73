import pytest

from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.engine.state.s3_url import parse_s3_url
from caraml_pulumi.errors import CaramlError


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://state", "state", ""),
        ("s3://state/", "state", ""),
        ("s3://state/teams/red", "state", "teams/red/"),
        ("s3://state/teams/red/", "state", "teams/red/"),
        ("s3://state/a%20b", "state", "a b/"),
        ("s3://state/red?prefix=teams/", "state", "teams/red/"),
        ("s3://My.Bucket_1", "My.Bucket_1", ""),
    ],
)
def test_the_bucket_and_the_directory_are_told_apart(url: str, bucket: str, prefix: str) -> None:
    location = parse_s3_url(url)
    assert (location.bucket, location.prefix, location.url) == (bucket, prefix, url)
    assert location.place(".pulumi/meta.yaml") == f"s3://{bucket}/{prefix}.pulumi/meta.yaml"


@pytest.mark.parametrize(
    ("settings", "endpoint"),
    [
        ("", Endpoint()),
        ("region=eu-west-1&profile=prod&awssdk=v2", Endpoint(region="eu-west-1", profile="prod")),
        ("endpoint=minio:9000", Endpoint(url="https://minio:9000")),
        ("endpoint=minio:9000&disableSSL=true", Endpoint(url="http://minio:9000", tls=False)),
        ("endpoint=http://minio:9000&disable_https=1", Endpoint(url="http://minio:9000", tls=False)),
        ("endpoint=http://minio:9000&disableSSL=false", Endpoint(url="http://minio:9000")),
        ("s3ForcePathStyle=true", Endpoint(path_style=True)),
        ("use_path_style=T", Endpoint(path_style=True)),
        ("hostname_immutable=true&use_path_style=false", Endpoint(path_style=True)),
        ("accelerate=true&dualstack=true&fips=true", Endpoint(accelerate=True, dualstack=True, fips=True)),
    ],
)
def test_settings_mean_what_they_mean_to_the_pulumi_cli(settings: str, endpoint: Endpoint) -> None:
    assert parse_s3_url(f"s3://state?{settings}").endpoint == endpoint


def test_encryption_at_rest_can_be_asked_for() -> None:
    assert parse_s3_url("s3://state").encryption == ()
    assert parse_s3_url("s3://state?ssetype=aes256").encryption == (("ServerSideEncryption", "AES256"),)
    assert dict(parse_s3_url("s3://state?ssetype=aws:kms&kmskeyid=alias/state").encryption) == {
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "alias/state",
    }


@pytest.mark.parametrize(
    ("url", "what", "allowed"),
    [
        ("s3://", "names no bucket", "s3://BUCKET"),
        ("s3:///directory", "names no bucket", "s3://BUCKET"),
        ("s3://state?forcePathStyle=true", "'forcePathStyle', which is not known", "s3ForcePathStyle"),
        ("s3://state?s3ForcePathStyle=yes", "s3ForcePathStyle of the backend's URL is 'yes'", "true or false"),
        ("s3://state?ssetype=rot13", "'rot13'", "aws:kms"),
        ("s3://[state", "is not one", "s3://BUCKET"),
        ("s3://sta te", "cannot be called 'sta te'", "s3://BUCKET"),
        ("s3://state:9000/x", "cannot be called 'state:9000'", "s3://BUCKET"),
    ],
)
def test_a_url_that_cannot_be_says_what_could(url: str, what: str, allowed: str) -> None:
    with pytest.raises(CaramlError) as caught:
        parse_s3_url(url)
    assert what in caught.value.what
    assert allowed in caught.value.allowed
    assert caught.value.where == url


@pytest.mark.parametrize("url", ["s3://KEY:s3cr3t@state", "s3://state?endpoint=http://KEY:s3cr3t@minio:9000"])
def test_credentials_in_a_url_are_refused_and_not_shown(url: str) -> None:
    with pytest.raises(CaramlError, match="credentials") as caught:
        parse_s3_url(url)
    assert "s3cr3t" not in str(caught.value)
    assert "AWS_ACCESS_KEY_ID" in caught.value.fix
