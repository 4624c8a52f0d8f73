"""Buckets and model files through `caraml up`, on the real S3 server."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from caraml_pulumi.artifacts.bucket import Bucket
from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.cluster import s3
from caraml_pulumi.cluster.ports import free_ports, is_open
from caraml_pulumi.cluster.state import Cluster, State
from tests.e2e.buckets import Stack, client, write_tree
from tests.e2e.conftest import LocalCluster

pytestmark = pytest.mark.e2e

FILES, SIZE = 300, 200_000
"""A tree of 57 MiB."""


@pytest.fixture
def stack(tmp_path: Path, shared: Cluster, s3_server: str) -> Iterator[Stack]:
    stack = Stack(tmp_path, s3.access_log(shared))
    write_tree(stack.model, 3, 1000)
    yield stack
    Bucket(Endpoint(), stack.bucket).delete(force=True)


def is_there(bucket: str) -> bool:
    try:
        client().head_bucket(Bucket=bucket)
    except ClientError:
        return False
    return True


def test_a_model_is_uploaded_once_and_as_the_plain_tree_that_it_is(stack: Stack) -> None:
    write_tree(stack.model, FILES, SIZE)
    stack.up()
    uri, digest = stack.outputs()["uri"], stack.outputs()["digest"]
    assert uri == f"s3://{stack.bucket}/team/iris/{digest}"
    root = uri.removeprefix(f"s3://{stack.bucket}/")
    local = {path.relative_to(stack.model).as_posix() for path in stack.model.rglob("*") if path.is_file()}
    assert {key.removeprefix(f"{root}/") for key in stack.objects(root)} == local

    requests = stack.requests()
    stack.run("preview", "--expect-no-changes")
    stack.run("up", "--yes", "--expect-no-changes")
    assert not requests.each()


def test_a_preview_shows_a_changed_model_and_one_changed_file_is_one_file_sent(stack: Stack) -> None:
    write_tree(stack.model, FILES, SIZE)
    stack.up()
    before = stack.outputs()["digest"]
    (stack.model / "layer-3" / "3.bin").write_bytes(b"trained on")
    (stack.model / "layer-4").rename(stack.model / "moved")
    requests = stack.requests()
    assert "digest" in stack.run("preview", "--diff")
    assert not requests.each()
    stack.up()
    counted = requests.counted()
    assert counted["CopyObject"] == FILES - 1
    assert counted["PutObject"] == 2, "the file and the manifest"
    assert stack.objects(f"team/iris/{before}/"), "versions deployed before may need it"


def test_a_killed_upload_is_continued(stack: Stack) -> None:
    write_tree(stack.model, FILES, SIZE)
    (stack.model / "large.bin").write_bytes(os.urandom(100 << 20))
    requests = stack.requests()
    process = stack.start("up", "--yes", "--skip-preview")
    while requests.counted()["PutObject"] < FILES // 4:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    time.sleep(1)  # what was under way ends
    killed = requests.counted()
    assert killed["PutObject"] < FILES
    assert not any("manifests" in key for key in stack.objects())

    stack.up()
    counted = requests.counted()
    assert counted["PutObject"] <= FILES + 1, "each file once, and the manifest"
    assert counted["UploadPart"] <= 7 + 1
    assert counted["CompleteMultipartUpload"] == 1
    assert len(stack.objects("team/iris/")) == FILES + 2
    stack.run("preview", "--expect-no-changes")


def test_buckets_and_files_stay_when_the_stack_is_destroyed(stack: Stack) -> None:
    stack.up()
    keys = stack.objects()
    stack.run("destroy", "--yes", "--skip-preview")
    assert stack.objects() == keys


def test_what_is_not_to_be_retained_is_removed(stack: Stack) -> None:
    stack.write(artifact='{"retain_on_delete": False}')
    stack.up()
    (stack.model / "more.bin").write_text("more")
    stack.up()
    client().put_object(Bucket=stack.bucket, Key="team/iris/notes.txt", Body=b"mine")
    stack.run("destroy", "--yes", "--skip-preview")
    assert stack.objects() == ["team/iris/notes.txt"]


def test_force_destroy_removes_the_bucket_with_all_versions(stack: Stack) -> None:
    stack.write(force_destroy=True)
    stack.up()
    for content in (b"one", b"two"):
        client().put_object(Bucket=stack.bucket, Key="notes.txt", Body=content)
    client().delete_object(Bucket=stack.bucket, Key="notes.txt")
    client().create_multipart_upload(Bucket=stack.bucket, Key="unfinished")
    stack.run("destroy", "--yes", "--skip-preview")
    assert not is_there(stack.bucket)


def test_a_bucket_that_is_not_empty_is_not_deleted_without_force(stack: Stack) -> None:
    stack.write(retain_on_delete=False)
    stack.up()
    said = stack.run("destroy", "--yes", "--skip-preview", code=1)
    assert "is not empty" in said
    assert "force_destroy" in said
    assert stack.objects()


def test_settings_change_in_place_and_drift_is_shown_and_mended(stack: Stack) -> None:
    stack.write(tags={"team": "fraud", "stage": "dev"})
    stack.up()
    client().put_bucket_tagging(
        Bucket=stack.bucket,
        Tagging={"TagSet": [{"Key": "owner", "Value": "finance"}, {"Key": "team", "Value": "wrong"}]},
    )
    client().put_bucket_versioning(Bucket=stack.bucket, VersioningConfiguration={"Status": "Suspended"})
    assert "versioning" in stack.run("refresh", "--yes", "--diff")
    stack.write(tags={"team": "fraud"})
    assert "replace" not in stack.up()
    tags = {tag["Key"]: tag["Value"] for tag in client().get_bucket_tagging(Bucket=stack.bucket)["TagSet"]}
    assert tags == {"owner": "finance", "team": "fraud"}
    assert client().get_bucket_versioning(Bucket=stack.bucket)["Status"] == "Enabled"
    stack.run("preview", "--expect-no-changes")


def test_a_file_that_is_lost_is_found_by_refresh_and_sent_again_alone(stack: Stack) -> None:
    stack.up()
    lost = next(key for key in stack.objects("team/iris/") if key.endswith("1.bin"))
    client().delete_object(Bucket=stack.bucket, Key=lost)
    stack.run("preview", "--expect-no-changes")
    stack.run("refresh", "--yes")
    requests = stack.requests()
    stack.up()
    assert lost in stack.objects()
    assert [key for operation, key, _ in requests.each() if operation == "PutObject" and key.endswith(".bin")] == [lost]


def test_a_bucket_that_exists_is_adopted_only_when_asked(stack: Stack) -> None:
    client().create_bucket(Bucket=stack.bucket)
    said = stack.up(code=1)
    assert "exists already" in said
    assert "adopt=True" in said
    stack.write(adopt=True)
    stack.up()
    assert client().get_bucket_versioning(Bucket=stack.bucket)["Status"] == "Enabled"


def test_an_endpoint_that_lacks_settings_is_one_message_and_leaves_no_bucket(stack: Stack) -> None:
    stack.write(unsupported=[])
    said = stack.up(code=1)
    assert "does not implement encryption, public_access_block, lifecycle" in said
    assert "unsupported=" in said
    assert not is_there(stack.bucket)


def test_a_bucket_that_another_resource_names_is_unknown_at_preview_and_used_by_up(stack: Stack) -> None:
    client().create_bucket(Bucket=stack.bucket)
    stack.program(f"""
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider
from caraml_pulumi import ModelArtifact


