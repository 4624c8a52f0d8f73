import subprocess
import sys
from pathlib import Path

import pytest

from caraml_pulumi.cli import main as cli
from caraml_pulumi.errors import CaramlError, CaramlErrors
from tests.unit.cli.program import COMMAND

HEAVY = ("pulumi", "grpc", "rich", "boto3", "yaml", "pydantic", "ruamel", "cryptography", "urllib3")


def run(*arguments: str, before: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom caraml_pulumi.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    for command in ("preview", "up", "refresh", "destroy", "history", "stack", "config", "cluster", "version"):
        assert f"\n  {command} " in done.stdout
    assert done.stdout.endswith("loaded: []\n")


@pytest.mark.parametrize("command", ["preview", "up", "refresh", "destroy", "history", "stack", "config", "cluster"])
def test_every_command_that_is_listed_can_be_loaded(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0, done.stderr
    assert f"Usage: caraml {command}" in done.stdout


@pytest.mark.parametrize("command", ["status", "logs", "rollout"])
def test_the_help_of_a_command_about_models_ends_with_an_example_that_it_takes(command: str) -> None:
    [example] = [line for line in run(command, "--help").stdout.splitlines() if "Example: caraml" in line]
    arguments = example.partition("caraml ")[2].split()
    assert arguments[0] == command
    done = run(*arguments, "--cwd", "/")
    assert "there is no Pulumi project in '/'" in done.stderr


def test_a_mistyped_command_is_answered_with_the_right_one() -> None:
    done = run("previw")
    assert done.returncode == 2
    assert "Did you mean 'preview'" in done.stderr


def test_the_version_is_told() -> None:
    assert run("version").stdout == run("--version").stdout
    assert run("version").stdout.startswith("caraml ")


def test_completion_offers_the_commands_and_their_options() -> None:
    import os

    def complete(words: str, position: int) -> str:
        environment = {
            **os.environ,
            "_CARAML_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(position),
        }
        done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=60, check=False, env=environment)
        return done.stdout

    assert "preview" in complete("caraml pre", 1)
    assert "--expect-no-changes" in complete("caraml preview --exp", 2)


def test_a_failure_is_told_with_its_parts_and_its_exit_code(tmp_path: Path) -> None:
    done = run("preview", "-C", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no Pulumi project in ")
    assert "\n  fix:     " in done.stderr
    assert done.stdout == ""


def test_several_failures_are_each_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    cli.report(CaramlErrors([CaramlError("one", fix="this"), CaramlError("two")]))
    assert capsys.readouterr().err == "error: one\n  fix:     this\nerror: two\n"


@pytest.mark.parametrize(("variable", "colored"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_errors_are_red_only_where_colour_is_wanted(
    variable: str, colored: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, "1")
    cli.report(CaramlError("no"))
    assert ("\x1b[1;31merror:\x1b[0m no" in capsys.readouterr().err) == colored


def test_a_defect_is_one_line_and_a_file_with_the_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli._Commands.sources, "broken", ("tests.unit.cli.broken:app", "Fail."))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(SystemExit) as stop:
        cli.main(["broken"])
    assert stop.value.code == 70
    error = capsys.readouterr().err
    assert error.startswith("internal error: ZeroDivisionError: nobody expected this\n")
    assert "Traceback" not in error
    (log,) = tmp_path.glob("caraml/error-*.log")
    assert str(log) in error
    assert "Traceback" in log.read_text()


def test_a_defect_that_cannot_be_written_down_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_text("")
    monkeypatch.setitem(cli._Commands.sources, "broken", ("tests.unit.cli.broken:app", "Fail."))
    monkeypatch.setenv("XDG_STATE_HOME", str(occupied))
    with pytest.raises(SystemExit):
        cli.main(["broken"])
    error = capsys.readouterr().err
    assert "details: not written (" in error
    assert "Traceback" in error


def test_a_reader_that_goes_away_is_no_failure_to_talk_about() -> None:
    first = subprocess.Popen([*COMMAND, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert first.stdout is not None
    first.stdout.close()
    _, error = first.communicate(timeout=60)
    assert "Traceback" not in (error or "")
    assert "BrokenPipe" not in (error or "")
