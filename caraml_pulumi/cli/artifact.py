"""`caraml artifact`: a model's files, uploaded ahead of an update and told apart by their digest."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from caraml_pulumi.artifacts.directory import Directory
    from caraml_pulumi.artifacts.progress import Progress

app = typer.Typer(help="The files of models: their digests, and their upload to S3.", no_args_is_help=True)

ModelDir = Annotated[Path, typer.Argument(metavar="DIR", help="The directory with the model's files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(epilog="Example: caraml artifact digest models/iris")
def digest(model_dir: ModelDir, as_json: AsJson = False) -> None:
    """Print the digest of a model's files.

    It is that of what sha256sum says of the files in the order of their paths, without those that .caramlignore leaves
    out; a ModelArtifact of the same files has the same.
    """
    tree = _hashed(model_dir).tree
    if as_json:
        typer.echo(json.dumps({"digest": tree.digest, "files": len(tree.files), "size": tree.size}, indent=2))
    else:
        typer.echo(tree.digest)


@app.command(epilog="Example: caraml artifact push models/iris --to s3://team-models/iris/2")
def push(
    model_dir: ModelDir,
    to: Annotated[str, typer.Option("--to", metavar="URI", help="The model's place: s3://bucket/prefix/model.")],
    endpoint: Annotated[str, typer.Option(metavar="URL", help="The S3 endpoint; AWS_ENDPOINT_URL by default.")] = "",
    region: Annotated[str, typer.Option(metavar="NAME", help="The region; AWS_REGION by default.")] = "",
    profile: Annotated[str, typer.Option(metavar="NAME", help="The AWS profile; AWS_PROFILE by default.")] = "",
    as_json: AsJson = False,
) -> None:
    """Upload a model's files and print the URI for storage_uri.

    What is there already is not sent, and an interrupted upload is continued. A ModelArtifact with the same files and
    place finds everything there.
    """
    from caraml_pulumi.artifacts.client import Endpoint
    from caraml_pulumi.artifacts.store import Store
    from caraml_pulumi.artifacts.upload import push as upload
    from caraml_pulumi.model.artifacts import endpoint_url, s3_location

    place = s3_location(to)
    chosen = Endpoint(endpoint_url(endpoint) if endpoint else "", region, profile)
    directory = _hashed(model_dir)
    with transfer_bar("upload") as progress:
        done = upload(directory, Store(chosen, place), progress)
    if as_json:
        facts = {"uri": done.uri, "digest": done.digest, "files": done.files, "size": done.size}
        typer.echo(json.dumps({**facts, "sentFiles": done.sent_files, "sentBytes": done.sent_bytes}, indent=2))
    else:
        typer.echo(done.uri)


def _hashed(model_dir: Path) -> "Directory":
    """The directory with its digests, the reading of which is shown."""
    from caraml_pulumi.artifacts.directory import hashed_directory
    from caraml_pulumi.cli.steps import Steps

    steps = Steps()
    if not steps.console.is_terminal:
        return hashed_directory(model_dir)
    with steps.console.status("reading the model's files") as status:
        return hashed_directory(
            model_dir,
            on_hashed=lambda done, total: status.update(
                f"reading the model's files  [dim]{done >> 20} of {total >> 20} MiB[/]"
            ),
        )


@contextmanager
def transfer_bar(title: str) -> "Iterator[Progress]":
    """A progress bar on a terminal; elsewhere a line every so often. Both on standard error."""
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as RichProgress

    from caraml_pulumi.artifacts.progress import Progress
    from caraml_pulumi.cli.steps import Steps

    steps = Steps()
    if not steps.console.is_terminal:
        with steps.step(title) as say:
            yield Progress(lambda progress: say(progress.text))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TextColumn("{task.fields[files]} files"),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=steps.console) as bar:
        task = bar.add_task(title, total=None, files="0")
        yield Progress(
            lambda progress: bar.update(
                task,
                completed=progress.done_bytes,
                total=progress.size,
                files=f"{progress.done_files}/{progress.files}",
            )
        )
