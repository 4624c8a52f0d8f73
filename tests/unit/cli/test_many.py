"""`--all`: the stacks of one environment, of all projects under a directory."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.errors import CHANGES, FAILED, INTERRUPTED, LOCKED, USAGE
from tests.unit.cli.program import Terminal
from tests.unit.cli.projects import REFERRING, Projects

ALL = ("--all", "--env", "staging")


@pytest.fixture
def projects(tmp_path: Path) -> Projects:
    return Projects(tmp_path)


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_project_with_a_stack_of_the_environment_is_updated_and_their_outputs_are_shown(
    projects: Projects,
) -> None:
    projects.add("fraud")
    projects.add("iris", directory="models/iris")
    projects.add("search", stack="dev")
    projects.add("packaged", directory="models/.venv/lib/packaged")
    (projects.root / "env").mkdir()
    (projects.root / "env/pyvenv.cfg").write_text("")
    projects.add("installed", directory="env/installed")
    up = projects.run("up", "--yes", *ALL)
    assert up.returncode == 0, up.stdout + up.stderr
    assert "left out: search (no stack staging)" in up.stderr
    assert "url: http://fraud" in up.stdout
    assert "url: http://iris" in up.stdout
    assert "Stacks:    2 done" in up.stdout
    assert "packaged" not in up.stdout + up.stderr
    assert "installed" not in up.stdout + up.stderr
    assert all("::second" in projects.recorded(name) for name in ("fraud", "iris"))
    again = projects.run("up", "--yes", *ALL)
    assert "There is nothing to do." in again.stdout
    assert again.returncode == 0


def test_a_stack_that_fails_stops_no_other_and_its_log_is_shown(projects: Projects) -> None:
    projects.add("broken", 'raise ValueError("no such model")\n')
    projects.add("iris")
    up = projects.run("up", "--yes", *ALL)
    assert up.returncode == FAILED
    assert "=== broken/staging ===" in up.stdout
    assert "ValueError: no such model" in up.stdout
    assert "Stacks:    1 done, 1 failed" in up.stdout
    assert "1 of 2 stacks failed: broken/staging" in up.stderr
    assert "Traceback" not in up.stdout + up.stderr
    assert "::second" in projects.recorded("iris")


def test_a_project_that_cannot_be_read_stops_no_other_and_one_of_another_language_is_left_out(
    projects: Projects,
) -> None:
    projects.add("iris")
    (projects.add("malformed") / "Pulumi.yaml").write_text("name: [\n")
    (projects.add("web") / "Pulumi.yaml").write_text("name: web\nruntime: {name: nodejs}\n")
    up = projects.run("up", "--yes", *ALL)
    assert up.returncode == FAILED
    assert "left out: web (its runtime is nodejs)" in up.stderr
    assert "✗  malformed     failed  the file is not valid YAML" in up.stdout
    assert "Stacks:    1 done, 1 failed" in up.stdout
    assert "::second" in projects.recorded("iris")


def test_the_exit_code_is_the_worst(projects: Projects) -> None:
    projects.add("broken", 'raise ValueError("no such model")\n')
    projects.add("iris")
    projects.run("up", "--yes", *ALL)
    projects.lock("iris")
    projects.seconds("iris", "0.1")
    assert projects.run("up", "--yes", *ALL).returncode == LOCKED
    expected = projects.run("preview", "--expect-no-changes", *ALL)
    assert expected.returncode == CHANGES


def test_json_is_a_line_for_each_stack_and_one_for_all(projects: Projects) -> None:
    projects.add("broken", 'raise ValueError("no such model")\n')
    projects.add("iris")
    up = projects.run("up", "--yes", "--json", *ALL)
    broken, iris, summary = sorted(documents(up.stdout), key=lambda one: str(one.get("stack", "~")))
    assert (broken["stack"], broken["operation"], broken["result"]) == ("broken/staging", "preview", "failed")
    assert "no such model" in broken["error"]
    assert (iris["operation"], iris["result"], iris["exitCode"]) == ("up", "succeeded", 0)
    assert iris["changeSummary"] == {"create": 3}
    assert summary == {"summary": {"succeeded": 1, "failed": 1}, "exitCode": FAILED}


def test_what_another_stack_refers_to_goes_first_and_last_when_destroying(projects: Projects) -> None:
    projects.add("platform")
    assert projects.run("up", "--yes", "-C", "platform", "-s", "staging").returncode == 0
    projects.add("models", REFERRING)
    projects.seconds("platform", "1")
    up = projects.run("up", "--yes", *ALL)
    assert up.returncode == 0, up.stdout + up.stderr
    begun = up.stdout[up.stdout.index("Updating 2 stacks") :]
    assert begun.index("✓  platform/staging") < begun.index("models/staging  updating")
    assert "seen: http://platform" in up.stdout
    destroy = projects.run("destroy", "--yes", *ALL)
    begun = destroy.stdout[destroy.stdout.index("Destroying 2 stacks") :]
    assert begun.index("✓  models/staging") < begun.index("platform/staging  destroying")
    assert "Thing" not in projects.recorded("platform")


def test_a_stack_that_refers_to_one_that_failed_is_not_begun(projects: Projects) -> None:
    projects.add("platform")
    assert projects.run("up", "--yes", "-C", "platform", "-s", "staging").returncode == 0
    projects.add("models", REFERRING)
    projects.seconds("platform", "no number")
    up = projects.run("up", "--yes", *ALL)
    assert up.returncode == FAILED
    assert "models/staging  failed  not begun: it refers to platform/staging, which failed" in up.stdout
    assert not projects.recorded("models")


def test_one_question_names_all_stacks_and_no_changes_none(projects: Projects) -> None:
    projects.add("fraud")
    projects.add("iris")
    terminal = Terminal(projects, "up", *ALL)
    terminal.wait_for("Apply these changes to 2 stacks (fraud/staging, iris/staging)?")
    terminal.type("d\n")
    terminal.wait_for("Previewing update (iris/staging)")
    terminal.type("n\n")
    assert terminal.end() == FAILED
    assert "Nothing was changed." in terminal.text
    assert not projects.recorded("iris")


def test_a_stack_that_was_changed_since_its_preview_is_left_as_it_is(projects: Projects) -> None:
    projects.add("iris")
    terminal = Terminal(projects, "up", *ALL)
    terminal.wait_for("Apply these changes to iris/staging?")
    assert projects.run("up", "--yes", "-C", "iris", "-s", "staging").returncode == 0
    before = projects.recorded("iris")
    terminal.type("y\n")
    assert terminal.end() == FAILED
    assert "was changed by somebody else since its preview" in terminal.text
    assert projects.recorded("iris") == before


def test_ctrl_c_lets_each_stack_end_what_it_is_at_and_begins_no_other(projects: Projects) -> None:
    for name in ("fraud", "iris", "search"):
        projects.add(name)
        projects.seconds(name, "8")
    terminal = Terminal(projects, "up", "--yes", "--skip-preview", "--parallel", "2", *ALL)
    for name in ("fraud", "iris"):
        terminal.wait_for_match(rf"{name}/staging[^\n]*updating[^\n]*, first")
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.end() == INTERRUPTED, terminal.text
    for name in ("fraud", "iris"):
        assert "::first" in projects.recorded(name)
        assert "::second" not in projects.recorded(name)
    assert "not begun: stopped before" in terminal.text
    assert not projects.recorded("search")


def test_a_second_ctrl_c_ends_at_once(projects: Projects) -> None:
    projects.add("iris")
    projects.seconds("iris", "50")
    terminal = Terminal(projects, "up", "--yes", "--skip-preview", *ALL)
    terminal.wait_for("resources, first")
    began = time.monotonic()
    os.killpg(terminal.process.pid, signal.SIGINT)
    time.sleep(0.5)
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.end() == INTERRUPTED, terminal.text
    assert time.monotonic() - began < 20


def test_stacks_end_in_order_when_the_command_that_runs_them_is_killed(projects: Projects) -> None:
    projects.add("iris")
    projects.seconds("iris", "5")
    command = projects.start("up", "--yes", "--skip-preview", *ALL)
    journal = projects.root / "home/state/.pulumi/journals/iris/staging.jsonl"
    until(lambda: journal.exists() and "::first" in journal.read_text())
    command.kill()
    command.wait()
    until(lambda: "::first" in projects.recorded("iris") and not journal.exists())
    assert "::second" not in projects.recorded("iris")
    until(lambda: not list(projects.root.glob("home/state/.pulumi/locks/organization/iris/staging/*.json")))


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_policies_of_each_project_are_asked(projects: Projects) -> None:
    project = projects.add("iris")
    pack = projects.policy_pack()
    pack.rename(project / "policies")
    preview = projects.run("preview", *ALL)
    assert "Policies:  passed  sizes" in preview.stdout, preview.stdout + preview.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["up", "--all", "--yes"], "it is not said which stacks"),
        (["up", "--env", "staging"], "add --all, or name the one stack: --stack staging"),
        (["preview", "--all", "--env", "a", "--stack", "b"], "--env a and --stack b name different stacks"),
        (["up", "--all", "--env", "staging"], "nobody can answer here"),
        (["preview", "--all", "--env", "staging", "--render", "x"], "manifests are written of one stack at a time"),
        (["preview", "--all", "--env", "staging", "--target", "x"], "resources were selected, and all stacks"),
        (["status", "--all", "--env", "staging", "--watch"], "--watch is for one stack"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(projects: Projects, arguments: list[str], said: str) -> None:
    projects.add("iris")
    done = projects.run(*arguments)
    assert done.returncode == USAGE
    assert said in done.stderr


def test_projects_that_share_a_stack_or_have_none_are_refused_before_anything_is_done(projects: Projects) -> None:
    projects.add("iris")
    none = projects.run("preview", "--all", "--env", "prod")
    assert none.returncode == FAILED
    assert "caraml stack init prod -C DIRECTORY; there are: iris (no stack prod)" in none.stderr
    projects.add("iris", directory="copy")
    shared = projects.run("up", "--yes", *ALL)
    assert "two projects are named 'iris'" in shared.stderr
    assert not projects.recorded("iris")
