"""Versions in programs of users' own: with values that only an update knows, artifacts, and objects that are there."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform
from tests.unit.model.builders import objects, version

pytestmark = pytest.mark.e2e

UNKNOWN_IMAGE = """
import pulumi
from caraml_pulumi import CustomModelVersion, ModelProject
from pulumi_kubernetes.core.v1 import ConfigMap

project = ModelProject("{project}", team="data-science", stream="samples")
build = ConfigMap("build", metadata={{"namespace": project.namespace}})
image = build.id.apply(lambda made: "registry.local/caraml/iris" + SEPARATOR + made.replace("/", "-"))
for number, mode in enumerate(["SERVERLESS", "RAW_DEPLOYMENT"], 1):
    CustomModelVersion(
        f"iris-{{number}}", model="iris", version=number, project=project, image=image, deployment_mode=mode
    )
pulumi.export("image", image)
"""
ARTIFACT = """
import pulumi
from caraml_pulumi import ArtifactBucket, CustomModelVersion, DeploymentMode, ModelArtifact, ModelProject

project = ModelProject("{project}", team="data-science", stream="samples")
lacking = ["encryption", "public_access_block", "lifecycle"]
bucket = ArtifactBucket("models", bucket="{project}", unsupported=lacking, force_destroy=True, retain_on_delete=False)
artifact = ModelArtifact("iris", model_dir="model", bucket=bucket)
CustomModelVersion(
    "iris-1",
    model="iris",
    version=1,
    project=project,
    image="registry.local/caraml/iris:1",
    storage_uri=artifact.uri,
    deployment_mode=DeploymentMode.RAW_DEPLOYMENT,
)
pulumi.export("uri", artifact.uri)
"""
ADOPTED = """
from caraml_pulumi import CustomModelVersion

CustomModelVersion(
    "iris-1",
    model="iris",
    version=1,
    project="{project}",
    image="registry.local/caraml/iris:2",
    deployment_mode="RAW_DEPLOYMENT",
    adopt=["Deployment", "Service", "HorizontalPodAutoscaler"],
)
"""


@pytest.fixture
def on(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    """A platform whose program the test writes."""
    platform = Platform(tmp_path, cluster.kubeconfig, f"program-{uuid.uuid4().hex[:8]}")
    yield platform
    if platform.resources():
        platform.must("destroy", "--stack", "dev", "--yes")


def write(platform: Platform, program: str) -> None:
    (platform.directory / "stacks/__main__.py").write_text(
        program.replace("{project}", platform.project).replace("{{", "{").replace("}}", "}")
    )


def get(cluster: LocalCluster, path: str) -> Any:
    return cluster.client.request("GET", path)


def test_an_image_that_only_the_update_knows_is_previewed_and_applied(cluster: LocalCluster, on: Platform) -> None:
    write(on, UNKNOWN_IMAGE.replace("SEPARATOR", '":"'))
    preview = on.must("preview", "--stack", "dev", "--policy-pack", "policies")
    assert "iris-1" in preview.out
    on.up()
    image = on.must("stack", "output", "image", "--stack", "dev").out.strip()
    deployment = get(cluster, f"/apis/apps/v1/namespaces/{on.project}/deployments/iris-2")
    service = get(cluster, f"/apis/serving.knative.dev/v1/namespaces/{on.project}/services/iris-1")
    for template in (deployment["spec"]["template"], service["spec"]["template"]):
        assert template["spec"]["containers"][0]["image"] == image
    assert on.changes() == {}


def test_an_image_that_turns_out_malformed_ends_the_update_with_one_message(on: Platform) -> None:
    write(on, UNKNOWN_IMAGE.replace("SEPARATOR", '":/"'))
    on.must("preview", "--stack", "dev")
    failed = on.caraml("up", "--stack", "dev", "--yes")
    assert failed.code == 1
    assert "has a malformed" in failed.text
    assert re.search(r'CustomModelVersion "iris-[12]": image', failed.text)


@pytest.mark.xdist_group("s3")
def test_a_version_gets_the_artifact_that_was_uploaded_before(
    cluster: LocalCluster, on: Platform, s3_environment: dict[str, str], s3_server: str
) -> None:
    (on.directory / "model").mkdir()
    (on.directory / "model/weights.bin").write_bytes(b"\0" * 1000)
    (on.directory / "stacks/model").symlink_to(on.directory / "model")
    write(on, ARTIFACT)
    on.variables |= s3_environment
    assert on.must("preview", "--stack", "dev").code == 0
    on.must("up", "--stack", "dev", "--yes")  # the local S3 server encrypts nothing
    uri = on.must("stack", "output", "uri", "--stack", "dev").out.strip()
    pod = get(cluster, f"/apis/apps/v1/namespaces/{on.project}/deployments/iris-1")["spec"]["template"]["spec"]
    assert pod["initContainers"][0]["args"] == [uri, "/mnt/models"]
    assert {"name": "STORAGE_URI", "value": uri} in pod["containers"][0]["env"]
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    assert boto3.client("s3").head_object(Bucket=bucket, Key=f"{prefix}/weights.bin")["ContentLength"] == 1000

    (on.directory / "model/weights.bin").write_bytes(b"\1" * 1000)
    changes = on.changes()
    assert "kubernetes:apps/v1:Deployment::iris-1" in changes["update"]


def test_objects_that_are_there_are_adopted_and_changed_in_place(
    cluster: LocalCluster, on: Platform, namespace: str
) -> None:
    on.project = namespace
    made = version(project=namespace, image="registry.local/caraml/iris:1", deploymentMode="RAW_DEPLOYMENT")
    existing = [item for item in objects(made) if item["kind"] != "VirtualService"]
    paths = []
    for manifest in existing:
        path = cluster.client.path(manifest["apiVersion"], manifest["kind"], namespace)
        cluster.client.request("POST", path, body=manifest)
        paths.append(f"{path}/{manifest['metadata']['name']}")
    uids = [get(cluster, path)["metadata"]["uid"] for path in paths]

    write(on, ADOPTED)
    assert len(on.changes()["import"]) == 3
    on.must("up", "--stack", "dev", "--yes")
    assert [get(cluster, path)["metadata"]["uid"] for path in paths] == uids
    container = get(cluster, paths[0])["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.local/caraml/iris:2"
    assert on.changes() == {}

    text = ADOPTED.replace('    adopt=["Deployment", "Service", "HorizontalPodAutoscaler"],\n', "")
    write(on, text)
    on.must("up", "--stack", "dev", "--yes")
    assert [get(cluster, path)["metadata"]["uid"] for path in paths] == uids
    assert on.changes() == {}


def test_an_image_that_may_change_under_a_running_model_is_warned_of_in_the_preview(on: Platform) -> None:
    write(on, UNKNOWN_IMAGE.replace("image=image", 'image="iris:latest"').replace("SEPARATOR", '":"'))
    preview = on.must("preview", "--stack", "dev")
    assert 'warning: image "iris:latest" has the tag "latest": what runs can change without an update' in preview.text
    assert 'image "iris:latest" names no registry' in preview.text
