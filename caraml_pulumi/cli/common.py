"""What the subcommands on a stack share: which stack is meant, and how a table is printed."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.terminal import colors, console
from caraml_pulumi.errors import CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.engine.api import Target
    from caraml_pulumi.engine.state.backend import Backend
    from caraml_pulumi.engine.state.project import Project

STACK_VARIABLES: Final = ("CARAML_STACK", "PULUMI_STACK")

Cwd = Annotated[
    Path,
    typer.Option("--cwd", "-C", metavar="DIR", help="The project's directory, or one within it.", show_default="here"),
]
Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "-s",
        metavar="NAME",
        help="The stack.",
        show_default="$CARAML_STACK, $PULUMI_STACK, or the only one",
        autocompletion=complete.stacks,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ShowSecrets = Annotated[bool, typer.Option("--show-secrets", help="Show secrets in the clear.")]
HERE: Final = Path()


def resolve_target(cwd: Path, stack: str | None) -> "Target":
    """The stack that a command is about. It need not exist yet.

    The project is that of `cwd`. The stack is `stack`, else CARAML_STACK, else PULUMI_STACK, else the only one that the
    backend or a ``Pulumi.<stack>.yaml`` knows. The backend is PULUMI_BACKEND_URL, else the project's, else the default.

    Raises:
        CaramlError: there is no project, the name is none or of another project, or there is not exactly one stack.
    """
    from caraml_pulumi.engine.api import Target
    from caraml_pulumi.engine.state.names import StackName
    from caraml_pulumi.engine.state.project import load_project

    project = load_project(cwd)
    backend = project_backend(project)
    named = stack or next((text for name in STACK_VARIABLES if (text := os.environ.get(name))), None)
    name = StackName.parse(named or _only_stack(project, backend), project.name)
    if name.project != project.name:
        raise CaramlError(
            f"the stack {str(name)!r} is not of the project {project.name!r}",
            where=str(project.file),
            fix="name a stack of this project, or choose the other project's directory with -C",
        )
    return Target(project, name.stack, backend.url)


def project_backend(project: "Project") -> "Backend":
    """The backend of a project: PULUMI_BACKEND_URL, else what ``Pulumi.yaml`` says, else the default."""
    from caraml_pulumi.engine.state.backend import BACKEND_URL, open_backend

    return open_backend(os.environ.get(BACKEND_URL) or project.backend_url or None)


def known_stacks(project: "Project", backend: "Backend") -> list[str]:
    """The project's stacks, in the backend or with a ``Pulumi.<stack>.yaml`` only, by name."""
    files = [path for suffix in ("yaml", "yml") for path in project.stack_config_dir.glob(f"Pulumi.*.{suffix}")]
    configured = {path.name.removeprefix("Pulumi.").removesuffix(path.suffix) for path in files}
    return sorted(configured | {name.stack for name in backend.list_stacks(project.name)})


def _only_stack(project: "Project", backend: "Backend") -> str:
    stacks = known_stacks(project, backend)
    if len(stacks) == 1:
        return stacks[0]
    raise CaramlError(
        f"the project {project.name!r} has {'several stacks' if stacks else 'no stack yet'}, and none is named",
        where=backend.shown_url,
        allowed=", ".join(stacks),
        fix="name one: --stack NAME" if stacks else "make one: caraml stack init NAME",
    )


def default_packs(project: "Project", stack: str) -> list[tuple[Path, Path | None]]:
    """The policy packs that a project brings along, each with its configuration for `stack`.

    That is ``policies/`` beside ``Pulumi.yaml`` if there is a pack, and its ``profiles/<stack>.json`` if there is one.
    """
    pack = project.root / "policies"
    profile = pack / "profiles" / f"{stack}.json"
    if not (pack / "PulumiPolicy.yaml").is_file():
        return []
    return [(pack, profile if profile.is_file() else None)]


def asked_packs(
    project: "Project", stack: str, packs: list[Path] | None, configs: list[Path] | None
) -> tuple[list[Path], list[Path]]:
    """The policy packs that the command line names and their configurations; without any, those of `default_packs`."""
    if packs or configs:
        return packs or [], configs or []
    found = default_packs(project, stack)
    return [pack for pack, _ in found], [config for _, config in found if config]


def load_document(target: "Target") -> dict[str, Any]:
    """The checkpoint document of a stack, with a note if it is behind. Raises `CaramlError` if there is none."""
    backend, document = _open_stack(target)
    if backend.journal(target.project.name, target.stack).exists():
        note("an update of this stack was interrupted; what it did counts once 'caraml refresh' or 'caraml up' has run")
    return document


def load_with_journal(target: "Target") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The checkpoint document of a stack, and what an update that runs or was interrupted has recorded since.

    Raises `CaramlError` if there is no such stack.
    """
    backend, document = _open_stack(target)
    return document, backend.journal(target.project.name, target.stack).read(document)


def _open_stack(target: "Target") -> "tuple[Backend, dict[str, Any]]":
    from caraml_pulumi.engine.state.backend import open_backend

    backend = open_backend(target.backend_url)
    document = backend.load(target.project.name, target.stack)
    if document is None:
        raise CaramlError(
            f"there is no stack {target.stack!r} of the project {target.project.name!r}",
            where=backend.shown_url,
            allowed=", ".join(name.stack for name in backend.list_stacks(target.project.name)),
            fix=f"make it: caraml stack init {target.stack}, or caraml up",
        )
    return backend, document


def note(text: str) -> None:
    """Tell the user something that is not part of a command's output."""
    print(text, file=sys.stderr)


def print_json(document: object) -> None:
    """Print a command's output as indented JSON."""
    import json

    print(json.dumps(document, ensure_ascii=False, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: with colours on a terminal, in plain aligned columns elsewhere."""
    from caraml_pulumi.engine.values import printable

    lines = [[printable(cell.replace("\n", " ")) for cell in row] for row in rows]
    if colors(sys.stdout):
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for line in lines:
            table.add_row(*(Text(cell) for cell in line))
        console().print(table)
        return
    widths = [max(len(line[index]) for line in [list(columns), *lines]) for index in range(len(columns))]
    for line in [list(columns), *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
