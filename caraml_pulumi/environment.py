"""An environment as its files declare it: the whole program of a platform.

deploy_environment(Path(__file__).parent)
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi

from caraml_pulumi.component import readable
from caraml_pulumi.model.modes import declared_status
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.spec import dotted
from caraml_pulumi.model_endpoint import ModelEndpoint
from caraml_pulumi.model_monitoring import ModelMonitoring
from caraml_pulumi.model_project import ModelProject
from caraml_pulumi.model_release import ModelRelease
from caraml_pulumi.model_version import CustomModelVersion
from caraml_pulumi.stack_files import PLATFORM_KEY, read_stack
from caraml_pulumi.target_cluster import is_on_its_cluster


@dataclass(frozen=True, slots=True)
class DeployedEnvironment:
    """The components of an environment, for what else its program registers beside them."""

    projects: dict[str, ModelProject] = field(default_factory=dict)
    """By their names."""
    versions: dict[tuple[str, str, int], CustomModelVersion] = field(default_factory=dict)
    """By project, model and version."""
    endpoints: dict[tuple[str, str], ModelEndpoint] = field(default_factory=dict)
    """By project and model."""


def deploy_environment(directory: Path) -> DeployedEnvironment:
    """Deploy the projects of the stack's configuration, and the models that the files under ``releases`` name.

    `directory` has the stack's ``Pulumi.{stack}.yaml`` and ``releases/{environment}``. The stack's outputs are the
    addresses and states of the models, by ``{project}/{model}``. Returns the components.

    Raises:
        InputError: a file breaks a rule; nothing was registered.
    """
    config = pulumi.Config("caraml")
    with readable():
        stack = read_stack(
            directory,
            pulumi.get_stack(),
            {f"caraml:{key}": config.get_object(key) for key in ("platform", "projects")},
        )
        is_on_its_cluster(stack.platform, lambda path: stack.configuration.locate((PLATFORM_KEY, *path)))
    for layer, secret in stack.configuration.secrets_left_out():
        pulumi.log.warn(f"the secret {dotted(secret)} of {layer.environment} is not taken over: set it in this stack")
    deployed = DeployedEnvironment()
    for name, project in stack.projects.items():
        deployed.projects[name] = ModelProject(name, **project.given(), platform=stack.platform)
    for release in stack.releases:
        pulumi.export(f"{release.project}/{release.model}", _deploy(release, deployed, stack.platform.environment))
    return deployed


def _deploy(release: ReleaseSpec, deployed: DeployedEnvironment, environment: str) -> dict[str, Any]:
    """Deploy the versions of a model and its endpoint, record the release, and say where they are."""
    owner, name = (release.project, release.model), f"{release.project}-{release.model}"
    versions = {
        version.version: CustomModelVersion(
            f"{name}-{version.version}",
            model=release.model,
            project=deployed.projects[release.project],
            **version.given(),
        )
        for version in release.versions
    }
    deployed.versions.update({(*owner, number): version for number, version in versions.items()})
    outputs: dict[str, Any] = {
        "versions": {
            str(number): {
                "url": version.url,
                "status": declared_status(routed=number in release.routed, stopped=version.spec.stopped).value,
            }
            for number, version in versions.items()
        }
    }
    components: list[pulumi.Resource] = [*versions.values()]
    if release.endpoint:
        endpoint = deployed.endpoints[owner] = ModelEndpoint(
            name, versions=list(versions.values()), **release.endpoint.props()
        )
        outputs["url"] = endpoint.url
        components.append(endpoint)
    if release.monitoring and release.watched:
        running = [version for version in versions.values() if not version.spec.stopped]
        ModelMonitoring(name, versions=running, **release.monitoring.props(), opts=_once_of_an_endpoint(name))
    ModelRelease(name, release, environment=environment, once=components)
    return outputs


def _once_of_an_endpoint(name: str) -> pulumi.ResourceOptions:
    """Lets monitoring stay what it is when the endpoint that it was part of is taken away."""
    endpoint = f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::caraml:index:ModelEndpoint::{name}"
    return pulumi.ResourceOptions(aliases=[pulumi.Alias(parent=endpoint)])
