"""A running version keeps its deployment mode, whichever engine runs the program."""

import json
import shutil
from pathlib import Path

import pytest

from tests.unit.cli.program import Program

MODES = """
import pulumi


class Version(pulumi.ComponentResource):
    # Says that it is a version, without the objects that need a cluster.
    def __init__(self, mode, stopped):
        who = {"model": "iris", "project": "iris-team", "environment": "dev", "version": 2}
        props = {**who, "deploymentMode": mode, "stopped": stopped}
        super().__init__("caraml:index:CustomModelVersion", "iris-2", props)
        self.register_outputs(who)


mode, _, stopped = pulumi.Config().require("size").partition(" ")
Version(mode, stopped)
"""
REFUSAL = "changing deployment type of a running model is not allowed, please terminate it first"


def deployed(program: Program) -> tuple[str, str]:
    resources = json.loads(program.checkpoint())["checkpoint"]["latest"]["resources"]
    (version,) = [item for item in resources if item["type"] == "caraml:index:CustomModelVersion"]
    return version["inputs"]["deploymentMode"], version["inputs"]["stopped"]


@pytest.mark.parametrize(
    "engine",
    [
        "embedded",
        pytest.param(
            "pulumi",
            marks=[
                pytest.mark.pulumi_cli,
                pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
            ],
        ),
    ],
)
def test_another_mode_is_refused_until_the_version_is_stopped(tmp_path: Path, engine: str) -> None:
    program = Program(tmp_path, MODES)

    def caraml(*arguments: str) -> tuple[int, str]:
        done = program.run(*arguments, "--engine", engine)
        return done.returncode, done.stdout + done.stderr

    program.configure("SERVERLESS ")
    assert caraml("up", "--yes")[0] == 0
    program.configure("RAW_DEPLOYMENT ")
    for arguments in (["preview"], ["up", "--yes"], ["up", "--yes", "--skip-preview"]):
        code, text = caraml(*arguments)
        assert (code, text.count(REFUSAL)) == (1, 1), text
        assert "where:   iris-2: deploymentMode, SERVERLESS => RAW_DEPLOYMENT" in text
        assert deployed(program)[0] == "SERVERLESS"

    for size in ("SERVERLESS stopped", "RAW_DEPLOYMENT "):
        program.configure(size)
        code, text = caraml("up", "--yes")
        assert code == 0, text
    assert deployed(program)[0] == "RAW_DEPLOYMENT"
