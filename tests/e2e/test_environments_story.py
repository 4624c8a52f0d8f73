"""A release on its way: deployed in dev, promoted to staging and to prod, each an API server of its own, and back.

Policies are asked in each environment with its own profile.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from caraml_pulumi.cli.steps import Steps
from caraml_pulumi.cluster import lifecycle, manifests
from caraml_pulumi.cluster.parts import CRDS
from caraml_pulumi.cluster.state import Cluster
from caraml_pulumi.errors import POLICY_VIOLATION, UNHEALTHY
from caraml_pulumi.kube import MERGE_PATCH
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.model.states import Phase
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import CARAML, Commands, Result
from tests.e2e.played_node import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("environments")]

STACKS = ("dev", "staging", "prod")
PROJECT = "iris-team"
KINDS = {"VirtualService", "PodMonitor", "PrometheusRule"}
ACCOUNT = "iris"
"""What its pods run as, which the production profile of the policy pack asks for."""
PROGRAM = f"""
from pathlib import Path

import pulumi
from pulumi_kubernetes.core.v1 import ServiceAccount

from caraml_pulumi import deploy_environment

environment = deploy_environment(Path(__file__).parent)
for name, project in environment.projects.items():
    ServiceAccount(
        f"{{name}}-{ACCOUNT}",
        metadata={{"name": "{ACCOUNT}", "namespace": name}},
        opts=pulumi.ResourceOptions(depends_on=[project]),
    )
"""
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{PROJECT}/deployments"


def image(digit: str) -> str:
    """An image by its digest."""
    return f"registry.local/caraml/iris@sha256:{digit * 64}"


@dataclass
class Repository(Commands):
    """A platform's repository as `caraml init` writes it, and a kubeconfig with a context for each environment."""

    directory: Path
    kubeconfig: Path
    clients: dict[str, KubeClient]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory.parent),
            "KUBECONFIG": str(self.kubeconfig),
            "PULUMI_BACKEND_URL": f"file://{self.directory.parent}/backend",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "CARAML_ENGINE": "embedded",
        }

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.directory / file
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        path.write_text(text.replace(old, new))

    def policies(self, stack: str) -> list[str]:
        return ["--policy-pack", "policies", "--policy-pack-config", f"policies/profiles/{stack}.json"]

    def up(self, stack: str) -> Result:
        return self.must("up", "--stack", stack, *self.policies(stack), "--yes")

    def set_node_pool(self, stack: str, deployment: str, pool: str | None) -> None:
        """Let the pods of a Deployment ask for a node of a pool, of which there is none; None: for any node."""
        pod = {"spec": {"template": {"spec": {"nodeSelector": pool and {"pool": pool}}}}}
        self.clients[stack].request("PATCH", f"{DEPLOYMENTS}/{deployment}", body=pod, content_type=MERGE_PATCH)

    def is_well(self, stack: str) -> bool:
        versions = self.caraml("status", "--stack", stack, "--json").json()["versions"]
        return all(version["phase"] == Phase.DEPLOYED for version in versions)

    def promote(self, source: str, target: str, *arguments: str) -> Result:
        return self.must("promote", "iris", "--from", source, "--to", target, "--yes", *arguments)

    def images(self, stack: str) -> dict[str, str]:
        """The images that the environment's cluster runs, by Deployment."""
        items = self.clients[stack].request("GET", DEPLOYMENTS)["items"]
        return {item["metadata"]["name"]: item["spec"]["template"]["spec"]["containers"][0]["image"] for item in items}

    def history(self, stack: str) -> list[Any]:
        found: list[Any] = self.must("history", PROJECT + "/iris", "--stack", stack, "--json").json()
        return found


@contextlib.contextmanager
def own_cluster(name: str, home: Path) -> Iterator[Cluster]:
    """An API server with the kinds that the story needs, and no Knative."""
    cluster = Cluster.named(name, home)
    try:
        lifecycle.up(cluster, with_knative=False, report=Steps())
        client = KubeClient.from_kubeconfig(str(cluster.kubeconfig))
        kinds = [one for one in manifests.read(CRDS) if one["spec"].get("names", {}).get("kind") in KINDS]
        with contextlib.closing(client):
            manifests.create(client, kinds)
            manifests.wait_established(client, kinds)
        yield cluster
    finally:
        lifecycle.down(cluster, Steps())


