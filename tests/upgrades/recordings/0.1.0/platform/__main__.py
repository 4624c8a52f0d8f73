"""The platform's program: the projects of an environment, and the models that its release files name."""

from pathlib import Path

from caraml_pulumi import deploy_environment

deploy_environment(Path(__file__).parent)
