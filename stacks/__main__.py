"""The platform's program: the projects of an environment, and the models that its release files name."""

from pathlib import Path
from typing import Any

import pulumi

from caraml_pulumi import CustomModelVersion, ModelEndpoint, ModelProject
from caraml_pulumi.component import readable
from caraml_pulumi.model.modes import declared_status
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.stack_files import read_stack


def deploy(release: ReleaseSpec, project: ModelProject) -> dict[str, Any]:
    """Deploy the versions of a model and its endpoint, and say where they are."""
    versions = {
        version.version: CustomModelVersion(
            f"{release.project}-{release.model}-{version.version}",
            model=release.model,
            project=project,
            **version.given(),
        )
        for version in release.versions
    }
    deployed: dict[str, Any] = {
        "versions": {
            str(number): {
                "url": version.url,
                "status": declared_status(routed=number in release.routed, stopped=version.spec.stopped).value,
            }
            for number, version in versions.items()
        }
    }
    if release.endpoint:
        endpoint = ModelEndpoint(
            f"{release.project}-{release.model}", versions=list(versions.values()), **release.endpoint.props()
        )
        deployed["url"] = endpoint.url
    return deployed


config = pulumi.Config("caraml")
with readable():
    stack = read_stack(
        Path(__file__).parent,
        pulumi.get_stack(),
        {f"caraml:{key}": config.get_object(key) for key in ("platform", "projects")},
    )
projects = {
    name: ModelProject(name, **project.given(), platform=stack.platform) for name, project in stack.projects.items()
}
for release in stack.releases:
    pulumi.export(f"{release.project}/{release.model}", deploy(release, projects[release.project]))
