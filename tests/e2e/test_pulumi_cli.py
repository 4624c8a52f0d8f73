"""The Pulumi CLI and the embedded engine take turns on one stack."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.engine.state.cli_bucket import CliBucket
from caraml_pulumi.errors import CHANGES, INTERRUPTED, POLICY_VIOLATION, CaramlError
from tests.unit.cli.program import SLOW, TEAM, Program, Terminal

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
]

IMPORTED = """
import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, ResourceProvider


class Notes(ResourceProvider):
    def create(self, props):
        return CreateResult("made", props)

    def read(self, id, props):
        return ReadResult(id, props)


class Note(Resource):
    pass


Note(Notes(), "note", {"text": "hello"}, pulumi.ResourceOptions(import_="there"))
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return Program(tmp_path)


def test_the_cli_is_chosen_where_it_is_installed(program: Program) -> None:
    assert program.run("up", "--yes", "--engine", "auto").returncode == 0
    assert '"exec.kind": "auto.local"' in _history(program)


def test_what_the_cli_deployed_the_embedded_engine_finds_unchanged(program: Program) -> None:
    up = program.run("up", "--yes", "--engine", "pulumi")
    assert up.returncode == 0, up.stdout + up.stderr
    preview = program.run("preview", "--engine", "embedded", "--expect-no-changes")
    assert preview.returncode == 0, preview.stdout + preview.stderr


def test_what_the_embedded_engine_deployed_the_cli_finds_unchanged_and_can_change(program: Program) -> None:
    program.run("up", "--yes", "--engine", "embedded")
    preview = program.run("preview", "--engine", "pulumi", "--expect-no-changes")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    program.configure("2")
    assert program.run("preview", "--engine", "pulumi", "--expect-no-changes").returncode == CHANGES
    up = program.run("up", "--yes", "--engine", "pulumi")
    assert '~ size: "1" => "2"' in up.stdout
    assert "No changes." in program.run("refresh", "--yes", "--engine", "pulumi").stdout
    assert program.run("destroy", "--yes", "--engine", "pulumi").returncode == 0
    assert "demo:index:Team" not in program.checkpoint()


def test_both_engines_show_the_same(program: Program) -> None:
    def shown(engine: str) -> list[str]:
        text = program.run("preview", "--engine", engine).stdout
        return [line for line in text.splitlines() if not line.startswith("Duration:")]

    assert shown("pulumi") == shown("embedded")
    program.run("up", "--yes", "--engine", "embedded")
    program.configure("2")
    assert shown("pulumi") == shown("embedded")


def test_both_engines_print_the_same_json(program: Program) -> None:
    def essence(engine: str) -> object:
        document = json.loads(program.run("preview", "--json", "--engine", engine).stdout)
        return document["config"], document["changeSummary"], [(step["op"], step["urn"]) for step in document["steps"]]

    assert essence("pulumi") == essence("embedded")


def test_a_mandatory_policy_stops_the_cli_too(program: Program) -> None:
    program.configure("9")
    done = program.run("up", "--yes", "--engine", "pulumi", "--policy-pack", str(program.policy_pack()))
    assert done.returncode == POLICY_VIOLATION, done.stdout + done.stderr
    assert "a team of nine is too large" in done.stdout
    assert "demo:index:Team" not in program.checkpoint()


def test_a_wrong_passphrase_is_one_message(program: Program) -> None:
    program.run("up", "--yes", "--engine", "pulumi")
    done = program.run("preview", "--engine", "pulumi", PULUMI_CONFIG_PASSPHRASE="wrong")
    assert done.returncode == 1
    assert "incorrect passphrase" in done.stderr
    assert "Traceback" not in done.stderr
    assert "stdout:" not in done.stderr


def test_a_program_that_fails_is_one_message(program: Program) -> None:
    program.file.write_text('raise ValueError("no such model")\n')
    done = program.run("preview", "--engine", "pulumi")
    assert done.returncode == 1
    assert "no such model" in done.stdout
    assert "automation" not in done.stdout + done.stderr


def test_the_question_is_asked_as_well(program: Program) -> None:
    terminal = Terminal(program, "up", "--engine", "pulumi")
    terminal.wait_for("Apply these changes to demo/dev?")
    terminal.type("y\n")
    assert terminal.end() == 0
    assert "demo:index:Team" in program.checkpoint()


def test_dynamic_resources_go_both_ways(program: Program) -> None:
    program.file.write_text(SLOW.replace("SECONDS", "0"))
    assert program.run("up", "--yes", "--engine", "pulumi").returncode == 0
    for engine in ("embedded", "pulumi"):
        preview = program.run("preview", "--engine", engine, "--expect-no-changes")
        assert preview.returncode == 0, preview.stdout + preview.stderr
    program.file.write_text(SLOW.replace("SECONDS", "0.1"))
    assert program.run("up", "--yes", "--engine", "embedded").returncode == 0
    preview = program.run("preview", "--engine", "pulumi", "--expect-no-changes")
    assert preview.returncode == 0, preview.stdout + preview.stderr


def test_what_the_embedded_engine_imported_the_cli_finds_unchanged(program: Program) -> None:
    program.file.write_text(IMPORTED)
    up = program.run("up", "--yes", "--engine", "embedded")
    assert "= 1 imported" in up.stdout, up.stdout + up.stderr
    preview = program.run("preview", "--engine", "pulumi", "--expect-no-changes")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    program.file.write_text(IMPORTED.replace('import_="there"', ""))
    up = program.run("up", "--yes", "--engine", "pulumi", "--expect-no-changes")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "importID" not in program.checkpoint()