class Naming(ResourceProvider):
    def create(self, props):
        return CreateResult("named", {{"name": "{stack.bucket}"}})


class Named(Resource):
    name: pulumi.Output[str]


named = Named(Naming(), "named", {{"name": None}})
artifact = ModelArtifact("iris", model_dir="model", bucket=named.name)
pulumi.export("uri", artifact.uri)
pulumi.export("digest", artifact.digest)
""")
    stack.run("preview")
    stack.up()
    assert stack.objects("iris/")
    stack.run("preview", "--expect-no-changes")


def test_a_version_gets_the_artifact_that_its_stack_uploads(stack: Stack, cluster: LocalCluster) -> None:
    (stack.directory / "Pulumi.dev.yaml").write_text("config:\n  caraml:platform: {domain: models.example.com}\n")
    stack.program(f"""
from caraml_pulumi import ArtifactBucket, CustomModelVersion, DeploymentMode, ModelArtifact, ModelProject
import pulumi

bucket = ArtifactBucket("{stack.bucket}", unsupported=["encryption", "public_access_block", "lifecycle"])
artifact = ModelArtifact("iris", model_dir="model", bucket=bucket)
project = ModelProject("{stack.bucket}", team="fraud", stream="risk")
CustomModelVersion(
    "iris-1",
    model="iris",
    version=1,
    project=project,
    image="ghcr.io/team/iris:1",
    deployment_mode=DeploymentMode.RAW_DEPLOYMENT,
    storage_uri=artifact.uri,
)
pulumi.export("uri", artifact.uri)
""")

    def downloaded() -> str:
        path = f"/apis/apps/v1/namespaces/{stack.bucket}/deployments/iris-1"
        pod = cluster.client.request("GET", path)["spec"]["template"]["spec"]
        return str(pod["initContainers"][0]["args"][0])

    kubeconfig = str(cluster.kubeconfig)
    stack.up(KUBECONFIG=kubeconfig)
    first = downloaded()
    assert first == stack.outputs()["uri"]
    (stack.model / "more.bin").write_text("trained again")
    preview = stack.run("preview", "--diff", KUBECONFIG=kubeconfig)
    assert first in preview, "the version is shown to change with its model"
    stack.up(KUBECONFIG=kubeconfig)
    assert downloaded() == stack.outputs()["uri"] != first
    stack.run("destroy", "--yes", "--skip-preview", KUBECONFIG=kubeconfig)


def test_keys_are_in_no_file_of_the_state_and_in_no_output(stack: Stack) -> None:
    said = stack.up()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert os.environ[name] not in stack.state() + said
    assert stack.bucket in stack.state()


def test_missing_credentials_are_one_clear_message(stack: Stack) -> None:
    said = stack.up(code=1, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert said.count("there are no credentials for S3") == 1
    assert "AWS_ACCESS_KEY_ID" in said


def test_wrong_credentials_are_one_clear_message(stack: Stack) -> None:
    said = stack.up(code=1, AWS_SECRET_ACCESS_KEY="wrong-secret")
    assert said.count("refuses the credentials") == 1
    assert "wrong-secret" not in said


def test_an_endpoint_that_does_not_answer_is_one_clear_message(stack: Stack) -> None:
    said = stack.up(code=1, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert said.count("http://127.0.0.1:9 cannot be reached") == 1


def test_a_model_directory_that_is_missing_ends_the_preview_with_one_message(stack: Stack) -> None:
    stack.model.rename(stack.directory / "elsewhere")
    said = stack.run("preview", code=1)
    assert 'the model directory "model" does not exist' in said
    assert 'ModelArtifact "iris": model_dir' in said


def test_an_interrupt_ends_the_upload_and_the_next_up_continues(stack: Stack) -> None:
    write_tree(stack.model, FILES, SIZE)
    requests = stack.requests()
    process = stack.start("up", "--yes", "--skip-preview")
    while requests.counted()["PutObject"] < 20:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    stack.up()
    assert requests.counted()["PutObject"] <= FILES + 1 + 16


def test_credentials_that_may_not_write_are_one_clear_message(stack: Stack, shared: Cluster) -> None:
    stack.up()
    (stack.model / "more.bin").write_text("more")
    with s3_server_that_only_reads(shared) as endpoint:
        said = stack.up(code=1, AWS_ENDPOINT_URL=endpoint)
    assert said.count("S3 denies") == 1
    assert "s3:PutObject" in said or "s3:CopyObject" in said


@pytest.mark.pulumi_cli
@pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH")
def test_the_pulumi_cli_uploads_the_same_and_both_engines_agree(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (stack.directory / "program").mkdir()
    (stack.directory / "Pulumi.yaml").write_text("name: demo\nruntime: python\nmain: program\n")
    (stack.directory / "__main__.py").rename(stack.directory / "program" / "__main__.py")
    stack.model.rename(stack.directory / "program" / "model")
    stack.run("up", "--yes", CARAML_ENGINE="pulumi")
    stack.run("preview", "--expect-no-changes")
    (stack.directory / "program" / "model" / "more.bin").write_text("more")
    stack.run("up", "--yes")
    stack.run("preview", "--expect-no-changes", CARAML_ENGINE="pulumi")
    (stack.directory / "program" / "model" / "more.bin").write_text("still more")
    said = stack.run("up", "--yes", CARAML_ENGINE="pulumi", AWS_SECRET_ACCESS_KEY="wrong-secret", code=1)
    assert "S3 refuses the credentials" in said
    stack.run("up", "--yes", CARAML_ENGINE="pulumi")
    assert len({key.split("/")[2] for key in stack.objects("team/iris/") if ".manifests" not in key}) == 3
    stack.run("destroy", "--yes", "--skip-preview", CARAML_ENGINE="pulumi")
    assert stack.objects()


@contextmanager
def s3_server_that_only_reads(cluster: Cluster) -> Iterator[str]:
    """A second server over the same objects, with the same keys."""
    state = State.load(cluster)
    assert state is not None
    server = s3.server(cluster, state)
    port = free_ports(1)[0]
    command = [*server.command]
    command[command.index("--port") + 1] = f"127.0.0.1:{port}"
    process = subprocess.Popen(
        [*command[:1], "--readonly", *command[1:]], env=server.environment, stdout=subprocess.DEVNULL
    )
    try:
        while not is_open(port):
            assert process.poll() is None
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
