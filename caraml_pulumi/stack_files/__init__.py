"""The files of a stack: its configuration, and the releases of its environment; errors name file and line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.model import names
from caraml_pulumi.model.platform import PlatformSpec, parse_platform
from caraml_pulumi.model.project import ModelProjectSpec, find_project, parse_projects, quota_of, secrets_are_encrypted
from caraml_pulumi.model.quota import admitted, demand_of
from caraml_pulumi.model.release import ReleaseSpec, plan_release
from caraml_pulumi.model.spec import Locate, located, parse, within
from caraml_pulumi.model.version_plan import VersionPlan
from caraml_pulumi.stack_files.configuration import (
    PLATFORM_KEY,
    PROJECTS_KEY,
    Configuration,
    read_configuration,
)
from caraml_pulumi.stack_files.document import Document

__all__ = [
    "PLATFORM_KEY",
    "PROJECTS_KEY",
    "RELEASES",
    "Release",
    "StackFiles",
    "read_release",
    "read_settings",
    "read_stack",
    "settings",
]

RELEASES = "releases"
"""The directory of the releases, a folder for each environment."""


@dataclass(frozen=True, slots=True)
class StackFiles:
    """What the files of a stack say, held to every rule."""

    platform: PlatformSpec
    projects: Mapping[str, ModelProjectSpec]
    """The projects of the environment, by name."""
    releases: list[ReleaseSpec]
    """The releases of the environment, in the order of their files."""
    configuration: Configuration
    """Where platform and projects are from."""


def read_stack(directory: Path, stack: str, config: Mapping[str, Any]) -> StackFiles:
    """The configuration `caraml:platform` and `caraml:projects` and the releases in ``releases/{environment}``.

    `config` has the stack's own values of these keys, which are laid over those of the environments that it extends;
    `directory` has their files ``Pulumi.{stack}.yaml``, from which errors take the line, and the releases. The
    environment is the stack unless the platform names another. Raises `CaramlError`, or `CaramlErrors` with the
    problems of all releases, also for what all versions of a project ask for together.
    """
    configuration = read_configuration(directory, stack, config)
    platform, projects = settings(configuration, stack)
    problems: list[CaramlError] = []
    releases = _read_releases(directory / RELEASES / platform.environment, platform, projects, problems)
    for name, project in projects.items():
        versions = [version for release in releases if release.spec.project == name for version in release.versions]
        demands = [demand for version in versions if (demand := demand_of(version))]
        where = _under(configuration.locate, PROJECTS_KEY, name)
        with _collecting(problems), located(where, configuration.values[PROJECTS_KEY][name]):
            admitted(name, project.enabled, quota_of(project, platform), demands)
    if problems:
        raise problems[0] if len(problems) == 1 else CaramlErrors(problems)
    return StackFiles(platform, projects, [release.spec for release in releases], configuration)


def read_settings(
    directory: Path, stack: str, config: Mapping[str, Any]
) -> tuple[PlatformSpec, dict[str, ModelProjectSpec]]:
    """The platform and the projects of an environment, as `read_stack` reads them. Raises `CaramlError`."""
    return settings(read_configuration(directory, stack, config), stack)


def settings(configuration: Configuration, stack: str) -> tuple[PlatformSpec, dict[str, ModelProjectSpec]]:
    """The platform and the projects that `configuration` says. Raises `CaramlError`."""
    locate, values = configuration.locate, configuration.values
    for key in (PLATFORM_KEY, PROJECTS_KEY):
        if values.get(key) is None:
            raise CaramlError(f"{key} is not configured", where=locate(()), fix=f"add {key} to Pulumi.{stack}.yaml")
    platform = parse_platform(values[PLATFORM_KEY], environment=stack, locate=_under(locate, PLATFORM_KEY))
    projects = parse_projects(values[PROJECTS_KEY], locate=_under(locate, PROJECTS_KEY))
    for name in projects:
        for layer in configuration.layers:
            with located(_under(layer.locate, PROJECTS_KEY, name)), within("secrets"):
                written = layer.document.value("config", PROJECTS_KEY, name, "secrets") if layer.document else None
                secrets_are_encrypted(name, written)
    return platform, projects


@dataclass(frozen=True, slots=True)
class Release:
    """A release, and what its versions come to."""

    spec: ReleaseSpec
    versions: list[VersionPlan]


def read_release(path: Path, platform: PlatformSpec, projects: Mapping[str, ModelProjectSpec]) -> Release:
    """The release in a file, held to the rules of its project and platform. Raises `CaramlError` with file and line."""
    document = Document(path)
    release = parse(ReleaseSpec, document.data, locate=document.locate)
    with located(document.locate, document.data):
        with within("project"):
            project = find_project(release.project, projects)
        versions, _ = plan_release(release, platform, instance_types=project.instance_types)
    return Release(release, versions)


def _under(locate: Locate, *prefix: str) -> Locate:
    return lambda path: locate((*prefix, *path))


def _read_releases(
    directory: Path,
    platform: PlatformSpec,
    projects: Mapping[str, ModelProjectSpec],
    problems: list[CaramlError],
) -> list[Release]:
    """The releases that hold the rules; the problems of the others are put into `problems`."""
    hosts: dict[str, Path] = {}
    releases: list[Release] = []
    for path in sorted({*directory.glob("*.yaml"), *directory.glob("*.yml")}):
        with _collecting(problems):
            release = read_release(path, platform, projects)
            _hosts_are_free(path, release.spec, hosts)
            releases.append(release)
    return releases


@contextmanager
def _collecting(problems: list[CaramlError]) -> Iterator[None]:
    try:
        yield
    except CaramlErrors as errors:
        problems += errors.errors
    except CaramlError as error:
        problems.append(error)


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
