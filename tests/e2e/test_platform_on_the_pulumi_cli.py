"""The commands about models on the Pulumi CLI: the sample platform, its Kubernetes objects played by components.

The Kubernetes provider comes from where Pulumi publishes it, which tests do not reach; all else is as users have it.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from caraml_pulumi.errors import POLICY_VIOLATION
from tests.e2e.platform import Platform

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
]

PLAYED = '''
"""The platform's program, with components in place of Kubernetes objects: they need no plugin."""

from pathlib import Path

import pulumi

from caraml_pulumi import component


class Played(pulumi.ComponentResource):
    def __init__(self, name, manifest, parent):
        group = manifest["apiVersion"] if "/" in manifest["apiVersion"] else "core/" + manifest["apiVersion"]
        options = pulumi.ResourceOptions(parent=parent)
        super().__init__(f"kubernetes:{group}:{manifest['kind']}", name, manifest, options)
        self.register_outputs(manifest)


def played(name, manifest, *, parent, **_):
    return Played(name, manifest, parent)


component.kubernetes_object = played

from caraml_pulumi import deploy_environment

deploy_environment(Path(__file__).parent)
'''
PACK = ("--policy-pack", "policies", "--policy-pack-config", "policies/profiles/dev.json")


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    variables = {"CARAML_ENGINE": "auto", "PULUMI_HOME": f"{tmp_path}/.pulumi", "PULUMI_SKIP_UPDATE_CHECK": "true"}
    made = Platform(tmp_path, tmp_path / "none", "team-a", variables=variables)
    (tmp_path / "backend").mkdir()
    (tmp_path / "stacks/__main__.py").write_text(PLAYED)
    return made


def test_a_models_history_review_and_rollback_are_the_same_on_the_pulumi_cli(platform: Platform) -> None:
    platform.must("up", "--stack", "dev", *PACK, "--yes", "--message", "first")
    first = platform.release.read_text()
    platform.edit("iris:2.0", "iris:2.1")
    review = platform.must("review", "--stack", "dev", "--json", "-").json()
    assert review["verdict"] == "ready"
    assert "iris:2.1" in json.dumps(review["models"])
    platform.must("up", "--stack", "dev", *PACK, "--yes", "--message", "second")
    told = platform.must("history", "iris", "--stack", "dev", "--json").json()
    assert [(one["version"], one["message"]) for one in told] == [(2, "second"), (1, "first")]
    assert all(one["environment"]["exec.kind"] == "auto.local" for one in told)
    platform.must("preview", "--stack", "dev", "--engine", "embedded", "--expect-no-changes")
    platform.must("rollback", "iris", "--to", "1", "--stack", "dev", "--yes")
    assert platform.release.read_text() == first
    assert platform.must("history", "--stack", "dev", "--json").json()[0]["message"] == (
        "rollback of team-a/iris to update 1"
    )
    platform.must("preview", "--stack", "dev", "--expect-no-changes")
    platform.must("preview", "--stack", "dev", "--engine", "embedded", "--expect-no-changes")


def test_what_a_policy_or_a_rule_about_changes_forbids_is_not_done_on_the_pulumi_cli(platform: Platform) -> None:
    platform.must("up", "--stack", "dev", *PACK, "--yes")
    platform.edit("deploymentMode: RAW_DEPLOYMENT", "deploymentMode: SERVERLESS")
    changed = platform.caraml("up", "--stack", "dev", "--yes")
    assert changed.code == 1
    assert "RAW_DEPLOYMENT" in changed.err
    platform.edit("deploymentMode: SERVERLESS # a Deployment", "deploymentMode: RAW_DEPLOYMENT # a Deployment")
    platform.edit("registry.local/caraml/iris:2.0", "iris:latest")
    forbidden = platform.caraml(
        "up",
        "--stack",
        "dev",
        "--policy-pack",
        "policies",
        "--policy-pack-config",
        "policies/profiles/prod.json",
        "--yes",
    )
    assert forbidden.code == POLICY_VIOLATION, forbidden.text


def test_several_stacks_run_on_the_pulumi_cli(platform: Platform) -> None:
    up = platform.must("up", "--all", "--env", "dev", "--yes")
    assert "Stacks:    1 done" in up.out
    assert "Policies" in platform.must("preview", "--all", "--env", "dev", "--diff").out
