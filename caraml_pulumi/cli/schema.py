"""`caraml schema`: the JSON Schemas of a platform's files."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from caraml_pulumi.errors import CaramlError

app = typer.Typer(add_completion=False)


class Kind(StrEnum):
    """Which files a schema is for."""

    RELEASE = "release"
    ENVIRONMENT = "environment"
    PROJECT = "project"


Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write it to a file.", show_default="standard output"),
]


@app.command(name="schema", epilog="Example: caraml schema release --output .vscode/release.schema.json")
def schema(
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="release, environment (Pulumi.<name>.yaml) or project.")],
    output: Output = None,
) -> None:
    """Print the JSON Schema (draft 2020-12) of a platform's files, by which editors complete and check them."""
    from caraml_pulumi.schemas import SCHEMAS, text

    found = text(SCHEMAS[kind.value]())
    if output is None:
        print(found, end="")
        return
    try:
        output.write_text(found, "utf-8")
    except OSError as error:
        raise CaramlError(f"the schema cannot be written: {error.strerror}", where=str(output)) from None
