"""`python -m bench.artifacts`: a model directory of 2 GiB and 2,000 files to the local S3 server, and previews of it.

`caraml artifact push` is measured against s5cmd and the AWS CLI, where they are on PATH, on the same server and files,
in turns. The other tools compare names, sizes and times, we compare digests. Nothing is asserted: a machine's load is
not a defect.
"""

import json
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Annotated, Final

import typer
from rich.console import Console

from bench.measure import FailedRun, Sample, Series, measured
from bench.report import document, show
from bench.workload import CARAML
from caraml_pulumi.artifacts.bucket import Bucket
from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.cluster import s3
from caraml_pulumi.cluster.state import Cluster
from caraml_pulumi.errors import CaramlError

UPLOADS: Final = ("upload", "upload, nothing changed", "upload, one file changed")
PROGRAM: Final = """
import pulumi
from caraml_pulumi import ModelArtifact

artifact = ModelArtifact("iris", model_dir=pulumi.Config().require("model"), bucket=pulumi.Config().require("bucket"))
pulumi.export("uri", artifact.uri)
"""


def _write_tree(root: Path, files: int, mib: int) -> None:
    """Files of random bytes in twenty directories."""
    block = Random(1).randbytes(max(4, mib * 2**20 // files))  # noqa: S311 - no secrets
    for number in range(files):
        path = root / f"layer-{number % 20}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(number.to_bytes(4, "big") + block[4:])


def _commands(tool: str, model: Path, bucket: str, run: int) -> list[list[str]]:
    """What each of `UPLOADS` is with that tool."""
    place = f"s3://{bucket}/{tool}-{run}"
    if tool == "caraml":
        return [[str(CARAML), "artifact", "push", str(model), "--to", place]] * 3
    if tool == "s5cmd":
        copy, sync = (["s5cmd", "--log", "error", verb, f"{model}/", f"{place}/"] for verb in ("cp", "sync"))
        return [copy, sync, sync]
    aws = ["aws", "s3", "--only-show-errors"]
    return [[*aws, "cp", "--recursive", str(model), place], *[[*aws, "sync", str(model), place]] * 2]


def _uploads(model: Path, bucket: str, tool: str, run: int, environment: dict[str, str]) -> Iterator[Sample]:
    """Upload, upload again, and once more with one file changed."""
    changed = model / "layer-7" / "7.bin"
    for operation, command in zip(UPLOADS, _commands(tool, model, bucket, run), strict=True):
        if operation == UPLOADS[2]:
            changed.write_bytes(os.urandom(changed.stat().st_size))
        yield measured(command, model.parent, environment)


def _previews(model: Path, bucket: str, runs: int, environment: dict[str, str]) -> list[Series]:
    """The digest of files that were never read, of unchanged ones, and a preview of a stack with them."""
    directory = model.parent / "program"
    directory.mkdir()
    (directory / "Pulumi.yaml").write_text("name: bench\nruntime: python\n")
    (directory / "__main__.py").write_text(PROGRAM)
    config = {"bench:model": str(model), "bench:bucket": bucket}
    (directory / "Pulumi.dev.yaml").write_text(json.dumps({"config": config}))
    (directory / "state").mkdir()
    own = {"PULUMI_BACKEND_URL": (directory / "state").as_uri(), "PULUMI_CONFIG_PASSPHRASE": "bench"}
    environment = {**environment, **own, "CARAML_ENGINE": "embedded"}
    digest = [str(CARAML), "artifact", "digest", str(model)]
    preview = [str(CARAML), "preview", "--stack", "dev", "--expect-no-changes"]
    measured([str(CARAML), "up", "--stack", "dev", "--yes"], directory, environment)
    named = ("digest, first", "digest, nothing changed", "preview, nothing changed")
    series = [Series(name, "caraml") for name in named]
    for _ in range(runs):
        shutil.rmtree(Path(environment["XDG_CACHE_HOME"]))
        for one, command in zip(series, (digest, digest, preview), strict=True):
            one.samples.append(measured(command, directory, environment))
    return series


@contextmanager
def _bucket(environment: dict[str, str]) -> Iterator[Bucket]:
    """A bucket that is removed with all that is in it."""
    os.environ.update(environment)
    bucket = Bucket(Endpoint(), f"bench-{uuid.uuid4().hex[:12]}")
    bucket.create({}, adopt=False)
    try:
        yield bucket
    finally:
        bucket.delete(force=True)


def main(
    cluster: Annotated[str, typer.Option(help="The local cluster with the S3 server.")] = "local",
    runs: Annotated[int, typer.Option(min=1, help="How often each operation is run.")] = 3,
    files: Annotated[int, typer.Option(min=20, help="How many files.")] = 2000,
    mib: Annotated[int, typer.Option(min=1, help="How many MiB together.")] = 2048,
    output: Annotated[Path | None, typer.Option("--json", help="Write the results to this file too.")] = None,
) -> None:
    """Measure the upload of a model against s5cmd and the AWS CLI, where they are on PATH."""
    console = Console()
    settings = s3.environment(Cluster.named(cluster))
    tools = ["caraml", *(tool for tool in ("s5cmd", "aws") if shutil.which(tool))]
    series = {(name, tool): Series(name, tool) for name in UPLOADS for tool in tools}
    with tempfile.TemporaryDirectory() as directory, console.status("files") as status:
        model = Path(directory) / "model"
        _write_tree(model, files, mib)
        cache = {"XDG_CACHE_HOME": str(Path(directory) / "cache"), "S3_ENDPOINT_URL": settings["AWS_ENDPOINT_URL"]}
        environment = {**os.environ, **settings, **cache}
        for run in range(runs):
            for tool in tools:
                status.update(f"run {run + 1} of {runs}: {tool}")
                with _bucket(settings) as bucket:
                    for name, sample in zip(UPLOADS, _uploads(model, bucket.name, tool, run, environment), strict=True):
                        series[name, tool].samples.append(sample)
        status.update("previews")
        with _bucket(settings) as bucket:
            previews = _previews(model, bucket.name, runs, environment)
    results = {f"{files} files, {mib} MiB": [*series.values()], "digests and previews": previews}
    for title, found in results.items():
        show(console, f"{title} (s)", found)
    if output:
        output.write_text(json.dumps(document(results), indent=1))


if __name__ == "__main__":
    try:
        typer.run(main)
    except (CaramlError, FailedRun) as error:
        sys.exit(f"error: {error}")
