"""No image is named by a tag that moves: `latest`, or none, which means the same.

Two replicas of a version that started at different times would run different code, and nobody could say which. An image
with a digest passes whatever its tag. The setting `movingTags` names the tags that move.

Judged are the images of a version and of its transformer; of a build, its executor and the images that build arguments
such as `BASE_IMAGE` name; and of everything that makes pods, all containers, init containers and image volumes.

    # refused
    image: ghcr.io/team/iris
    image: ghcr.io/team/iris:latest
    # passes
    image: ghcr.io/team/iris:1.4
"""

from collections.abc import Mapping
from typing import Any

from pulumi_policy import Severity

from caraml_pulumi.model.images import MOVING_TAG, image_tag_not_moving
from policies.images import pulled
from policies.rule import resource_rule


def _hold(reference: str, settings: Mapping[str, Any]) -> None:
    image_tag_not_moving(reference, settings["movingTags"])


policy = resource_rule(
    "image-tag-not-latest",
    "No image is named by a tag that moves, such as latest.",
    doc=__doc__,
    severity=Severity.MEDIUM,
    tags=("images", "supply-chain"),
    steps="Name the tag of one version, or add the digest.",
    settings={
        "movingTags": {
            "type": "array",
            "items": {"type": "string"},
            "default": [MOVING_TAG],
            "description": "The tags that move. An image without a tag has the tag latest.",
        }
    },
    judges=pulled(_hold),
)
