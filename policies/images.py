"""The images that resources name: what a version, a build or a pod would pull or push."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import within
from policies.pods import PATCH_TYPES, POD_TYPES, Path, containers, pods
from policies.reading import MODEL_VERSION, at, broken
from policies.resource import Resource
from policies.rule import Judge
from policies.workloads import IMAGE_BUILD, workloads

HoldImage = Callable[[str, Mapping[str, Any]], None]
"""Refuses an image that breaks a rule with these settings."""


class NamedImage(NamedTuple):
    """An image, and where in its resource it is named."""

    path: Path
    reference: str


def pulled_images(resource: Resource) -> Iterator[NamedImage]:
    """The images that `resource`, of a type in `IMAGE_TYPES`, pulls; of a build, also those that it builds on."""
    return _READERS[resource.type](resource)


def pulled(hold: HoldImage) -> dict[str, Judge]:
    """Judges that hold each image that a resource pulls to a rule."""

    def judge(resource: Resource) -> Iterator[CaramlError]:
        for path, reference in pulled_images(resource):
            yield from broken(within(*path)(hold), reference, resource.settings)

    return dict.fromkeys(IMAGE_TYPES, judge)


def _of_version(version: Resource) -> Iterator[NamedImage]:
    for workload in workloads(version):
        if image := workload.props.get("image"):
            yield NamedImage((*workload.path, "image"), image)


def _of_build(build: Resource) -> Iterator[NamedImage]:
    """The image that builds, and those that the Dockerfile is told to build on: arguments that end in IMAGE."""
    if executor := build.props.get("executorImage"):
        yield NamedImage(("executorImage",), executor)
    arguments = at(build.props, "buildArgs")
    for name in arguments:
        if name.upper().endswith("IMAGE") and arguments[name]:
            yield NamedImage(("buildArgs", name), arguments[name])


def _of_pods(workload: Resource) -> Iterator[NamedImage]:
    """The images of all containers, and of volumes that are images."""
    found = pods(workload)
    for container in containers(found, init=True):
        if image := container.props.get("image"):
            yield NamedImage((*container.path, "image"), image)
    for index, volume in enumerate(at(found.spec, "volumes")):
        if reference := at(volume, "image", "reference"):
            yield NamedImage((*found.path, "spec", "volumes", index, "image", "reference"), reference)


_READERS: Final[Mapping[str, Callable[[Resource], Iterator[NamedImage]]]] = {
    MODEL_VERSION: _of_version,
    IMAGE_BUILD: _of_build,
    **dict.fromkeys((*POD_TYPES, *PATCH_TYPES), _of_pods),
}
IMAGE_TYPES: Final = tuple(_READERS)
"""All that names images."""
