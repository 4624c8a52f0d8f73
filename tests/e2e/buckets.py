"""A stack with a bucket and a model on the real S3 server, and what the server was asked."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import boto3

CARAML = Path(sys.executable).with_name("caraml")
LACKING = ["encryption", "public_access_block", "lifecycle"]
"""What versitygw does not implement."""
PROGRAM = """
import pulumi
from caraml_pulumi import ArtifactBucket, ModelArtifact

bucket = ArtifactBucket("models", bucket="{bucket}", **{settings})
artifact = ModelArtifact("iris", model_dir="model", bucket=bucket, prefix="team", **{artifact})
pulumi.export("uri", artifact.uri)
pulumi.export("digest", artifact.digest)
"""


def client() -> Any:
    return boto3.client("s3")


def new_name() -> str:
    return f"test-{uuid4().hex[:16]}"


def write_tree(root: Path, files: int, size: int) -> None:
    """Files of random bytes, always the same ones."""
    for number in range(files):
        path = root / f"layer-{number % 7}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Random(f"{files} {size} {number}").randbytes(size))  # noqa: S311 - no secrets


@dataclass
class Requests:
    """The requests to the server about one bucket since this was made, by operation: PutObject, UploadPart, ..."""

    log: Path
    bucket: str
    start: int = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.log.stat().st_size

    def counted(self) -> Counter[str]:
        """How many of each were answered with success."""
        return Counter(operation for operation, key, status in self.each() if status == "200")

    def each(self) -> list[tuple[str, str, str]]:
        """Operation, key and HTTP status of each."""
        with self.log.open() as log:
            log.seek(self.start)
            lines = [line.split() for line in log.read().splitlines()]
        whole = [line for line in lines if len(line) > 10 and line[1] == self.bucket]
        return [(line[7].removeprefix("s3_"), line[8], line[10]) for line in whole]


@dataclass
class Stack:
    """The program in a directory of its own, with a backend of its own."""

    directory: Path
    log: Path
    bucket: str = field(default_factory=new_name)

    def __post_init__(self) -> None:
        (self.directory / "state").mkdir()
        (self.directory / "Pulumi.yaml").write_text("name: demo\nruntime: python\n")
        (self.directory / "Pulumi.dev.yaml").write_text("config: {}\n")
        self.write()

    @property
    def model(self) -> Path:
        return self.directory / "model"

    def write(self, artifact: str = "{}", **settings: object) -> None:
        """Write the program; `settings` are the bucket's."""
        given = {"unsupported": LACKING, **settings}
        self.program(PROGRAM.format(bucket=self.bucket, settings=repr(given), artifact=artifact))

    def program(self, text: str) -> None:
        (self.directory / "__main__.py").write_text(text)

    def requests(self) -> Requests:
        return Requests(self.log, self.bucket)

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """`caraml` on the stack, with nobody watching."""
        own = {
            "CARAML_ENGINE": "embedded",
            "PULUMI_BACKEND_URL": (self.directory / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "XDG_CACHE_HOME": str(self.directory / "cache"),
            "HOME": str(self.directory),
        }
        return subprocess.Popen(
            [CARAML, *arguments, "--stack", "dev"],
            cwd=self.directory,
            env={**os.environ, **own, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """What `caraml` prints, with the exit code that it should have."""
        process = self.start(*arguments, **environment)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == code, said
        by_the_cli = environment.get("CARAML_ENGINE") == "pulumi"  # it adds one to what a dynamic provider raises
        assert by_the_cli or "Traceback" not in said
        return said

    def up(self, code: int = 0, **environment: str) -> str:
        return self.run("up", "--yes", "--skip-preview", code=code, **environment)

    def outputs(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.run("stack", "output", "--json"))
        return said

    def state(self) -> str:
        return "".join(file.read_text() for file in (self.directory / "state").rglob("*") if file.is_file())

    def objects(self, prefix: str = "") -> list[str]:
        pages = client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]
