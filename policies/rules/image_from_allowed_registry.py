"""Images come from registries that the platform team has allowed.

An image that anybody can push is code that anybody can change. The setting `registries` names the registries that are
allowed, each with an optional path, which then covers what is below it; without any, all are. An image that names no
registry is pulled from docker.io, and from docker.io/library if its name has no slash (seed: Custom Model: the image
has to be one that the cluster can pull).

Judged are the images of a version and of its transformer; of a build, its executor, the images that build arguments
such as `BASE_IMAGE` name, and where it pushes to and keeps layers; and of everything that makes pods, all containers,
init containers and image volumes. The init container that brings a version's artifacts has the image that the platform
says: `storageInitializer.image`.

    registries: ["ghcr.io/team", "registry.example.com"]

    # refused
    image: python:3.12                  # is docker.io/library/python
    image: ghcr.io/teammate/iris:1
    # passes
    image: ghcr.io/team/iris:1
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.images import image_from_allowed_registry
from caraml_pulumi.model.spec import within
from policies.images import pulled
from policies.reading import broken
from policies.resource import Resource
from policies.rule import resource_rule
from policies.workloads import IMAGE_BUILD


def _hold(reference: str, settings: Mapping[str, Any]) -> None:
    image_from_allowed_registry(reference, settings["registries"])


_JUDGES = pulled(_hold)


def _of_build(build: Resource) -> Iterator[CaramlError]:
    yield from _JUDGES[IMAGE_BUILD](build)
    for name, suffix in (("registry", "/image"), ("cacheRepository", "")):
        if place := build.props.get(name):
            yield from broken(within(name)(_hold), f"{place}{suffix}", build.settings)


policy = resource_rule(
    "image-from-allowed-registry",
    "Images come from registries that the platform team has allowed.",
    doc=__doc__,
    severity=Severity.CRITICAL,
    tags=("images", "supply-chain"),
    steps="Push the image to an allowed registry and name it there, or have the registry allowed.",
    settings={
        "registries": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "The registries that are allowed, each with an optional path: ghcr.io/team. None: all.",
        }
    },
    judges={**_JUDGES, IMAGE_BUILD: _of_build},
)
