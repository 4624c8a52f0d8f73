"""The policy pack as the Pulumi CLI runs it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def preview(
    directory: Path, *versions: tuple[int, str, str], config: dict[str, Any] | str
) -> subprocess.CompletedProcess[str]:
    """`pulumi preview` of these versions; `config` is the pack's, or the name of a profile."""
    shutil.copytree(REPOSITORY / "policies", directory / "policies")
    (directory / ".venv").symlink_to(sys.prefix)
    (directory / "state").mkdir()
    (directory / "Pulumi.yaml").write_text("name: shop\nruntime: {name: python, options: {virtualenv: .venv}}\n")
    (directory / "__main__.py").write_text(PROGRAM.replace("VERSIONS", repr(versions)))
    profiles = directory / "policies" / "profiles"
    profile = profiles / (f"{config}.json" if isinstance(config, str) else "own.json")
    if not isinstance(config, str):
        profile.write_text(json.dumps(config))
    environment = os.environ | {
        "PULUMI_BACKEND_URL": f"file://{directory}/state",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    command = ["pulumi", "--non-interactive", "--cwd", str(directory)]
    subprocess.run([*command, "stack", "init", "dev"], env=environment, check=True, capture_output=True)
    return subprocess.run(
        [*command, "preview", "--policy-pack", str(directory / "policies"), "--policy-pack-config", str(profile)],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )


RIGHT = (1, "SERVERLESS", "rps")
WRONG = (3, "RAW_DEPLOYMENT", "rps")
RULE = "autoscaling-metric-allowed-in-mode"


def reported(result: subprocess.CompletedProcess[str]) -> set[tuple[str, str]]:
    """Level and name of each policy that was violated."""
    return set(re.findall(r"- \[(\w+)\](?: \[severity: \w+\])?  ([\w-]+)  \(", result.stdout))


def test_a_stack_that_holds_the_rules_passes(tmp_path: Path) -> None:
    result = preview(tmp_path, RIGHT, (2, "RAW_DEPLOYMENT", "cpu_utilization"), config="dev")
    assert result.returncode == 0, result.stdout + result.stderr
    assert reported(result) == set()


def test_a_third_version_and_a_wrong_metric_are_mandatory_violations(tmp_path: Path) -> None:
    result = preview(tmp_path, RIGHT, (2, "SERVERLESS", "rps"), WRONG, config="dev")
    assert result.returncode != 0
    assert reported(result) == {("mandatory", "at-most-two-deployed-versions-of-stack"), ("mandatory", RULE)}
    assert "RAW_DEPLOYMENT cannot scale on rps" in result.stdout
    assert "fix:     deploy as SERVERLESS, or scale on cpu_utilization" in result.stdout


def test_the_profile_of_production_is_taken_and_stricter(tmp_path: Path) -> None:
    result = preview(tmp_path, RIGHT, config="prod")
    assert result.returncode != 0
    assert ("mandatory", "labels-present") in reported(result)
    assert "missing labels: caraml.dev/team, caraml.dev/stream, caraml.dev/owner" in result.stdout


@pytest.mark.parametrize("level", ["advisory", "disabled"])
def test_what_is_not_mandatory_stops_nothing(tmp_path: Path, level: str) -> None:
    result = preview(tmp_path, WRONG, config={"all": "disabled", RULE: level})
    assert result.returncode == 0, result.stdout + result.stderr
    assert reported(result) == ({("advisory", RULE)} if level == "advisory" else set())


def test_an_exemption_holds_until_its_day_and_is_then_a_violation_itself(tmp_path: Path) -> None:
    for day, ended in (("2099-12-31", False), ("2020-12-31", True)):
        directory = tmp_path / day
        directory.mkdir()
        exemption = {"resource": "iris-3", "owner": "ann", "reason": "measured so", "expires": day}
        config = {"all": "disabled", RULE: {"enforcementLevel": "mandatory", "exemptions": [exemption]}}
        result = preview(directory, WRONG, config=config)
        assert (result.returncode != 0) == ended, result.stdout + result.stderr
        assert ('the exemption of "iris-3" ended on 2020-12-31 (owner: ann)' in result.stdout) == ended
