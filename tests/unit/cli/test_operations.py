import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from caraml_pulumi.errors import CHANGES, FAILED, INTERRUPTED, POLICY_VIOLATION, USAGE
from tests.unit.cli.program import SLOW, Program, Terminal


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_a_stack_is_previewed_deployed_changed_and_destroyed(program: Program) -> None:
    preview = program.run("preview")
    assert preview.returncode == 0, preview.stderr
    assert " +  └─ demo:Team  iris      create" in preview.stdout
    assert program.checkpoint() == ""
    assert program.run("up", "--yes").returncode == 0
    assert "demo:index:Team" in program.checkpoint()
    assert "No changes." in program.run("preview").stdout
    program.configure("2")
    up = program.run("up", "--yes")
    assert '~ size: "1" => "2"' in up.stdout
    assert program.run("destroy", "--yes").returncode == 0
    assert "demo:index:Team" not in program.checkpoint()


@pytest.mark.parametrize("command", ["up", "refresh", "destroy"])
def test_nothing_is_changed_where_nobody_can_answer_the_question(program: Program, command: str) -> None:
    done = program.run(command)
    assert done.returncode == USAGE
    assert f"caraml {command} --yes" in done.stderr
    assert program.checkpoint() == ""


def test_unexpected_changes_have_an_exit_code_of_their_own(program: Program) -> None:
    program.run("up", "--yes")
    assert program.run("preview", "--expect-no-changes").returncode == 0
    program.configure("2")
    before = program.checkpoint()
    for command in (["preview"], ["up", "--yes"]):
        done = program.run(*command, "--expect-no-changes")
        assert done.returncode == CHANGES
        assert "no changes were expected in demo/dev, but there are: 1 update" in done.stderr
    assert program.checkpoint() == before


@pytest.mark.parametrize("command", [["preview"], ["up", "--yes"]])
def test_json_is_one_document_and_nothing_else(program: Program, command: list[str]) -> None:
    done = program.run(*command, "--json")
    document = json.loads(done.stdout)
    assert document["changeSummary"] == {"create": 2}
    assert [step["op"] for step in document["steps"]] == ["create", "create"]
    assert document["outputs"] == {"size": "1"}


def test_a_program_that_fails_is_told_without_a_traceback_of_ours(program: Program) -> None:
    program.file.write_text('raise ValueError("no such model")\n')
    done = program.run("up", "--yes")
    assert done.returncode == 1
    assert "no such model" in done.stdout + done.stderr
    assert "caraml_pulumi" not in done.stdout + done.stderr
    assert program.checkpoint() == ""


def test_a_mandatory_policy_stops_up_before_anything_is_applied(program: Program) -> None:
    pack = program.policy_pack()
    program.configure("9")
    done = program.run("up", "--yes", "--policy-pack", str(pack))
    assert done.returncode == POLICY_VIOLATION, done.stdout + done.stderr
    assert "a team of nine is too large" in done.stdout
    assert "Updating" not in done.stdout
    assert program.checkpoint() == ""
    program.configure("1")
    assert program.run("up", "--yes", "--policy-pack", str(pack)).returncode == 0


def test_more_policy_configurations_than_packs_are_refused(program: Program) -> None:
    config = program.root / "config.json"
    config.write_text("{}")
    done = program.run("preview", "--policy-pack-config", str(config))
    assert done.returncode == USAGE
    assert "1 policy pack configurations for 0 policy packs" in done.stderr


def test_an_engine_that_is_not_installed_is_refused_by_name(program: Program) -> None:
    done = program.run("preview", "--engine", "pulumi", PATH="/nowhere")
    assert done.returncode == USAGE
    assert "the Pulumi CLI is not on PATH" in done.stderr


@pytest.mark.parametrize(("color", "escapes"), [("always", True), ("never", False), ("auto", False)])
def test_colour_in_a_pipe_is_only_there_when_asked_for(program: Program, color: str, escapes: bool) -> None:
    assert ("\x1b[" in program.run("preview", "--color", color).stdout) == escapes


