"""As many model versions as `count` says, two of each model, the second one on a Deployment of its own."""

import pulumi

from caraml_pulumi import CustomModelVersion, DeploymentMode

config = pulumi.Config()
project = config.require("namespace")
modes = [DeploymentMode.SERVERLESS, DeploymentMode.RAW_DEPLOYMENT]
for number in range(config.require_int("count")):
    model, version = f"model-{number // 2:03}", number % 2 + 1
    CustomModelVersion(
        f"{model}-{version}",
        model=model,
        version=version,
        project=project,
        image="registry.local/caraml/example:1.0",
        deployment_mode=modes[number % 2],
        team="bench",
        stream="bench",
    )
