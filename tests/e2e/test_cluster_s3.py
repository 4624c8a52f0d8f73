"""`caraml cluster up --with s3` as its user sees it."""

import json
import os
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from caraml_pulumi.cli.steps import Steps
from caraml_pulumi.cluster import lifecycle, process
from caraml_pulumi.cluster.state import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("s3")]

CARAML = Path(sys.executable).with_name("caraml")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("clusters")
    yield directory
    lifecycle.down(Cluster.named("stored", directory), Steps())


def caraml(*arguments: str, home: Path, code: int = 0) -> str:
    command = [str(CARAML), "cluster", *arguments, "--name", "stored", "--state", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture
def stored(home: Path) -> Path:
    """The home of a running cluster with an S3 server."""
    caraml("up", "--only", "kubernetes", "--with", "s3", home=home)
    return home


def servers(home: Path) -> dict[str, Any]:
    return {server["name"]: server for server in json.loads(caraml("status", "--json", home=home))["servers"]}


def client(home: Path) -> Any:
    settings = json.loads(caraml("s3", "--json", home=home))
    return boto3.client(
        "s3",
        endpoint_url=settings["AWS_ENDPOINT_URL"],
        region_name=settings["AWS_REGION"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
    )


def test_a_cluster_gets_an_s3_server_when_asked_and_keeps_it(home: Path) -> None:
    caraml("up", "--only", "kubernetes", home=home)
    assert "up --name stored" in caraml("s3", home=home, code=1)
    before = servers(home)
    caraml("up", "--only", "kubernetes", "--with", "s3", home=home)
    assert servers(home)["etcd"]["pid"] == before["etcd"]["pid"], "what runs is left alone"
    caraml("up", "--only", "kubernetes", home=home)
    assert servers(home)["s3"]["healthy"]


def test_a_shell_can_take_the_settings_and_nobody_else_may_read_the_keys(stored: Path) -> None:
    exported = [shlex.split(line)[1] for line in caraml("s3", home=stored).splitlines()]
    assert dict(variable.split("=", 1) for variable in exported) == json.loads(caraml("s3", "--json", home=stored))
    secret = json.loads(caraml("s3", "--json", home=stored))["AWS_SECRET_ACCESS_KEY"]
    holding = [file for file in stored.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]
    assert [stat.S_IMODE(file.stat().st_mode) for file in holding] == [0o600]
    assert secret not in Path(f"/proc/{servers(stored)['s3']['pid']}/cmdline").read_text()


def test_a_killed_server_comes_back_with_its_objects(stored: Path) -> None:
    client(stored).create_bucket(Bucket="models")
    client(stored).put_object(Bucket="models", Key="iris/model.bin", Body=b"weights")
    killed = servers(stored)["s3"]["pid"]
    os.kill(killed, signal.SIGKILL)
    while "s3" in process.running(Cluster.named("stored", stored).home):
        time.sleep(0.02)
    caraml("up", "--only", "kubernetes", home=stored)
    assert servers(stored)["s3"]["pid"] != killed
    assert client(stored).get_object(Bucket="models", Key="iris/model.bin")["Body"].read() == b"weights"
