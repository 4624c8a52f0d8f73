"""A release file as the resources that a stack makes of it: the components, and all Kubernetes objects below them."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import yaml

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.project import ModelProjectSpec
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.spec import Locate
from caraml_pulumi.model.spec import Path as PropertyPath
from caraml_pulumi.policy_tests.case import Case, Setup, Subject, below
from caraml_pulumi.stack_files import PLATFORM_KEY, PROJECTS_KEY, RELEASES, read_release, read_settings
from caraml_pulumi.stack_files.document import Document
from caraml_pulumi.testing import Recording, record
from caraml_pulumi.testing.stacks import state_of

_VERSION: Final = "caraml:index:CustomModelVersion"
_ENDPOINT: Final = "caraml:index:ModelEndpoint"


def is_release(data: object) -> bool:
    """Whether `data` is meant to be a release."""
    return isinstance(data, Mapping) and "model" in data and "versions" in data


def case(path: Path, setup_of: Callable[[str], Setup], environment: str) -> Case:
    """The release in a file as its stack, with the project that it is in.

    The environment is the folder in ``releases`` unless it is given; its stack must be configured.

    Raises:
        CaramlError: it is no right release, or there is no configuration for its environment.
    """
    folder = path.absolute().parent
    environment = environment or (folder.name if folder.parent.name == RELEASES else "")
    if not environment:
        raise CaramlError(
            "the release is of no environment",
            where=str(path),
            fix=f"put it into {RELEASES}/<environment>, or name the environment: --stack NAME",
        )
    setup = setup_of(environment)
    if setup.directory is None:
        raise CaramlError(
            "the release is of no Pulumi project", where=str(path), fix="name its directory: -C DIRECTORY"
        )
    config = {key: yaml.safe_load(setup.stack_config.get(key, "")) for key in (PLATFORM_KEY, PROJECTS_KEY)}
    platform, projects = read_settings(setup.directory, environment, config)
    release = read_release(path, platform, projects).spec
    recording = record(
        lambda: _deploy(release, projects[release.project], platform),
        project=setup.project,
        stack=environment,
        config=setup.stack_config,
    )
    return Case(path.name, str(path), setup, _subjects(recording, release, Document(path)))


def _deploy(release: ReleaseSpec, spec: ModelProjectSpec, platform: PlatformSpec) -> None:
    from caraml_pulumi import CustomModelVersion, ModelEndpoint, ModelMonitoring, ModelProject

    project = ModelProject(release.project, **spec.given(), platform=platform)
    versions = [
        CustomModelVersion(_logical(release, version.version), model=release.model, project=project, **version.given())
        for version in release.versions
    ]
    if release.endpoint:
        ModelEndpoint(f"{release.project}-{release.model}", versions=versions, **release.endpoint.props())
    if release.monitoring and release.watched:
        running = [version for version in versions if not version.spec.stopped]
        ModelMonitoring(f"{release.project}-{release.model}", versions=running, **release.monitoring.props())


def _logical(release: ReleaseSpec, version: int) -> str:
    return f"{release.project}-{release.model}-{version}"


def _subjects(recording: Recording, release: ReleaseSpec, document: Document) -> list[Subject]:
    """What the release registers; objects of a component are where it is in the file."""
    places: dict[str, Locate] = {}
    numbers = {_logical(release, version.version): index for index, version in enumerate(release.versions)}
    subjects = []
    for item in recording.registrations:
        if item.type == _VERSION:
            places[item.urn] = below(document.locate, "versions", numbers[item.name])
        elif item.type == _ENDPOINT:
            places[item.urn] = below(document.locate, "endpoint")
        locate = places.get(item.urn) or _whole(places.get(item.parent, document.locate))
        subjects.append(Subject(state_of(item), f"{_short(item.type)} {item.name}", locate))
    return subjects


def _whole(locate: Locate) -> Locate:
    """The place of a component for what is below it, whose properties the file does not have."""

    def at(path: PropertyPath) -> str:
        return locate(())

    return at


def _short(type_: str) -> str:
    return re.sub(r"^(caraml:index|kubernetes):", "", type_)
