"""`caraml validate`: every problem of the files of a platform, without a server."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from caraml_pulumi.cli.common import HERE, Cwd, Json, note, print_json
from caraml_pulumi.errors import FAILED, USAGE, CaramlError, together

if TYPE_CHECKING:
    from caraml_pulumi.stack_files.validation import Problem, Validation

app = typer.Typer(add_completion=False)
ALL: Final = "all"
_PLACE: Final = re.compile(r"(?P<file>[^:]+\.ya?ml)(:(?P<line>\d+))?( \((?P<property>.+)\))?")

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[PATHS]...",
        help="Releases, configurations or projects: what belongs to their environments.",
        show_default="the project",
    ),
]
Stack = Annotated[str, typer.Option("--stack", "-s", metavar="NAME", help="One environment, or all.", show_default=ALL)]


@app.command(name="validate", epilog="Example: caraml validate stacks/releases/dev/iris.yaml")
def validate_files(paths: Paths = None, cwd: Cwd = HERE, stack: Stack = ALL, json: Json = False) -> None:
    """Check the files of a platform: configurations and releases of all environments, each problem with file and line.

    Needs no server, passphrase or state. Exit code 1 if there is a problem; what depends on a cluster is a warning.
    """
    found = _validated(paths or [cwd], stack)
    problems = [problem.error for problem in found.problems if problem.certain]
    if json:
        print_json(_document(found))
        if problems:
            raise typer.Exit(FAILED)
        return
    for problem in found.problems:
        if not problem.certain:
            note(f"warning: {problem.error}")
    if problems:
        raise together(problems)
    print(f"{_count(len(found.environments), 'environment')}, {_count(found.releases, 'release')}: no problems")


def _validated(paths: list[Path], stack: str) -> "Validation":
    """What is wrong with the environments that `paths` are about. Raises `CaramlError` for what is no project."""
    from caraml_pulumi.engine.state.project import load_project
    from caraml_pulumi.stack_files.configuration import environments
    from caraml_pulumi.stack_files.validation import Validation, environments_of, validate

    chosen: dict[Path, set[str] | None] = {}
    for path in paths:
        if not path.exists():
            raise CaramlError(f"there is no file or directory {str(path)!r}", exit_code=USAGE)
        project = load_project(path if path.is_dir() else path.parent)
        directory = _shown(project.stack_config_dir)
        named = _named(directory, stack) if stack != ALL else environments_of(directory, path)
        before = chosen.get(directory, set())
        chosen[directory] = None if named is None or before is None else before | set(named)
    total = Validation([])
    for directory, names in chosen.items():
        if not environments(directory):
            raise CaramlError(
                "the project has no environment", where=str(directory), fix="add Pulumi.<environment>.yaml"
            )
        found = validate(directory, None if names is None else sorted(names))
        total.environments += found.environments
        total.releases += found.releases
        total.problems += found.problems
    return total


def _named(directory: Path, stack: str) -> list[str]:
    from caraml_pulumi.model.spec import did_you_mean
    from caraml_pulumi.stack_files.configuration import environments

    known = environments(directory)
    if stack not in known:
        raise CaramlError(
            f"there is no environment {stack!r}",
            where=str(directory),
            allowed=", ".join([*known, ALL]),
            fix=did_you_mean(stack, known),
            exit_code=USAGE,
        )
    return [stack]


def _shown(directory: Path) -> Path:
    """`directory` as it is shorter to read, from here."""
    relative = os.path.relpath(directory)
    return directory if relative.startswith("..") else Path(relative)


def _document(found: "Validation") -> dict[str, Any]:
    return {
        "environments": found.environments,
        "releases": found.releases,
        "problems": [_problem(problem) for problem in found.problems],
    }


def _problem(problem: "Problem") -> dict[str, Any]:
    error = problem.error
    place = _PLACE.fullmatch(error.where)
    return {
        "severity": "error" if problem.certain else "warning",
        "environment": problem.environment,
        "what": error.what,
        "where": error.where,
        "file": place["file"] if place else None,
        "line": int(place["line"]) if place and place["line"] else None,
        "property": place["property"] if place else None,
        "allowed": error.allowed,
        "fix": error.fix,
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