@pytest.fixture(scope="module")
def repository(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    home = tmp_path_factory.mktemp("story")
    with own_cluster("staging", home / "clusters") as staging, own_cluster("prod", home / "clusters") as prod:
        kubeconfigs = {"dev": cluster.kubeconfig, "staging": staging.kubeconfig, "prod": prod.kubeconfig}
        merged = home / "kubeconfig"
        merged.write_text(yaml.safe_dump(merged_kubeconfig(kubeconfigs)))
        clients = {name: KubeClient.from_kubeconfig(str(path)) for name, path in kubeconfigs.items()}
        directory = home / "platform"
        made = Repository(directory, merged, clients)
        subprocess.run(
            [CARAML, "init", str(directory), "--model", "iris", "--image", image("a"), "--yes"],
            check=True,
            env={**made.environment},
            cwd=home,
            capture_output=True,
        )
        (directory / "stacks/__main__.py").write_text(PROGRAM)
        for stack in kubeconfigs:
            made.must("config", "set", "kubernetes:context", stack, "--stack", stack)
        yield made
        cluster.leave(PROJECT)
        for client in clients.values():
            client.close()


def merged_kubeconfig(kubeconfigs: dict[str, Path]) -> dict[str, Any]:
    """One kubeconfig with the current context of each of several, by their names."""
    parts: dict[str, list[Any]] = {"clusters": [], "users": [], "contexts": []}
    for name, path in kubeconfigs.items():
        config = yaml.safe_load(path.read_text())
        current = next(one for one in config["contexts"] if one["name"] == config["current-context"])["context"]
        for kind, key in (("clusters", "cluster"), ("users", "user")):
            entry = next(one for one in config[kind] if one["name"] == current[key])
            parts[kind].append({**entry, "name": name})
        parts["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
    return {"apiVersion": "v1", "kind": "Config", **parts}


@pytest.fixture(scope="module")
def in_prod(repository: Repository) -> Repository:
    """Version 1 went from dev through staging to prod."""
    release = "stacks/releases/dev/iris.yaml"
    repository.edit(release, "deploymentMode: SERVERLESS", "deploymentMode: RAW_DEPLOYMENT")
    repository.edit(release, "metric: concurrency", "metric: cpu_utilization")
    repository.edit(release, "target: 2", f"target: 60\n    serviceAccountName: {ACCOUNT}")
    repository.must("validate")
    repository.up("dev")
    repository.promote("dev", "staging")
    repository.promote("staging", "prod")
    return repository


def test_the_same_bytes_run_everywhere_and_each_release_says_where_it_came_from(in_prod: Repository) -> None:
    assert {stack: in_prod.images(stack) for stack in STACKS} == {key: {"iris-1": image("a")} for key in STACKS}
    released = yaml.safe_load((in_prod.directory / "stacks/releases/prod/iris.yaml").read_text())
    assert released["promotedFrom"].items() >= {"environment": "staging", "update": 1}.items()
    [update] = in_prod.history("prod")
    assert "from staging" in update["message"]


def test_what_was_promoted_already_is_left_alone(in_prod: Repository) -> None:
    file = in_prod.directory / "stacks/releases/staging/iris.yaml"
    before = file.read_bytes()
    assert "already" in in_prod.promote("dev", "staging").text
    assert file.read_bytes() == before
    assert len(in_prod.history("staging")) == 1


def test_what_was_not_healthy_in_staging_is_refused_in_prod_and_rolled_back(in_prod: Repository) -> None:
    """Version 2 comes to prod by hand, past staging."""
    file = in_prod.directory / "stacks/releases/prod/iris.yaml"
    before = file.read_text()
    in_prod.must("add", "version", "iris", "--env", "prod", "--image", image("f"))
    refused = in_prod.caraml("up", "--stack", "prod", *in_prod.policies("prod"), "--yes")
    assert refused.code == POLICY_VIOLATION
    assert "digest-deployed-before" in refused.text
    assert in_prod.images("prod") == {"iris-1": image("a")}
    in_prod.must("rollback", "iris", "--stack", "prod", "--to", "latest", "--yes")
    assert yaml.safe_load(file.read_text()) == yaml.safe_load(before)


def test_a_second_version_reaches_prod_once_staging_is_well_and_prod_goes_back(in_prod: Repository) -> None:
    in_prod.must("add", "version", "iris", "--env", "dev", "--image", image("b"), "--weight", "50")
    in_prod.up("dev")
    in_prod.promote("dev", "staging")
    both = {"iris-1": image("a"), "iris-2": image("b")}
    assert in_prod.images("staging") == both

    in_prod.set_node_pool("staging", "iris-2", "gone")
    refused = in_prod.caraml("promote", "iris", "--from", "staging", "--to", "prod", "--yes")
    assert refused.code == UNHEALTHY
    assert "version 2 of iris-team/iris" in refused.err
    assert in_prod.images("prod") == {"iris-1": image("a")}

    in_prod.set_node_pool("staging", "iris-2", None)
    eventually(lambda: in_prod.is_well("staging"))
    in_prod.promote("staging", "prod")
    assert in_prod.images("prod") == both
    refused = in_prod.caraml("rollback", "iris", "--stack", "prod", "--to", "1", "--yes")
    assert refused.code == POLICY_VIOLATION, "a version that gets requests is not deleted"
    assert "--keep-versions" in refused.err
    in_prod.must("rollback", "iris", "--stack", "prod", "--to", "1", "--keep-versions", "--yes")
    assert in_prod.images("prod") == both, "its requests go back first"
    in_prod.must("rollback", "iris", "--stack", "prod", "--to", "1", "--yes")
    assert in_prod.images("prod") == {"iris-1": image("a")}

    told = [update["message"] for update in in_prod.history("prod")]
    assert told == [
        "rollback of iris-team/iris to update 1",
        "rollback of iris-team/iris to update 1",
        "promote iris-team/iris versions 1 and 2 from staging (update 2)",
        "promote iris-team/iris version 1 from staging (update 1)",
    ]
    changed = in_prod.must("history", "diff", "1", "2", "iris", "--stack", "prod").out
    assert f"+  image: {image('b')}" in changed
    assert "-    weight: 100" in changed


@pytest.mark.parametrize("seconds", [0.8, 1.6])
def test_a_promotion_killed_at_any_moment_is_completed_by_the_next(in_prod: Repository, seconds: float) -> None:
    """A new image in dev, on its way to staging."""
    new = image(str(int(seconds * 10) % 10))
    path = in_prod.directory / "stacks/releases/dev/iris.yaml"
    release = yaml.safe_load(path.read_text())
    path.write_text(path.read_text().replace(release["versions"][-1]["image"], new))
    in_prod.up("dev")
    process = in_prod.start("promote", "iris", "--from", "dev", "--to", "staging", "--yes")
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    process.kill()
    process.communicate()
    in_prod.promote("dev", "staging")
    assert in_prod.images("staging") == in_prod.images("dev")
    assert new in in_prod.images("staging").values()
    assert "nothing is to be done" in in_prod.promote("dev", "staging").text
