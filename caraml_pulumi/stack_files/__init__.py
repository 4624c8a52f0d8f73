"""The files of a stack: its configuration, and the releases of its environment; errors name file and line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caraml_pulumi.errors import CaramlError, together
from caraml_pulumi.model.platform import PlatformSpec, parse_platform
from caraml_pulumi.model.project import (
    ModelProjectSpec,
    parse_projects,
    plan_project,
    quota_of,
    secrets_are_encrypted,
)
from caraml_pulumi.model.quota import admitted, demand_of
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.spec import Locate, located, parse, within
from caraml_pulumi.stack_files.configuration import PLATFORM_KEY, PROJECTS_KEY, Configuration, read_configuration
from caraml_pulumi.stack_files.document import Document
from caraml_pulumi.stack_files.release_files import (
    RELEASES,
    Release,
    collecting,
    read_release,
    read_releases,
    release_paths,
)

__all__ = [
    "PLATFORM_KEY",
    "PROJECTS_KEY",
    "RELEASES",
    "Release",
    "StackFiles",
    "examine_stack",
    "read_release",
    "read_settings",
    "read_stack",
]


@dataclass(frozen=True, slots=True)
class StackFiles:
    """What the files of a stack say, held to every rule."""

    platform: PlatformSpec
    projects: Mapping[str, ModelProjectSpec]
    """The projects of the environment, by name."""
    plans: list[Release]
    """The releases of the environment, in the order of their files."""
    configuration: Configuration
    """Where platform and projects are from."""

    @property
    def releases(self) -> list[ReleaseSpec]:
        """What the release files say."""
        return [release.spec for release in self.plans]


def read_stack(directory: Path, stack: str, config: Mapping[str, Any]) -> StackFiles:
    """The configuration `caraml:platform` and `caraml:projects` and the releases in ``releases/{environment}``.

    `config` has the stack's own values of these keys, which are laid over those of the environments that it extends;
    `directory` has their files ``Pulumi.{stack}.yaml``, from which errors take the line, and the releases. The
    environment is the stack unless the platform names another. Raises `CaramlError`, or `CaramlErrors` with the
    problems of platform, projects and releases, also for what all versions of a project ask for together.
    """
    files, problems = examine_stack(directory, stack, config)
    if files is None or problems:
        raise together(problems)
    return files


def examine_stack(
    directory: Path, stack: str, config: Mapping[str, Any] | None = None
) -> tuple[StackFiles | None, list[CaramlError]]:
    """What `read_stack` reads, and all problems; without `config`, of the files alone and without a passphrase.

    There are no files where the configuration is not right; releases are then looked at by themselves.
    """
    problems: list[CaramlError] = []
    try:
        configuration = read_configuration(directory, stack, config)
        platform, projects = _settings(configuration, stack)
    except CaramlError as error:
        problems += error.each
        for path in release_paths(directory / RELEASES / stack):
            with collecting(problems):
                document = Document(path)
                parse(ReleaseSpec, document.data, locate=document.locate)
        return None, problems
    releases = read_releases(directory / RELEASES / platform.environment, platform, projects, problems)
    for name, project in projects.items():
        _quota_is_kept(name, project, platform, releases, configuration, problems)
    return StackFiles(platform, projects, releases, configuration), problems


def read_settings(
    directory: Path, stack: str, config: Mapping[str, Any] | None = None
) -> tuple[PlatformSpec, dict[str, ModelProjectSpec]]:
    """The platform and the projects of an environment, as `examine_stack` reads them. Raises `CaramlError`."""
    return _settings(read_configuration(directory, stack, config), stack)


def _settings(configuration: Configuration, stack: str) -> tuple[PlatformSpec, dict[str, ModelProjectSpec]]:
    """The platform and the projects that `configuration` says. Raises `CaramlError`, for all problems together."""
    locate, values = configuration.locate, configuration.values
    for key in (PLATFORM_KEY, PROJECTS_KEY):
        if values.get(key) is None:
            raise CaramlError(f"{key} is not configured", where=locate(()), fix=f"add {key} to Pulumi.{stack}.yaml")
    problems: list[CaramlError] = []
    platform, projects = None, dict[str, ModelProjectSpec]()
    with collecting(problems):
        platform = parse_platform(values[PLATFORM_KEY], environment=stack, locate=_under(locate, PLATFORM_KEY))
    with collecting(problems):
        projects = parse_projects(values[PROJECTS_KEY], locate=_under(locate, PROJECTS_KEY))
    for name, project in projects.items():
        with collecting(problems):
            _project_is_right(name, project, platform, configuration)
    if problems or platform is None:
        raise together(problems)
    return platform, projects


def _project_is_right(
    name: str, project: ModelProjectSpec, platform: PlatformSpec | None, configuration: Configuration
) -> None:
    """Hold a project to the rules about its files and its environment."""
    for layer in configuration.layers:
        with located(_under(layer.locate, PROJECTS_KEY, name)), within("secrets"):
            written = layer.document.value("config", PROJECTS_KEY, name, "secrets") if layer.document else None
            secrets_are_encrypted(name, written)
    if platform:
        with located(_under(configuration.locate, PROJECTS_KEY, name), configuration.values[PROJECTS_KEY][name]):
            plan_project(project, platform)


def _quota_is_kept(
    name: str,
    project: ModelProjectSpec,
    platform: PlatformSpec,
    releases: list[Release],
    configuration: Configuration,
    problems: list[CaramlError],
) -> None:
    """Hold all versions of a project together to its switch and quota."""
    versions = [version for release in releases if release.spec.project == name for version in release.versions]
    demands = [demand for version in versions if (demand := demand_of(version))]
    where = _under(configuration.locate, PROJECTS_KEY, name)
    with collecting(problems), located(where, configuration.values[PROJECTS_KEY][name]):
        admitted(name, project.enabled, quota_of(project, platform), demands)


def _under(locate: Locate, *prefix: str) -> Locate:
    return lambda path: locate((*prefix, *path))
