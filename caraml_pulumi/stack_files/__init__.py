"""The files of a stack: its configuration, and the releases of its environment; errors name file and line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.model import names
from caraml_pulumi.model.platform import PlatformSpec, parse_platform
from caraml_pulumi.model.project import ModelProjectSpec, parse_projects
from caraml_pulumi.model.release import ReleaseSpec, plan_release
from caraml_pulumi.model.spec import Locate, did_you_mean, dotted, located, parse
from caraml_pulumi.stack_files.document import Document

PLATFORM_KEY = "caraml:platform"
PROJECTS_KEY = "caraml:projects"
RELEASES = "releases"


@dataclass(frozen=True, slots=True)
class StackFiles:
    """What the files of a stack say, held to every rule."""

    platform: PlatformSpec
    projects: Mapping[str, ModelProjectSpec]
    """The projects of the environment, by name."""
    releases: list[ReleaseSpec]
    """The releases of the environment, in the order of their files."""


def read_stack(directory: Path, stack: str, config: Mapping[str, Any]) -> StackFiles:
    """The configuration `caraml:platform` and `caraml:projects` and the releases in ``releases/{environment}``.

    `config` has the values of the two keys; `directory` has ``Pulumi.{stack}.yaml``, from which errors take the line,
    and the releases. The environment is the stack unless the platform names another. Raises `CaramlError`, or
    `CaramlErrors` with the problems of all releases.
    """
    locate = _config_locator(directory / f"Pulumi.{stack}.yaml")
    for key in (PLATFORM_KEY, PROJECTS_KEY):
        if config.get(key) is None:
            raise CaramlError(f"{key} is not configured", where=locate(()), fix=f"add {key} to Pulumi.{stack}.yaml")
    platform = parse_platform(
        config[PLATFORM_KEY], environment=stack, locate=lambda path: locate((PLATFORM_KEY, *path))
    )
    projects = parse_projects(config[PROJECTS_KEY], locate=lambda path: locate((PROJECTS_KEY, *path)))
    releases = _read_releases(directory / RELEASES / platform.environment, platform, projects)
    return StackFiles(platform, projects, releases)


def read_release(path: Path, platform: PlatformSpec) -> ReleaseSpec:
    """The release in a file, held to the platform's rules. Raises `CaramlError` with file and line."""
    document = Document(path)
    release = parse(ReleaseSpec, document.data, locate=document.locate)
    with located(document.locate, document.data):
        plan_release(release, platform)
    return release


def _config_locator(path: Path) -> Locate:
    """Where a value of the configuration is: in the stack's file if there is one, else by key."""
    if not path.exists():
        return dotted
    document = Document(path)
    return lambda key: document.locate(("config", *key))


def _read_releases(
    directory: Path, platform: PlatformSpec, projects: Mapping[str, ModelProjectSpec]
) -> list[ReleaseSpec]:
    hosts: dict[str, Path] = {}
    releases: list[ReleaseSpec] = []
    problems: list[CaramlError] = []
    for path in sorted({*directory.glob("*.yaml"), *directory.glob("*.yml")}):
        with _collecting(problems):
            release = read_release(path, platform)
            _project_exists(path, release, projects)
            _hosts_are_free(path, release, hosts)
            releases.append(release)
    if problems:
        raise problems[0] if len(problems) == 1 else CaramlErrors(problems)
    return releases


@contextmanager
def _collecting(problems: list[CaramlError]) -> Iterator[None]:
    try:
        yield
    except CaramlErrors as errors:
        problems += errors.errors
    except CaramlError as error:
        problems.append(error)


def _project_exists(path: Path, release: ReleaseSpec, projects: Mapping[str, Any]) -> None:
    """Refuse a release into a project that the stack does not have."""
    if release.project not in projects:
        raise CaramlError(
            f'project "{release.project}" is not one of the stack\'s',
            where=Document(path).locate(("project",)),
            allowed=", ".join(projects) or "none yet",
            fix=did_you_mean(release.project, [*projects]) or f"add it to {PROJECTS_KEY}",
        )


def _hosts_are_free(path: Path, release: ReleaseSpec, hosts: dict[str, Path]) -> None:
    """Refuse a model that another file releases, or whose name is the full name of another model's version."""
    full_names = [names.full_name(release.model, version.version) for version in release.versions]
    for name in (release.model, *full_names):
        other = hosts.setdefault(f"{name}.{release.project}", path)
        if other != path:
            raise CaramlError(
                f'"{name}" of project "{release.project}" is released by two files',
                where=f"{other} and {path}",
                fix="put all versions of a model into one file, and do not name a model after another's version",
            )
