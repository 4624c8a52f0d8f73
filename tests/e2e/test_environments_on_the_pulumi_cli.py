"""Environments that extend each other, where Pulumi's own CLI runs the program and the policy pack."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.platform import REPOSITORY

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
]

PROJECT = "name: shop\nruntime: {name: python, options: {toolchain: pip, virtualenv: .venv}}\nmain: stacks\n"
PROGRAM = """\
from pathlib import Path

from caraml_pulumi import deploy_environment

deploy_environment(Path(__file__).parent)
"""
STAGING = """\
config:
  caraml:platform:
    domain: staging.example.com
    labelPrefix: models.example.com/
    defaultQuota: {cpu: "8"}
    cluster: {context: prod}
  caraml:projects:
    iris-team: {team: a, stream: b, existing: true}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of components alone, which need no plugin; its prod extends staging."""
    (tmp_path / "Pulumi.yaml").write_text(PROJECT + "stackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/__main__.py").write_text(PROGRAM)
    (tmp_path / "stacks/Pulumi.staging.yaml").write_text(STAGING)
    (tmp_path / "stacks/Pulumi.prod.yaml").write_text("config:\n  caraml:extends: staging\n")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "backend").mkdir()
    contexts = [{"name": name, "context": {"cluster": name}} for name in ("dev", "prod")]
    clusters = [{"name": name, "cluster": {"server": f"https://{name}.example.com"}} for name in ("dev", "prod")]
    kubeconfig = {"current-context": "prod", "contexts": contexts, "clusters": clusters}
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    pulumi(tmp_path, "stack", "init", "prod")
    return tmp_path


def pulumi(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{directory}/backend",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PYTHONPATH": str(REPOSITORY),
        "KUBECONFIG": str(directory / "kubeconfig"),
        "PWD": str(directory),
        **variables,
    }
    command = ["pulumi", *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


def test_the_program_and_the_policy_pack_take_over_the_extended_file(project: Path) -> None:
    done = pulumi(project, "preview", "--stack", "prod", "--diff", "--policy-pack", str(REPOSITORY / "policies"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'models.example.com/environment : "prod"' in done.stdout
    assert 'cpu: "8"' in done.stdout


def test_the_cluster_of_another_environment_is_refused(project: Path) -> None:
    done = pulumi(project, "preview", "--stack", "prod", PULUMI_K8S_CONTEXT="dev")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert 'environment "prod" is deployed by the context "prod" alone, and the context is "dev"' in said
    assert "Traceback" not in said
