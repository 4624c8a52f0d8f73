import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.cli import cancel
from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.errors import LOCKED, USAGE
from tests.unit.cli.program import Program, Terminal
from tests.unit.cli.stacks import Place

ELSEWHERE = {"pid": 7, "username": "ana", "hostname": "elsewhere", "timestamp": "2026-11-22T04:00:00Z"}


@pytest.fixture
def place(place: Place) -> Place:
    place.deploy(Snapshot())
    return place


def _locked(backend: Path, **owner: Any) -> Path:
    lock = backend / ".pulumi/locks/organization/shop/dev/9d1f.json"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps(ELSEWHERE | owner))
    return lock


def test_a_stack_that_nobody_is_at_work_on_is_left_as_it_is(place: Place) -> None:
    ran = place.run(cancel.app)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "", "no run holds a lock on the stack dev\n")


def test_a_stack_that_is_not_there_is_refused(place: Place) -> None:
    ran = place.run(cancel.app, "--stack", "prod")
    assert ran.error
    assert "no stack 'prod'" in ran.error.what
    assert ran.error.allowed == "dev"


def test_a_lock_whose_holder_cannot_be_seen_is_not_removed_without_a_yes(place: Place, tmp_path: Path) -> None:
    lock = _locked(tmp_path / "backend")
    ran = place.run(cancel.app)
    assert ran.error
    assert ran.error.exit_code == USAGE
    assert "caraml cancel --stack dev --yes" in ran.error.fix
    assert str(lock) in ran.error.where
    assert lock.exists()


def test_a_lock_is_removed_with_a_yes_and_its_holder_named(place: Place, tmp_path: Path) -> None:
    lock = _locked(tmp_path / "backend", command="up")
    ran = place.run(cancel.app, "--yes")
    assert ran.exit_code == 0
    assert "removed the lock of 'up', ana on elsewhere, process 7, since 2026-11-22 04:00:00 UTC" in ran.stderr
    assert not lock.exists()


def test_what_was_removed_is_printed_as_json(place: Place, tmp_path: Path) -> None:
    lock = _locked(tmp_path / "backend")
    assert place.run(cancel.app, "--yes", "--json").json == {
        "stack": "dev",
        "removed": [{"place": f"file://{lock}", **ELSEWHERE}],
    }


def test_a_lock_of_a_process_that_is_there_is_removed_by_force_only(place: Place, tmp_path: Path) -> None:
    lock = _locked(tmp_path / "backend", pid=os.getpid(), hostname=socket.gethostname())
    ran = place.run(cancel.app, "--yes")
    assert ran.error
    assert ran.error.exit_code == LOCKED
    assert f"kill -INT {os.getpid()}" in ran.error.fix
    assert lock.exists()
    assert place.run(cancel.app, "--yes", "--force").exit_code == 0
    assert not lock.exists()


def test_the_lock_of_a_run_that_was_killed_here_is_removed_without_a_question(place: Place, tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    lock = _locked(tmp_path / "backend", pid=gone.pid, hostname=socket.gethostname())
    assert place.run(cancel.app).exit_code == 0
    assert not lock.exists()


def test_an_update_that_was_interrupted_is_spoken_of(place: Place, tmp_path: Path) -> None:
    _locked(tmp_path / "backend")
    place.backend.journal("shop", "dev").append({"do": "end", "id": 1})
    assert "an update of it was interrupted" in place.run(cancel.app, "--yes").stderr


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_a_person_is_asked_and_told_what_is_at_stake(tmp_path: Path, answer: str, code: int) -> None:
    program = Program(tmp_path)
    assert program.run("stack", "init", "dev").returncode == 0
    lock = program.state / ".pulumi/locks/organization/demo/dev/9d1f.json"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps(ELSEWHERE))
    terminal = Terminal(program, "cancel")
    terminal.wait_for("Remove the lock on the stack dev? [y/N]")
    assert "locked by ana on elsewhere, process 7" in terminal.text
    assert "may be lost" in terminal.text
    terminal.type(f"{answer}\n")
    assert terminal.end() == code
    assert lock.exists() is (answer == "n")
