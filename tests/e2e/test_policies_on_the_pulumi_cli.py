"""The policy pack as the Pulumi CLI runs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
]

REPOSITORY = Path(__file__).parents[2]
PROGRAM = """
import pulumi


class Version(pulumi.ComponentResource):
    # Says that it is a version without going through the component, which would refuse.
    def __init__(self, number, mode, metric):
        who = {"model": "iris", "project": "iris-team", "environment": "dev", "version": number}
        props = {**who, "deploymentMode": mode, "autoscalingPolicy": {"metric": metric, "target": 5}}
        super().__init__("caraml:index:CustomModelVersion", f"iris-{number}", props)
        self.register_outputs(who)


for number, mode, metric in VERSIONS:
    Version(number, mode, metric)
"""


def preview(directory: Path, *versions: tuple[int, str, str]) -> subprocess.CompletedProcess[str]:
    shutil.copytree(REPOSITORY / "policies", directory / "policies")
    (directory / ".venv").symlink_to(sys.prefix)
    (directory / "state").mkdir()
    (directory / "Pulumi.yaml").write_text("name: shop\nruntime: {name: python, options: {virtualenv: .venv}}\n")
    (directory / "__main__.py").write_text(PROGRAM.replace("VERSIONS", repr(versions)))
    environment = os.environ | {
        "PULUMI_BACKEND_URL": f"file://{directory}/state",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    command = ["pulumi", "--non-interactive", "--cwd", str(directory)]
    subprocess.run([*command, "stack", "init", "dev"], env=environment, check=True, capture_output=True)
    return subprocess.run(
        [*command, "preview", "--policy-pack", str(directory / "policies")],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_stack_that_holds_the_rules_passes(tmp_path: Path) -> None:
    result = preview(tmp_path, (1, "SERVERLESS", "rps"), (2, "RAW_DEPLOYMENT", "cpu_utilization"))
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_third_version_and_a_wrong_metric_are_mandatory_violations(tmp_path: Path) -> None:
    result = preview(tmp_path, (1, "SERVERLESS", "rps"), (2, "SERVERLESS", "rps"), (3, "RAW_DEPLOYMENT", "rps"))
    assert result.returncode != 0
    assert "[mandatory]  at-most-two-deployed-versions-of-stack" in result.stdout
    assert "[mandatory]  autoscaling-metric-allowed-in-mode" in result.stdout