def test_one_ctrl_c_at_a_terminal_finishes_what_is_in_progress(program: Program) -> None:
    program.file.write_text(SLOW.replace("SECONDS", "6"))
    terminal = Terminal(program, "up", "--yes", "--skip-preview", "--engine", "pulumi")
    terminal.wait_for("1 in progress")
    os.killpg(terminal.process.pid, signal.SIGINT)
    terminal.wait_for("stopping: waiting for 1 operation")
    assert terminal.end() == INTERRUPTED, terminal.text
    assert "::first" in program.checkpoint()
    assert "::second" not in program.checkpoint()


def _history(program: Program) -> str:
    (entry,) = program.state.glob(".pulumi/history/demo/dev/*.history.json")
    return json.dumps(json.loads(entry.read_text()))


def test_a_backend_asked_through_the_cli_is_the_backend_read_from_its_files(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in program.environment().items():
        monkeypatch.setenv(name, value)
    program.run("up", "--yes", "--engine", "pulumi", "--message", "first")
    program.configure("2")
    program.run("up", "--yes", "--engine", "embedded", "--message", "second")
    asked, read = Backend(CliBucket(program.state.as_uri())), open_backend(program.state.as_uri())
    assert asked.list_stacks() == read.list_stacks("demo")
    assert asked.list_stacks("demo") == read.list_stacks("demo")
    assert _latest(asked) == _latest(read)
    assert asked.load("demo", "none") is None
    essence = [(one["version"], one["message"], one["startTime"], one["result"]) for one in read.history("demo", "dev")]
    assert essence == [
        (one["version"], one["message"], one["startTime"], one["result"]) for one in asked.history("demo", "dev")
    ]
    assert asked.recorded("demo", "dev", 2) == asked.load("demo", "dev") == asked.last_recorded("demo", "dev")
    with pytest.raises(CaramlError, match="what update 1 of demo/dev led to cannot be seen"):
        asked.recorded("demo", "dev", 1)


def test_what_pulumi_login_chose_is_what_caraml_uses(program: Program) -> None:
    state = program.root / "team"
    state.mkdir()
    login = {"PULUMI_BACKEND_URL": "", "PULUMI_HOME": str(program.root / "home/.pulumi")}
    subprocess.run(
        ["pulumi", "login", state.as_uri()], env=program.environment(**login), check=True, capture_output=True
    )
    for engine in ("embedded", "pulumi"):
        up = program.run("up", "--yes", "--engine", engine, **login)
        assert up.returncode == 0, up.stdout + up.stderr
    assert len(list(state.glob(".pulumi/history/demo/dev/*.history.json"))) == 2
    listed = json.loads(program.run("stack", "ls", "--json", **login).stdout)
    assert [stack["name"] for stack in listed] == ["dev"]


def _latest(backend: Backend) -> object:
    document = backend.load("demo", "dev")
    assert document is not None
    return document["checkpoint"]["latest"]


def test_only_an_update_makes_a_stack(program: Program) -> None:
    program.run("up", "--yes", "--stack", "other", "--engine", "embedded")
    for operation in ("refresh", "destroy"):
        done = program.run(operation, "--yes", "--stack", "dev", "--engine", "pulumi")
        assert done.returncode == 1
        assert "there is no stack 'dev' of the project 'demo'" in done.stderr
        assert program.checkpoint() == ""


def test_a_traceback_of_the_program_that_a_policy_ended_is_not_shown(program: Program) -> None:
    program.configure("9")
    program.file.write_text(
        TEAM + "\nimport time\nfor number in range(20):\n    Team(f'x{number}', '1')\ntime.sleep(3)\n"
    )
    done = program.run("preview", "--engine", "pulumi", "--policy-pack", str(program.policy_pack()))
    assert done.returncode == POLICY_VIOLATION
    assert "Traceback" not in done.stdout + done.stderr
    assert "mandatory small-teams  sizes v0.0.1" in done.stdout


def test_commands_read_a_backend_that_only_the_cli_reaches_and_refuse_to_write_there(program: Program) -> None:
    real = shutil.which("pulumi")
    wrapper = program.root / "bin/pulumi"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nPULUMI_BACKEND_URL={program.state.as_uri()} exec {real} "$@"\n')
    wrapper.chmod(0o755)
    team = {"PULUMI_BACKEND_URL": "gs://team", "CARAML_ENGINE": "auto"}
    team["PATH"] = f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}"
    up = program.run("up", "--yes", "--message", "first", **team)
    assert up.returncode == 0, up.stdout + up.stderr
    assert program.run("stack", "output", "size", **team).stdout == "1\n"
    assert "first" in program.run("history", **team).stdout
    preview = program.run("preview", "--engine", "embedded", "--expect-no-changes", **team)
    assert preview.returncode == 0, preview.stdout + preview.stderr
    for refused in (["up", "--yes", "--engine", "embedded"], ["stack", "rm", "--yes"], ["cancel", "--yes"]):
        done = program.run(*refused, **team)
        assert done.returncode == 1
        assert "only the Pulumi CLI locks and writes to" in done.stderr
    assert "demo:index:Team" in program.checkpoint()


@pytest.mark.parametrize("signals", [1, 2])
def test_a_signal_to_caraml_alone_ends_the_cli_in_order_and_a_second_one_at_once(
    program: Program, signals: int
) -> None:
    program.file.write_text(SLOW.replace("SECONDS", "8"))
    terminal = Terminal(program, "up", "--yes", "--skip-preview", "--engine", "pulumi")
    terminal.wait_for("1 in progress", 60)
    for _ in range(signals):
        terminal.process.send_signal(signal.SIGTERM)
        terminal.wait_for("stopping: waiting for 1 operation")
    assert terminal.end(60) == INTERRUPTED, terminal.text
    assert "::first" in program.checkpoint()
    assert ('"type":"creating"' in program.checkpoint()) == (signals == 2)
    assert "::second" not in program.checkpoint()
