"""How far a dynamic provider is stands on its resource's row, whichever engine runs the program."""

import shutil
from pathlib import Path

import pytest

from tests.unit.cli.program import Program, Terminal

UPLOAD = """
import time

import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class Upload(ResourceProvider):
    def create(self, props):
        from caraml_pulumi.live_status import live_status

        status = live_status()
        for part in range(40):
            status(f"part {part} of 40")
            time.sleep(0.1)
        return CreateResult("done", props)


class Model(Resource):
    pass


Model(Upload(), "model", {})
"""


either_engine = pytest.mark.parametrize(
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


@either_engine
def test_it_stands_on_the_row_at_a_terminal_while_the_operation_lasts(tmp_path: Path, engine: str) -> None:
    terminal = Terminal(Program(tmp_path, UPLOAD), "up", "--yes", "--skip-preview", "--engine", engine)
    terminal.wait_for("of 40")
    terminal.wait_for("Resources:")
    assert terminal.end() == 0, terminal.text
    assert "of 40" not in terminal.text[terminal.text.rindex("Updating (demo/dev)") :]


@either_engine
def test_a_log_has_a_line_about_it_now_and_then_and_the_summary_has_none(tmp_path: Path, engine: str) -> None:
    done = Program(tmp_path, UPLOAD).run("up", "--yes", "--skip-preview", "--engine", engine)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if "of 40" in line]
    assert 1 <= len(lines) <= 2, done.stdout
    assert "dynamic:Resource model  creating (" in lines[0]
    assert "Diagnostics:" not in done.stdout
