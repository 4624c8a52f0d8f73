"""`caraml add`: another model, version, environment or project in the files of a platform."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.common import HERE, STACK_VARIABLES, Cwd
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import DeploymentMode

if TYPE_CHECKING:
    from caraml_pulumi.engine.state.project import Project

app = typer.Typer(
    add_completion=False,
    help="Add a model, a version, an environment or a project to the files. Nothing is deployed.",
    no_args_is_help=True,
)

Environment = Annotated[
    str | None,
    typer.Option(
        "--stack",
        "--env",
        "-s",
        metavar="NAME",
        help="The environment.",
        show_default="$CARAML_STACK, $PULUMI_STACK, or the one that extends no other",
        autocompletion=complete.stacks,
    ),
]
Image = Annotated[str, typer.Option("--image", metavar="IMAGE", help="The image that serves it.")]


@app.command("model", epilog="Example: caraml add model ranker --image ghcr.io/shop/ranker:1.0")
def add_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model's name.")],
    image: Image,
    cwd: Cwd = HERE,
    stack: Environment = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="Its project.", show_default="the only one")
    ] = None,
    mode: Annotated[DeploymentMode, typer.Option("--mode", help="How it is deployed.")] = DeploymentMode.SERVERLESS,
    endpoint: Annotated[bool, typer.Option(help="Whether requests by the model's name reach it.")] = True,
) -> None:
    """Add a model: a release file with version 1."""
    from caraml_pulumi.model import images, names
    from caraml_pulumi.releases.file import find_release, release_path
    from caraml_pulumi.scaffold.releases import first_release
    from caraml_pulumi.scaffold.staging import read_files, write_checked
    from caraml_pulumi.scaffold.texts import modeline_of
    from caraml_pulumi.stack_files import RELEASES

    names.model_name(name)
    images.image_reference(image)
    directory = _project(cwd).stack_config_dir
    environment = _environment(directory, stack)
    files = read_files(directory, environment)
    chosen = names.project_name(project) if project else _only(list(files.projects), directory)
    releases = directory / RELEASES / files.platform.environment
    if any((release.project, release.model) == (chosen, name) for release in files.releases):
        raise CaramlError(
            f"the model {chosen}/{name} is there already",
            where=_shown(find_release(releases, f"{chosen}/{name}").path),
            fix=f"add a version to it: caraml add version {name} --image {image}",
        )
    path = release_path(releases, chosen, name)
    text = modeline_of(sorted(releases.glob("*.y*ml")))
    text += first_release(chosen, name, image, environment, mode, endpoint=endpoint)
    write_checked(directory, [environment], {path.relative_to(directory): text})
    _tell(f"added {chosen}/{name} to {environment}", path, environment)


@app.command("version", epilog="Example: caraml add version ranker --image ghcr.io/shop/ranker:2.0 --weight 10")
def add_version(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="The model, or PROJECT/MODEL.", autocompletion=complete.models)
    ],
    image: Image,
    cwd: Cwd = HERE,
    stack: Environment = None,
    version: Annotated[
        int | None, typer.Option("--version", min=1, metavar="N", help="Its number.", show_default="the next")
    ] = None,
    weight: Annotated[
        int | None,
        typer.Option(
            "--weight", min=0, max=100, metavar="PERCENT", help="Its part of the requests.", show_default="none yet"
        ),
    ] = None,
    replace: Annotated[
        int | None,
        typer.Option("--replace", min=1, metavar="N", help="The version that goes; the new one gets its requests."),
    ] = None,
) -> None:
    """Add a version to a model, with the settings of its newest one.

    At most two versions of a model are deployed at a time.
    """
    from caraml_pulumi.releases.file import find_release, release_text
    from caraml_pulumi.scaffold.releases import next_version, with_version
    from caraml_pulumi.scaffold.staging import read_files, write_checked
    from caraml_pulumi.stack_files import RELEASES
    from caraml_pulumi.stack_files.document import Document

    directory = _project(cwd).stack_config_dir
    environment = _environment(directory, stack)
    files = read_files(directory, environment)
    found = find_release(directory / RELEASES / files.platform.environment, model)
    release = Document(found.path).data
    number = version or next_version(release)
    changed = with_version(release, number, image, weight=weight, replace=replace)
    text = release_text(found.path, changed)
    write_checked(directory, [environment], {found.path.relative_to(directory): text})
    _tell(f"added version {number} of {found.name} to {environment}", found.path, environment)
    if found.spec.endpoint and all(share["version"] != number for share in changed["endpoint"]["traffic"]):
        print(f"then give it requests:  caraml rollout {model} --to {number} --stack {environment}")


@app.command("environment", epilog="Example: caraml add environment qa --extends dev")
def add_environment(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The environment's name, which is its stack's.")],
    cwd: Cwd = HERE,
    extends: Annotated[
        str | None,
        typer.Option(
            "--extends",
            metavar="NAME",
            help="The environment it is like.",
            show_default="the first",
            autocompletion=complete.stacks,
        ),
    ] = None,
    domain: Annotated[
        str | None, typer.Option("--domain", metavar="DOMAIN", help="The models' domain.", show_default="NAME.DOMAIN")
    ] = None,
) -> None:
    """Add an environment that is like another, but for its domain and its models."""
    from caraml_pulumi.engine.state.yaml_edit import write_whole
    from caraml_pulumi.model import names
    from caraml_pulumi.scaffold.environments import (
        check_environment,
        domain_beside,
        environment_file,
        environment_text,
        first_environment,
    )
    from caraml_pulumi.scaffold.staging import read_files, write_checked
    from caraml_pulumi.scaffold.texts import modeline_of
    from caraml_pulumi.stack_files.configuration import environments

    names.environment_name(name)
    opened = _project(cwd)
    directory = opened.stack_config_dir
    if name in environments(directory):
        raise CaramlError(f"there is an environment {name!r} already", where=_shown(directory / f"Pulumi.{name}.yaml"))
    base = check_environment(directory, extends) if extends else first_environment(directory)
    chosen = domain or domain_beside(read_files(directory, base).platform.domain, base, name)
    path = Path(f"Pulumi.{name}.yaml")
    text = modeline_of([environment_file(directory, base)]) + environment_text(name, base, chosen)
    write_checked(directory, [name], {path: text})
    profiles = opened.root / "policies" / "profiles"
    if (profiles / f"{base}.json").is_file() and not (profiles / f"{name}.json").exists():
        write_whole(profiles / f"{name}.json", (profiles / f"{base}.json").read_text("utf-8"))
        print(f"its policies are those of {base} so far: {_shown(profiles / f'{name}.json')}")
    _tell(f"added the environment {name}, at {chosen}", directory / path, name)


@app.command("project", epilog="Example: caraml add project ranking --team search --owner search-oncall")
def add_project(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The project's name, which is its namespace's.")],
    cwd: Cwd = HERE,
    stack: Environment = None,
    team: Annotated[
        str | None, typer.Option("--team", metavar="NAME", help="The team it is of.", show_default="NAME")
    ] = None,
    stream: Annotated[str, typer.Option("--stream", metavar="NAME", help="The team's stream.")] = "models",
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="NAME", help="Who answers for it.", show_default="the team")
    ] = None,
) -> None:
    """Add a project to an environment, and so to those that extend it."""
    from caraml_pulumi.model import names
    from caraml_pulumi.scaffold.environments import bases, environment_file, with_project
    from caraml_pulumi.scaffold.staging import read_files, write_checked

    names.project_name(name)
    directory = _project(cwd).stack_config_dir
    environment = _environment(directory, stack)
    files = read_files(directory, environment)
    if name in files.projects:
        raise CaramlError(f"there is a project {name!r} already", allowed=", ".join(files.projects))
    path = environment_file(directory, environment)
    owned = {f"{files.platform.label_prefix}owner": owner or team or name}
    text = with_project(path.read_text("utf-8"), name, {"team": team or name, "stream": stream, "labels": owned})
    known = bases(directory)
    write_checked(
        directory,
        [one for one in known if one == environment or _extends(one, environment, known)],
        {path.relative_to(directory): text},
    )
    _tell(f"added the project {name} to {environment}", path, environment)


def _project(cwd: Path) -> "Project":
    from caraml_pulumi.engine.state.project import load_project

    return load_project(cwd)


def _environment(directory: Path, stack: str | None) -> str:
    from caraml_pulumi.scaffold.environments import check_environment, first_environment

    named = stack or next((text for name in STACK_VARIABLES if (text := os.environ.get(name))), "")
    name = named.rpartition("/")[2]
    return check_environment(directory, name) if name else first_environment(directory)


def _only(projects: list[str], directory: Path) -> str:
    if len(projects) != 1:
        raise CaramlError(
            "there are several projects, and none is named" if projects else "there is no project yet",
            where=_shown(directory),
            allowed=", ".join(projects),
            fix="name one: --project NAME" if projects else "add one: caraml add project NAME",
        )
    return projects[0]


def _extends(name: str, other: str, bases: dict[str, str]) -> bool:
    base = bases[name]
    return base == other or (bool(base) and _extends(base, other, bases))


def _shown(path: Path) -> str:
    """A path as it is typed here."""
    here = Path().resolve()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _tell(done: str, path: Path, environment: str) -> None:
    print(f"{done}: {_shown(path)}")
    print(f"see what it changes:  caraml preview --stack {environment}")
