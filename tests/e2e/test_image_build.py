"""An image is built in the cluster before the version that serves from it is deployed."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform

pytestmark = pytest.mark.e2e

PROGRAM = """
import pulumi
from caraml_pulumi import CustomModelVersion, ImageBuild, ModelProject
from pulumi_kubernetes.core.v1 import ConfigMap

project = ModelProject("{project}", team="data-science", stream="samples")
build = ImageBuild(
    "iris-image",
    model="iris",
    version=1,
    project=project,
    registry="registry.local/caraml",
    context="git://registry.local/team/iris.git#refs/heads/main",
    build_args={{"BASE_IMAGE": "python:3.11"}},
    docker_config=pulumi.Output.secret('{{"auths": {{"registry.local": {{"auth": "aHVudGVyMg=="}}}}}}'),
    retries=0,
)
version = CustomModelVersion("iris-1", model="iris", version=1, project=project, image=build.image)
pulumi.export("image", build.image)
pulumi.export("url", version.url)
"""


@pytest.fixture
def platform(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    made = Platform(tmp_path, cluster.kubeconfig, f"build-{uuid.uuid4().hex[:8]}")
    program(made).write_text(PROGRAM.format(project=made.project))
    yield made
    cluster.leave(made.project)


def program(platform: Platform) -> Path:
    return platform.directory / "stacks/__main__.py"


def change(platform: Platform, old: str, new: str) -> None:
    text = program(platform).read_text()
    assert text.count(old) == 1
    program(platform).write_text(text.replace(old, new))


def jobs(cluster: LocalCluster, platform: Platform) -> list[Any]:
    items: list[Any] = cluster.client.request("GET", f"/apis/batch/v1/namespaces/{platform.project}/jobs")["items"]
    return items


def services(cluster: LocalCluster, platform: Platform) -> list[Any]:
    path = f"/apis/serving.knative.dev/v1/namespaces/{platform.project}/services"
    items: list[Any] = cluster.client.request("GET", path)["items"]
    return items


def image_of(service: Any) -> str:
    return str(service["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_version_waits_for_its_image_and_a_changed_build_is_rolled_out(
    cluster: LocalCluster, platform: Platform
) -> None:
    previewed = platform.must("preview", "--stack", "dev")
    platform.up()
    (job,), (service,) = jobs(cluster, platform), services(cluster, platform)
    image = image_of(service)
    assert image.startswith(f"registry.local/caraml/{platform.project}-iris:1-")
    assert image in previewed.text
    assert job["status"]["succeeded"] == 1
    assert job["status"]["completionTime"] <= service["metadata"]["creationTimestamp"]
    assert platform.changes() == {}

    # The id of a resource that is yet to be made is unknown at preview, and the image with it.
    change(
        platform,
        '"python:3.11"',
        'pulumi.Output.concat(ConfigMap("base", metadata={"namespace": project.namespace}).id, ":1")',
    )
    platform.up()
    (rebuilt,), (rolled_out,) = jobs(cluster, platform), services(cluster, platform)
    assert rebuilt["metadata"]["name"] != job["metadata"]["name"]
    assert image_of(rolled_out) not in ("", image)
    assert platform.changes() == {}
    assert rolled_out["metadata"]["uid"] == service["metadata"]["uid"]
    assert "aHVudGVyMg" not in str([platform.resources(), rebuilt])


def test_a_build_that_fails_says_so_leaves_what_is_served_alone_and_is_tried_again(
    cluster: LocalCluster, platform: Platform
) -> None:
    platform.must("up", "--stack", "dev", "--yes")
    (service,), (built,) = services(cluster, platform), jobs(cluster, platform)
    seen = {built["metadata"]["uid"]}
    nowhere = ', timeout_seconds=2, node_selector={"disk": "none"}'
    change(platform, "retries=0", f"retries=0{nowhere}")

    def fails() -> None:
        result = platform.caraml("up", "--stack", "dev", "--yes")
        (job,) = [item for item in jobs(cluster, platform) if item["metadata"]["uid"] not in seen]
        seen.add(job["metadata"]["uid"])
        assert result.code != 0
        assert job["metadata"]["name"] in result.text
        assert "DeadlineExceeded" in result.text
        assert image_of(services(cluster, platform)[0]) == image_of(service)

    fails()
    fails()
    change(platform, nowhere, "")
    platform.must("up", "--stack", "dev", "--yes")
    (rebuilt,) = jobs(cluster, platform)
    assert rebuilt["status"]["succeeded"] == 1
    assert image_of(services(cluster, platform)[0]) == image_of(service)
    assert platform.changes() == {}
