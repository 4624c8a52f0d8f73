"""In production, images are pinned by digest.

A tag can be pushed again, and what runs then changes at the next restart of a replica, without an update that anybody
has seen. A digest is the image: what was tested is what runs. The setting `immutableRepositories` names repositories
whose registry refuses to push a tag again, so that a tag is enough there, such as those that `ImageBuild` pushes to.

Judged are the images of a version and of its transformer; of a build, its executor and the images that build arguments
such as `BASE_IMAGE` name; and of everything that makes pods, all containers, init containers and image volumes. The
init container that brings a version's artifacts has the image that the platform says: `storageInitializer.image`.

    # refused
    image: ghcr.io/team/iris:1.4
    # passes
    image: ghcr.io/team/iris:1.4@sha256:0f3c…      # 64 digits
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from pulumi_policy import Severity

from caraml_pulumi.model.images import image_location, image_pinned_by_digest
from policies.images import pulled
from policies.rule import PRODUCTION, resource_rule


def _hold(reference: str, settings: Mapping[str, Any]) -> None:
    location = image_location(reference)
    if not any(fnmatchcase(location, pattern) for pattern in settings["immutableRepositories"]):
        image_pinned_by_digest(reference)


policy = resource_rule(
    "image-pinned-by-digest",
    "In production, images are pinned by digest.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("images", "supply-chain"),
    steps="Add the digest that the registry gave the pushed image: repository[:tag]@sha256:….",
    environments=PRODUCTION,
    settings={
        "immutableRepositories": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Repositories whose tags never move, by full name or pattern with *: ghcr.io/team/*.",
        }
    },
    judges=pulled(_hold),
)
