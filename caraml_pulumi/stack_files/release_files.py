"""The releases of an environment: a file for each model, held to the rules of its project and platform."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import names
from caraml_pulumi.model.endpoint_plan import EndpointPlan
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.project import ModelProjectSpec, find_project
from caraml_pulumi.model.release import ReleaseSpec, plan_release
from caraml_pulumi.model.spec import located, parse, within
from caraml_pulumi.model.version_plan import VersionPlan
from caraml_pulumi.stack_files.document import Document

RELEASES = "releases"
"""The directory of the releases, a folder for each environment."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release, and what its versions and its endpoint come to."""

    spec: ReleaseSpec
    versions: list[VersionPlan]
    endpoint: EndpointPlan | None
    document: Document
    """Its file."""


def release_paths(directory: Path) -> list[Path]:
    """The release files in `directory`, by name."""
    return sorted({*directory.glob("*.yaml"), *directory.glob("*.yml")})


def read_release(path: Path, platform: PlatformSpec, projects: Mapping[str, ModelProjectSpec]) -> Release:
    """The release in a file, held to the rules of its project and platform. Raises `CaramlError` with file and line."""
    document = Document(path)
    release = parse(ReleaseSpec, document.data, locate=document.locate)
    with located(document.locate, document.data):
        with within("project"):
            project = find_project(release.project, projects)
        versions, endpoint = plan_release(release, platform, instance_types=project.instance_types)
    return Release(release, versions, endpoint, document)


def read_releases(
    directory: Path,
    platform: PlatformSpec,
    projects: Mapping[str, ModelProjectSpec],
    problems: list[CaramlError],
) -> list[Release]:
    """The releases that hold the rules; the problems of the others are put into `problems`."""
    taken: dict[str, Path] = {}
    releases: list[Release] = []
    for path in release_paths(directory):
        with collecting(problems):
            release = read_release(path, platform, projects)
            _names_are_free(path, release.spec, taken)
            _addresses_are_free(path, release, taken)
            releases.append(release)
    return releases


@contextmanager
def collecting(problems: list[CaramlError]) -> Iterator[None]:
    """Put the errors of what is done here into `problems`."""
    try:
        yield
    except CaramlError as error:
        problems += error.each


def _names_are_free(path: Path, release: ReleaseSpec, taken: dict[str, Path]) -> None:
    """Refuse a model that another file releases, or whose name is the full name of another model's version."""
    full_names = [names.full_name(release.model, version.version) for version in release.versions]
    for name in (release.model, *full_names):
        other = taken.setdefault(f"{name}.{release.project}", path)
        if other != path:
            raise CaramlError(
                f'"{name}" of project "{release.project}" is released by two files',
                where=f"{other} and {path}",
                fix="put all versions of a model into one file, and do not name a model after another's version",
            )


def _addresses_are_free(path: Path, release: Release, taken: dict[str, Path]) -> None:
    """Refuse a model or version at the address of another, as the platform's template of hosts may give them."""
    addresses = [plan.address for plan in release.versions]
    for address in (release.endpoint.address, *addresses) if release.endpoint else addresses:
        place = f"{address.host}{address.prefix}"
        other = taken.setdefault(f"//{place}", path)
        if other != path:
            raise CaramlError(
                f'two models are reached at "{place}"',
                where=f"{other} and {path}",
                fix="rename one of them, or tell projects apart in the platform's routing.hostTemplate",
            )
