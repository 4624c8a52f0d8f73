"""`caraml operator`: objects that hold what the operator documents, and rights that suffice for an update."""

import base64
import contextlib
import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from caraml_pulumi.cluster.manifests import create, wait_established
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.errors import KubeError
from tests.e2e.conftest import LocalCluster
from tests.e2e.operator_crd import STACKS
from tests.e2e.platform import CARAML, Result

pytestmark = pytest.mark.e2e

BACKEND = "s3://shop-state"


@dataclass
class Repository:
    """A new repository whose Pulumi project and whose models' project have names of their own."""

    directory: Path
    name: str
    project: str

    def caraml(self, *arguments: str, **environment: str) -> Result:
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "CARAML_ENGINE": "embedded",
            **environment,
        }
        done = subprocess.run(
            [CARAML, *arguments],
            cwd=self.directory,
            env=variables | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        ran = self.caraml("operator", "--backend", BACKEND, "--json", *arguments)
        assert ran.code == 0, ran.text
        items: list[dict[str, Any]] = ran.json()["items"]
        return items


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    name, directory = f"shop{uuid.uuid4().hex[:8]}", tmp_path / "repository" / "platform"
    arguments = ["init", str(directory), "--name", name, "--project", f"{name}-team", "--environments", "dev,prod"]
    subprocess.run([CARAML, *arguments], check=True, capture_output=True, timeout=60)
    settings = directory / "stacks/Pulumi.dev.yaml"
    text = settings.read_text()
    settings.write_text(text.replace("      quota:", "      deployers: {users: [jane]}\n      quota:", 1))
    git = ["git", "-C", str(directory.parent)]
    subprocess.run([*git, "init", "-q", "-b", "trunk"], check=True)
    subprocess.run([*git, "remote", "add", "origin", "https://me:hunter2@git.example.com/shop.git"], check=True)
    return Repository(directory, name, f"{name}-team")


@pytest.fixture
def client(cluster: LocalCluster) -> KubeClient:
    create(cluster.client, [STACKS])
    wait_established(cluster.client, [STACKS])
    return cluster.client


@pytest.fixture
def applied(repository: Repository, client: KubeClient, namespace: str, cluster: LocalCluster) -> Iterator[str]:
    """The namespace, with the objects of both environments."""
    paths = [post(client, item) for item in repository.objects("--namespace", namespace, "--order", "dev,prod")]
    yield namespace
    for path in paths:
        with contextlib.suppress(KubeError):
            client.request("DELETE", path)
    cluster.leave(repository.project)


def post(client: KubeClient, item: dict[str, Any]) -> str:
    """Create an object; a field that its kind does not have is refused. Returns its path."""
    metadata = item["metadata"]
    path = client.path(item["apiVersion"], item["kind"], metadata.get("namespace"))
    client.request("POST", path, body=item, params={"fieldValidation": "Strict"})
    return f"{path}/{metadata['name']}"


def test_an_api_server_admits_the_stacks_and_refuses_what_the_operator_does_not_document(
    repository: Repository, client: KubeClient, applied: str
) -> None:
    path = client.path("pulumi.com/v1", "Stack", applied)
    stacks = {item["metadata"]["name"]: item["spec"] for item in client.request("GET", path)["items"]}
    dev, prod = stacks[f"{repository.name}-dev"], stacks[f"{repository.name}-prod"]
    assert dev["projectRepo"] == "https://git.example.com/shop.git"
    assert (dev["branch"], dev["repoDir"], dev["backend"]) == ("trunk", "platform", BACKEND)
    assert dev["stack"] == f"organization/{repository.name}/dev"
    assert dev["envRefs"]["PULUMI_CONFIG_PASSPHRASE"]["secret"] == {
        "name": f"{repository.name}-dev",
        "key": "passphrase",
    }
    assert "prerequisites" not in dev
    assert prod["prerequisites"] == [{"name": f"{repository.name}-dev"}]

    [*_, stack] = repository.objects("--namespace", applied, "--stack", "dev", "--kubeconfig-secret", "prod/config")
    stack["metadata"]["name"] = "elsewhere"
    client.request("DELETE", post(client, stack))
    stack["spec"]["workspaceTemplate"]["spec"]["podTemplate"]["spec"]["volume"] = []
    with pytest.raises(KubeError, match="unknown field"):
        post(client, stack)


def test_the_rights_of_the_service_account_suffice_for_updates(
    repository: Repository, client: KubeClient, applied: str, tmp_path: Path
) -> None:
    account = f"/api/v1/namespaces/{applied}/serviceaccounts/{repository.name}-dev"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    token = client.request("POST", f"{account}/token", body=request)["status"]["token"]
    authority = base64.b64encode(client.config.ca).decode()
    document = {
        "clusters": [
            {"name": "a", "cluster": {"server": client.config.server, "certificate-authority-data": authority}}
        ],
        "users": [{"name": "a", "user": {"token": token}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "a",
    }
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(document))
    variables = {"KUBECONFIG": str(kubeconfig), "PULUMI_CONFIG_PASSPHRASE": "test"}
    doctor = repository.caraml("doctor", "--stack", "dev", **variables)
    assert "FAIL" not in doctor.out, doctor.text
    for command in (["up"], ["up", "--refresh"], ["destroy"]):
        ran = repository.caraml(*command, "--stack", "dev", "--yes", **variables)
        assert ran.code == 0, ran.text


def test_what_is_needed_is_said_and_secrets_are_named_alone(repository: Repository) -> None:
    ran = repository.caraml("operator", "--backend", BACKEND, "--secret-env", "AWS_SECRET_ACCESS_KEY=state/key")
    assert ran.code == 0, ran.text
    assert "hunter2" not in ran.text
    assert "state/key (AWS_SECRET_ACCESS_KEY)" in ran.err
    documents = list(yaml.safe_load_all(ran.out))
    assert [one["kind"] for one in documents].count("Stack") == 2
    written = repository.caraml("operator", "--backend", BACKEND, "--output", "operator")
    assert written.out.split() == ["operator/dev.yaml", "operator/prod.yaml"]

    refused = repository.caraml("operator")
    assert (refused.code, "no pod reaches the state" in refused.err) == (2, True)
    open_secret = repository.caraml("operator", "--backend", "postgres://me:hunter2@db.example.com/state")
    assert (open_secret.code, "hunter2" in open_secret.text) == (2, False)
    mistaken = repository.caraml("operator", "--backend", BACKEND, "--passphrase-secret", "hunter2 hunter2")
    assert (mistaken.code, "hunter2" in mistaken.err) == (2, False)
    assert "dev, prod" in repository.caraml("operator", "--backend", BACKEND, "--order", "dev,live").err
