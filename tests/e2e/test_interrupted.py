"""Runs that are killed or stopped at any moment lose nothing, and the next run ends what they began."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from caraml_pulumi.engine.state.backend import Backend, open_backend
from tests.e2e.conftest import LocalCluster

pytestmark = pytest.mark.e2e

CARAML = Path(sys.executable).parent / "caraml"
CONFIG_MAPS = 40
PROGRAM = f"""
import pulumi

config = pulumi.Config()
namespace, value = config.require("namespace"), config.require("value")
labels = {{"app": "interrupted"}}


def deploy(name, api_version, kind, metadata, **body):
    group = api_version if "/" in api_version else f"core/{{api_version}}"
    metadata = {{"namespace": namespace, "labels": labels, **metadata}}
    body = {{"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}}
    pulumi.CustomResource(f"kubernetes:{{group}}:{{kind}}", name, body)


for number in range({CONFIG_MAPS}):
    named = {{"name": f"settings-{{number}}"}} if number % 2 else {{}}
    deploy(f"settings-{{number}}", "v1", "ConfigMap", named, data={{"value": value}})
containers = [{{"name": "web", "image": "registry.example/web:1"}}]
template = {{"metadata": {{"labels": labels}}, "spec": {{"containers": containers}}}}
spec = {{"replicas": 2, "selector": {{"matchLabels": labels}}, "template": template}}
deploy("web", "apps/v1", "Deployment", {{"name": "web", "annotations": {{"value": value}}}}, spec=spec)
pulumi.export("value", value)
"""


@dataclass
class Stack:
    """The program, in a namespace of the cluster."""

    directory: Path
    cluster: LocalCluster
    namespace: str
    backend_url: str

    @property
    def backend(self) -> Backend:
        return open_backend(self.backend_url)

    def config(self, value: str) -> "Stack":
        config = {"interrupted:namespace": self.namespace, "interrupted:value": value}
        (self.directory / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))
        return self

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "PULUMI_BACKEND_URL": self.backend_url,
            "PULUMI_CONFIG_PASSPHRASE": "test",
        }
        return subprocess.Popen(
            [str(CARAML), *arguments, "--stack", "dev", "--non-interactive", "--engine", "embedded"],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        return output

    def interrupted(self, sign: signal.Signals, after: int, *arguments: str) -> tuple[int, str]:
        """Start an operation, and send `sign` once its journal has `after` records."""
        process = self.start(*arguments)
        while process.poll() is None and self.journaled() < after:
            time.sleep(0.002)
        process.send_signal(sign)
        output, _ = process.communicate(timeout=300)
        return process.returncode, output

    def journaled(self) -> int:
        return len(self.backend.journal("interrupted", "dev").read())

    def resources(self) -> list[dict[str, Any]]:
        document = self.backend.load("interrupted", "dev")
        assert document
        latest = document["checkpoint"]["latest"]
        assert not latest.get("pending_operations")
        found: list[dict[str, Any]] = latest.get("resources", [])
        return [each for each in found if each["type"].startswith("kubernetes:")]

    def live(self) -> list[dict[str, Any]]:
        """What the program made in the cluster, and is not on its way out."""
        items = [
            item
            for kind in (f"/api/v1/namespaces/{self.namespace}/configmaps", self.deployments)
            for item in self.cluster.client.request("GET", f"{kind}?labelSelector=app%3Dinterrupted")["items"]
        ]
        return [item for item in items if "deletionTimestamp" not in item["metadata"]]

    @property
    def deployments(self) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/deployments"

    def assert_whole(self, value: str) -> None:
        """Every object is there once, as the program says and the state knows it, and nothing else is left to do."""
        live = self.live()
        assert len(live) == CONFIG_MAPS + 1
        assert {item["data"]["value"] for item in live if "data" in item} == {value}
        known = {each["id"] for each in self.resources()}
        assert known == {f"{self.namespace}/{item['metadata']['name']}" for item in live}
        assert len(self.resources()) == CONFIG_MAPS + 1
        assert self.journaled() == 0
        self.run("preview", "--expect-no-changes")


@pytest.fixture
def stack(tmp_path: Path, cluster: LocalCluster, namespace: str) -> Stack:
    (tmp_path / "Pulumi.yaml").write_text("name: interrupted\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    return Stack(tmp_path, cluster, namespace, f"file://{tmp_path}/backend").config("one")


UP = ("up", "--yes", "--skip-preview")
DESTROY = ("destroy", "--yes", "--skip-preview")


@pytest.mark.parametrize("after", [1, 2, 30, 61, 100, 3 * CONFIG_MAPS])
def test_a_creation_killed_at_any_moment_is_completed_by_the_next_up(stack: Stack, after: int) -> None:
    code, _ = stack.interrupted(signal.SIGKILL, after, *UP)
    assert code == -signal.SIGKILL
    stack.run(*UP)
    stack.assert_whole("one")
    stack.run(*DESTROY)
    assert stack.live() == []
    assert stack.resources() == []


def test_killed_again_and_again_it_still_loses_and_duplicates_nothing(stack: Stack) -> None:
    for after in (20, 30, 45, 65):
        stack.interrupted(signal.SIGKILL, after, *UP)
    stack.run(*UP)
    stack.assert_whole("one")


@pytest.mark.parametrize("after", [1, 50, 140])
def test_replacements_killed_at_any_moment_leave_one_object_each(stack: Stack, after: int) -> None:
    stack.run(*UP)
    code, _ = stack.config("two").interrupted(signal.SIGKILL, after, *UP)
    assert code == -signal.SIGKILL
    stack.run(*UP)
    stack.assert_whole("two")


@pytest.mark.parametrize("after", [1, 40])
def test_a_destruction_killed_at_any_moment_is_completed_by_the_next_one(stack: Stack, after: int) -> None:
    stack.run(*UP)
    code, _ = stack.interrupted(signal.SIGKILL, after, *DESTROY)
    assert code == -signal.SIGKILL
    stack.run(*DESTROY)
    assert stack.live() == []
    assert stack.resources() == []


def test_what_a_killed_run_created_is_deleted_by_a_destroy(stack: Stack) -> None:
    stack.interrupted(signal.SIGKILL, 50, *UP)
    assert stack.live() != []
    stack.run(*DESTROY)
    assert stack.live() == []


def test_the_lock_of_a_killed_run_does_not_block_and_is_spoken_of(stack: Stack) -> None:
    stack.interrupted(signal.SIGKILL, 30, *UP)
    assert list((stack.directory / "backend/.pulumi/locks").rglob("*.json")) != []
    output = stack.run(*UP)
    assert "lock" in output
    assert list((stack.directory / "backend/.pulumi/locks").rglob("*.json")) == []


def test_ctrl_c_ends_what_is_in_progress_records_it_and_exits_130(stack: Stack) -> None:
    code, output = stack.interrupted(signal.SIGINT, 6, *UP)
    assert code == 130
    assert "Traceback" not in output
    created = {f"{stack.namespace}/{item['metadata']['name']}" for item in stack.live()}
    assert 0 < len(created) < CONFIG_MAPS
    assert {each["id"] for each in stack.resources()} == created
    stack.run(*UP)
    stack.assert_whole("one")


def test_a_second_run_is_refused_while_the_first_one_holds_the_lock(stack: Stack) -> None:
    process = stack.start(*UP)
    while process.poll() is None and stack.journaled() < 1:
        time.sleep(0.002)
    process.send_signal(signal.SIGSTOP)
    second = stack.start(*UP)
    output, _ = second.communicate(timeout=60)
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=300)
    assert (second.returncode, process.returncode) == (4, 0)
    assert f"{process.pid}" in output
    stack.assert_whole("one")