def test_a_yes_applies_what_was_shown(program: Program) -> None:
    terminal = Terminal(program, "up")
    terminal.wait_for("Apply these changes to demo/dev?")
    assert program.checkpoint() == ""
    terminal.type("y\n")
    assert terminal.end() == 0
    assert "created" in terminal.text
    assert "demo:index:Team" in program.checkpoint()


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_anything_but_a_yes_changes_nothing(program: Program, answer: str) -> None:
    terminal = Terminal(program, "up")
    terminal.wait_for("Apply these changes to demo/dev?")
    terminal.type(answer)
    assert terminal.end() == 1
    assert "Nothing was changed." in terminal.text
    assert program.checkpoint() == ""


def test_ctrl_c_at_the_question_changes_nothing(program: Program) -> None:
    terminal = Terminal(program, "up")
    terminal.wait_for("Apply these changes to demo/dev?")
    os.kill(terminal.process.pid, signal.SIGINT)
    assert terminal.end() == INTERRUPTED
    assert "Traceback" not in terminal.text
    assert program.checkpoint() == ""


def test_details_show_every_property_and_ask_again(program: Program) -> None:
    terminal = Terminal(program, "up", NO_COLOR="1")
    terminal.wait_for("[d]etails")
    assert 'size: "1"' not in terminal.text.partition("Outputs:")[0]
    terminal.type("d\n")
    terminal.wait_for("demo:Team iris  create")
    terminal.wait_for('\r\n           size: "1"')
    terminal.type("n\n")
    assert terminal.end() == 1


def test_there_is_no_question_where_there_is_nothing_to_do(program: Program) -> None:
    program.run("up", "--yes")
    terminal = Terminal(program, "up")
    assert terminal.end() == 0
    assert "There is nothing to do." in terminal.text
    assert "Apply" not in terminal.text


def test_a_plain_terminal_can_be_asked_for(program: Program) -> None:
    terminal = Terminal(program, "preview", "--non-interactive", "--color", "never")
    assert terminal.end() == 0
    assert "\x1b" not in terminal.text
    refused = Terminal(program, "up", "--non-interactive")
    assert refused.end() == USAGE


def test_one_ctrl_c_finishes_what_is_in_progress_and_begins_nothing_more(tmp_path: Path) -> None:
    program = Program(tmp_path, SLOW.replace("SECONDS", "4"))
    process = program.start("up", "--yes", "--skip-preview")
    _wait_until_creating(program)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, text
    assert "stopping: waiting for 1 operation in progress (Ctrl-C again to stop at once)" in text
    assert re.search(r"first  created \(", text)
    assert "::first" in program.checkpoint()
    assert "::second" not in program.checkpoint()


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    program = Program(tmp_path, SLOW.replace("SECONDS", "60"))
    process = program.start("up", "--yes", "--skip-preview")
    _wait_until_creating(program)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED, text
    assert time.monotonic() - begun < 10
    assert "Traceback" not in text


def _wait_until_creating(program: Program) -> None:
    journal = program.state / ".pulumi/journals/demo/dev.jsonl"
    deadline = time.monotonic() + 30
    while not (journal.exists() and "::first" in journal.read_text()):
        assert time.monotonic() < deadline, "the update did not begin"
        time.sleep(0.05)


def test_what_policies_find_before_a_program_fails_is_told_as_well(program: Program) -> None:
    pack = program.policy_pack()
    program.configure("9")
    program.file.write_text(program.file.read_text() + 'raise ValueError("no such model")\n')
    done = program.run("preview", "--policy-pack", str(pack))
    assert "a team of nine is too large" in done.stdout
    assert "no such model" in done.stdout + done.stderr
    assert done.returncode != 0


def test_a_policy_pack_that_dies_during_a_preview_fails_it_with_one_message(program: Program) -> None:
    pack = program.policy_pack()
    main = pack / "__main__.py"
    main.write_text(
        main.read_text().replace(
            'if args.props.get("size") == "9":',
            "if args.name == 'iris':\n        import os; os._exit(3)\n    if False:",
        )
    )
    done = program.run("preview", "--policy-pack", str(pack))
    assert done.returncode == FAILED
    text = done.stdout + done.stderr
    assert text.count('policy pack "pack" ended while checking') == 1, text
    assert "Traceback" not in text
