"""Serves the components; Pulumi starts it and asks through its ResourceProvider protocol."""

import sys
from importlib.metadata import version

from pulumi.provider.server import main

from caraml_pulumi import (
    ArtifactBucket,
    AutoscalingPolicy,
    CustomModelVersion,
    ImageBuild,
    ModelArtifact,
    ModelEndpoint,
    ModelMonitoring,
    ModelProject,
)

from .host import Host

COMPONENTS = [
    ArtifactBucket,
    AutoscalingPolicy,
    CustomModelVersion,
    ImageBuild,
    ModelArtifact,
    ModelEndpoint,
    ModelMonitoring,
    ModelProject,
]


def host() -> Host:
    """The provider of all components, as the package `caraml` in the version of caraml-pulumi."""
    return Host(COMPONENTS, "caraml", version=version("caraml-pulumi"))


if __name__ == "__main__":
    main(host(), sys.argv[1:])
