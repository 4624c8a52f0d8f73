"""Where a backend's files are: a directory, and a bucket of an S3 server within this process."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from moto.server import ThreadedMotoServer

from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.engine.state.bucket import Bucket, FileBucket
from caraml_pulumi.engine.state.s3_bucket import S3Bucket
from caraml_pulumi.engine.state.s3_url import parse_s3_url

Opened = Callable[[], Bucket]


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the user's AWS settings, and credentials that every server takes that checks none."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    settings = {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "s3cr3t", "REGION": "us-east-1"}
    for name, value in {**settings, "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


@pytest.fixture
def s3_url(moto: str, aws: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a directory in a new bucket, with the environment set for clients of its server."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    name = f"state-{uuid4().hex[:12]}"
    Endpoint().client().create_bucket(Bucket=name)
    return f"s3://{name}/team"


@pytest.fixture(params=["file", "s3"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Opens the same bucket each time, as another process would."""
    if request.param == "file":
        return lambda: FileBucket(tmp_path)
    location = parse_s3_url(request.getfixturevalue("s3_url"))
    return lambda: S3Bucket(location)


@pytest.fixture
def bucket(opened: Opened) -> Bucket:
    return opened()
