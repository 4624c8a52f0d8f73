"""`caraml environment`: the environments of a project, what each comes to, and how they differ."""

import json as json_text
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from caraml_pulumi.cli.common import HERE, Cwd, Json, note, print_json, print_table
from caraml_pulumi.errors import USAGE, CaramlError, together

if TYPE_CHECKING:
    from caraml_pulumi.stack_files import StackFiles
    from caraml_pulumi.stack_files.configuration import Configuration

app = typer.Typer(add_completion=False, help="List the environments, show what one comes to, and compare two.")
_MISSING: Final = object()

Name = Annotated[str, typer.Argument(metavar="NAME", help="The environment.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The environment to compare it with.")]
Defaults = Annotated[bool, typer.Option("--defaults", help="Also what no file says.")]


@app.command("list", epilog="Example: caraml environment list --json")
def list_environments(cwd: Cwd = HERE, json: Json = False) -> None:
    """List the environments: what they extend, their domain, cluster, projects and releases."""
    from caraml_pulumi.stack_files.configuration import environments

    directory = _directory(cwd)
    rows, problems = list[dict[str, Any]](), list[CaramlError]()
    for name in environments(directory):
        try:
            rows.append(_summary(name, _examined(directory, name)))
        except CaramlError as error:
            problems += error.each
    if json:
        print_json(rows)
    elif rows or problems:
        cells = [[_text(value) for value in row.values()] for row in rows]
        print_table(("NAME", "EXTENDS", "DOMAIN", "CLUSTER", "PROJECTS", "RELEASES"), cells)
    else:
        note(f"no environments: {directory} has no Pulumi.<environment>.yaml")
    if problems:
        raise together(problems)


@app.command("show", epilog="Example: caraml environment show prod --defaults")
def show(name: Name, cwd: Cwd = HERE, json: Json = False, defaults: Defaults = False) -> None:
    """Print every value of an environment, with the file and line that it is from.

    Encrypted texts are [secret]; no passphrase is needed.
    """
    directory = _directory(cwd)
    files = _examined(directory, name)
    configuration = files.configuration
    rows = [(path, value, _origin(configuration, path)) for path, value in leaves(configuration.values)]
    if defaults:
        said = {path for path, _, _ in rows}
        rows += [(path, value, "default") for path, value in _decided(files) if not _covered(path, said)]
    secrets = [(layer.environment, path) for layer, path in configuration.secrets_left_out()]
    if json:
        values = [{"path": _dotted(path), "value": value, "from": origin} for path, value, origin in rows]
        extends = [layer.environment for layer in configuration.layers[1:]]
        left = [{"environment": environment, "path": _dotted(path)} for environment, path in secrets]
        print_json({"environment": name, "extends": extends, "values": values, "secretsNotInherited": left})
        return
    print_table(("VALUE", "IS", "FROM"), [(_dotted(path), _text(value), origin) for path, value, origin in rows])
    for environment, path in secrets:
        note(f"the secret {_dotted(path)} of {environment} is not taken over")


@app.command("diff", epilog="Example: caraml environment diff staging prod")
def diff(name: Name, other: Other, cwd: Cwd = HERE, json: Json = False) -> None:
    """Print the values in which two environments differ, defaults included."""
    directory = _directory(cwd)
    one, two = (dict(_decided(_examined(directory, environment))) for environment in (name, other))
    paths = [*one, *(path for path in two if path not in one)]
    rows = [
        (path, one.get(path, _MISSING), two.get(path, _MISSING))
        for path in paths
        if one.get(path, _MISSING) != two.get(path, _MISSING)
    ]
    if json:
        print_json(
            [
                {
                    "path": _dotted(path),
                    **{
                        environment: value
                        for environment, value in ((name, left), (other, right))
                        if value is not _MISSING
                    },
                }
                for path, left, right in rows
            ]
        )
    elif rows:
        print_table(("VALUE", name, other), [(_dotted(path), _text(left), _text(right)) for path, left, right in rows])
    else:
        note(f"{name} and {other} do not differ")


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - any value
    """The values in nested maps that are no maps, and empty maps, each with the way to it."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, str(key)))
    elif value is not None:
        yield path, value


def _decided(files: "StackFiles") -> list[tuple[tuple[str, ...], Any]]:
    """Every value of an environment, defaults included, but its name."""
    from caraml_pulumi.stack_files import PLATFORM_KEY, PROJECTS_KEY

    platform = {name: value for name, value in files.platform.props().items() if name != "environment"}
    projects = {name: _without_name(project.props()) for name, project in files.projects.items()}
    return [(path, value) for path, value in leaves({PLATFORM_KEY: platform, PROJECTS_KEY: projects}) if value != {}]


def _without_name(project: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in project.items() if name != "project"}


def _covered(path: tuple[str, ...], said: set[tuple[str, ...]]) -> bool:
    """Whether a file says the value at `path`, in either spelling, or one that it is part of."""
    from pydantic.alias_generators import to_camel

    spelled = {tuple(part if part.isupper() else to_camel(part) for part in one) for one in said}
    return any(path[: len(one)] == one for one in said | spelled)


def _summary(name: str, files: "StackFiles") -> dict[str, Any]:
    cluster = files.platform.cluster
    return {
        "name": name,
        "extends": next((layer.environment for layer in files.configuration.layers[1:]), None),
        "domain": files.platform.domain,
        "cluster": cluster.name or cluster.context or cluster.server,
        "projects": list(files.projects),
        "releases": len(files.releases),
    }


def _directory(cwd: Path) -> Path:
    from caraml_pulumi.engine.state.project import load_project

    return load_project(cwd).stack_config_dir


def _examined(directory: Path, name: str) -> "StackFiles":
    """The files of an environment; problems of releases are for `caraml validate`. Raises `CaramlError`."""
    from caraml_pulumi.model.spec import did_you_mean
    from caraml_pulumi.stack_files import examine_stack
    from caraml_pulumi.stack_files.configuration import environments

    known = environments(directory)
    if name not in known:
        raise CaramlError(
            f"there is no environment {name!r}",
            where=str(directory),
            allowed=", ".join(known),
            fix=did_you_mean(name, known),
            exit_code=USAGE,
        )
    files, problems = examine_stack(directory, name)
    if files is None:
        raise together(problems)
    return files


def _origin(configuration: "Configuration", path: tuple[str, ...]) -> str:
    """``Pulumi.staging.yaml:12``."""
    layer = configuration.owner(path)
    return layer.locate(path).partition(" (")[0].rpartition("/")[2]


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))


def _text(value: object) -> str:
    """A value for a table; maps and lists as JSON."""
    if value is None or value is _MISSING:
        return "-"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json_text.dumps(value, ensure_ascii=False)
