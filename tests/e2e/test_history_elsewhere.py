"""History and rollbacks where state is in a bucket, and where the Pulumi CLI makes the updates."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from caraml_pulumi.artifacts.bucket import Bucket
from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.errors import FAILED
from tests.e2e.buckets import client, new_name
from tests.unit.cli.releases import Releases

ONE = {1: "reg.io/iris:1"}
ALL = {1: 100}


class ReleasesInBucket(Releases):
    """The project, its state in a bucket of the S3 server."""

    url: str

    def environment(self, **more: str) -> dict[str, str]:
        aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        return super().environment(**{**aws, "PULUMI_BACKEND_URL": self.url, **more})


@pytest.fixture
def bucket(s3_server: str) -> Iterator[str]:
    name = new_name()
    client().create_bucket(Bucket=name)
    yield name
    Bucket(Endpoint(), name).delete(force=True)


def summaries(releases: Releases, **environment: str) -> list[Any]:
    told = json.loads(releases.run("history", "iris", "--json", **environment).stdout)
    return [one["model"]["summary"] for one in told]


@pytest.mark.e2e
def test_state_in_a_bucket_has_a_history_and_an_artifact_that_is_gone_is_not_gone_back_to(
    tmp_path: Path, bucket: str, s3_server: str
) -> None:
    releases = ReleasesInBucket(tmp_path)
    server = {"endpoint": s3_server.removeprefix("http://"), "region": "us-east-1"}
    releases.url = f"s3://{bucket}/state?{urlencode({**server, 'disableSSL': 'true', 's3ForcePathStyle': 'true'})}"
    client().put_object(Bucket=bucket, Key="models/iris/a/model.bin", Body=b"a")
    old, new = (f"s3://{bucket}/models/iris/{name}" for name in "ab")
    for uri in (old, new):
        releases.up(ONE, ALL, deploymentMode="RAW_DEPLOYMENT", storageUri=uri)
    assert summaries(releases)[0] == [f"version 1: artifact {old} → {new}"]

    back = releases.run("rollback", "iris", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert summaries(releases)[0] == [f"version 1: artifact {new} → {old}"]
    text = releases.release.read_text()
    gone = releases.run("rollback", "iris", "--to", "2", "--yes")
    assert gone.returncode == FAILED
    assert f"the artifact of version 1 is gone: nothing is at {new}" in gone.stderr
    assert releases.release.read_text() == text


@pytest.mark.pulumi_cli
@pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH")
def test_updates_of_the_pulumi_cli_are_told_and_gone_back_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    releases, engine = Releases(tmp_path), {"CARAML_ENGINE": "pulumi"}
    for images in (ONE, {1: "reg.io/iris:1.1"}):
        releases.declare(images, ALL)
        done = releases.run("up", "--yes", "--skip-preview", **engine)
        assert done.returncode == 0, done.stdout + done.stderr
    back = releases.run("rollback", "iris", "--yes", **engine)
    assert back.returncode == 0, back.stdout + back.stderr
    assert summaries(releases, **engine)[:2] == [
        ["version 1: image reg.io/iris:1.1 → …:1"],
        ["version 1: image reg.io/iris:1 → …:1.1"],
    ]
    assert '"exec.kind": "auto.local"' in releases.run("history", "iris", "--json").stdout
    assert releases.run("preview", "--engine", "embedded", "--expect-no-changes").returncode == 0
