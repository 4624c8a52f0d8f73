"""Serves the components; Pulumi starts it and asks through its ResourceProvider protocol."""

import sys
from importlib.metadata import version

import pulumi
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError, main

from caraml_pulumi import (
    ArtifactBucket,
    AutoscalingPolicy,
    CaramlError,
    CustomModelVersion,
    ImageBuild,
    ModelArtifact,
    ModelEndpoint,
    ModelMonitoring,
    ModelProject,
)


class Host(ComponentProvider):
    """The components, with broken rules reported as wrong inputs and not as failures of the host."""

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Construct a component. Raises `pulumi.InputPropertiesError` for inputs that break a rule."""
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, CaramlError):
                raise pulumi.InputPropertiesError(str(error.inner)) from None
            raise


if __name__ == "__main__":
    components = [
        ArtifactBucket,
        AutoscalingPolicy,
        CustomModelVersion,
        ImageBuild,
        ModelArtifact,
        ModelEndpoint,
        ModelMonitoring,
        ModelProject,
    ]
    main(Host(components, "caraml", version=version("caraml-pulumi")), sys.argv[1:])
