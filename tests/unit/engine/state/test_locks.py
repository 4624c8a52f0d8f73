import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.engine.state.bucket import FileBucket
from caraml_pulumi.errors import LOCKED, CaramlError

DIRECTORY = ".pulumi/locks/organization/shop/dev"


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def backend(tmp_path: Path, notes: list[str]) -> Backend:
    return Backend(FileBucket(tmp_path), notes.append)


def _locks(root: Path) -> list[Path]:
    return list((root / DIRECTORY).glob("*"))


def _left(root: Path, **owner: Any) -> Path:
    """A lock that another run holds, or left behind."""
    owner = {
        "pid": os.getpid(),
        "username": "ana",
        "hostname": "elsewhere",
        "timestamp": "2026-11-22T04:00:00Z",
    } | owner
    path = root / DIRECTORY / "1.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(owner))
    return path


def test_the_lock_says_who_holds_it_and_is_gone_afterwards(backend: Backend, tmp_path: Path) -> None:
    with backend.lock("shop", "dev", "up"):
        (path,) = _locks(tmp_path)
        owner = json.loads(path.read_text())
        assert owner["pid"] == os.getpid()
        assert owner["hostname"] == socket.gethostname()
        assert owner["command"] == "up"
        assert {"username", "timestamp"} <= owner.keys()
    assert _locks(tmp_path) == []


def test_a_failed_run_gives_the_lock_back(backend: Backend, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), backend.lock("shop", "dev", "up"):
        raise RuntimeError
    assert _locks(tmp_path) == []


def test_a_second_run_is_refused_and_told_who_when_and_where(backend: Backend, tmp_path: Path) -> None:
    path = _left(tmp_path, pid=7)
    with pytest.raises(CaramlError) as caught, backend.lock("shop", "dev", "up"):
        pytest.fail("the lock was given twice")
    assert caught.value.exit_code == LOCKED
    for part in ("organization/shop/dev", "ana on elsewhere", "process 7", "2026-11-22 04:00:00 UTC", str(path)):
        assert part in str(caught.value)
    assert _locks(tmp_path) == [path]


def test_a_run_of_this_very_process_is_refused_too(backend: Backend) -> None:
    with backend.lock("shop", "dev", "up"), pytest.raises(CaramlError), backend.lock("shop", "dev", "destroy"):
        pytest.fail("the lock was given twice")


def test_other_stacks_are_not_locked(backend: Backend) -> None:
    with backend.lock("shop", "dev", "up"), backend.lock("shop", "prod", "up"), backend.lock("shop2", "dev", "up"):
        pass


def test_the_lock_of_a_killed_run_is_removed_and_said_so(backend: Backend, tmp_path: Path, notes: list[str]) -> None:
    code = (
        "import sys, time; from caraml_pulumi.engine.state.backend import open_backend\n"
        "with open_backend(sys.argv[1]).lock('shop', 'dev', 'up'): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, backend.url], stdout=subprocess.PIPE)
    assert holder.stdout
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(CaramlError, match=f"'up', .* process {holder.pid}"), backend.lock("shop", "dev", "up"):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with backend.lock("shop", "dev", "up"):
        assert len(_locks(tmp_path)) == 1
    assert len(notes) == 1
    assert f"process {holder.pid}" in notes[0]


def test_a_lock_file_that_cannot_be_read_is_respected(backend: Backend, tmp_path: Path) -> None:
    _left(tmp_path).write_text("{")
    with pytest.raises(CaramlError, match="an unknown user on an unknown host"), backend.lock("shop", "dev", "up"):
        pass


def test_the_lock_of_a_dead_process_of_the_pulumi_cli_is_removed(
    backend: Backend, tmp_path: Path, notes: list[str]
) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    _left(tmp_path, pid=gone.pid, hostname=socket.gethostname())
    with backend.lock("shop", "dev", "up"):
        assert "ana on" in notes[0]


def test_the_lock_of_a_living_process_of_the_pulumi_cli_is_respected(backend: Backend, tmp_path: Path) -> None:
    _left(tmp_path, hostname=socket.gethostname())
    with pytest.raises(CaramlError), backend.lock("shop", "dev", "up"):
        pass


HOLDER = """
import sys, time
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.errors import CaramlError

print("ready", flush=True)
sys.stdin.readline()
try:
    with open_backend(sys.argv[1]).lock("shop", "dev", "up") as held:
        print("held", flush=True)
        sys.stdin.readline()
        assert held()
except CaramlError as error:
    print("refused", error.exit_code, flush=True)
"""


def _at_once(url: str, count: int) -> list["subprocess.Popen[str]"]:
    """Processes that have tried to take the lock at the same time."""
    holders = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for _ in range(count)
    ]
    for holder in holders:
        assert holder.stdout
        assert holder.stdout.readline() == "ready\n"
    for holder in holders:
        assert holder.stdin
        holder.stdin.write("\n")
    return holders


def _said(holder: "subprocess.Popen[str]") -> str:
    assert holder.stdout
    return holder.stdout.readline()


def test_of_several_that_begin_at_once_exactly_one_gets_the_lock_also_from_a_killed_one(tmp_path: Path) -> None:
    url = f"file://{tmp_path}"
    for _ in range(3):
        holders = _at_once(url, 4)
        said = sorted(map(_said, holders))
        assert said == ["held\n", *[f"refused {LOCKED}\n"] * 3]
        for holder in holders:
            holder.kill()  # the lock stays
            holder.communicate()
    (last,) = _at_once(url, 1)
    assert _said(last) == "held\n"
    last.communicate("\n")
    assert last.returncode == 0
    assert open_backend(url).locks("shop", "dev") == []


def test_a_lock_that_somebody_removed_is_not_held_any_more_and_leaves_the_next_ones_alone(
    backend: Backend, notes: list[str]
) -> None:
    with backend.lock("shop", "dev", "up") as held:
        assert held()
        backend.unlock(backend.locks("shop", "dev"))
        assert not held()
        with backend.lock("shop", "dev", "destroy") as others:
            assert others()
            assert not held()
    assert len(notes) == 1
    assert "removed while 'up' was at work" in notes[0]


def test_a_lock_tells_whether_its_holder_is_at_work_here(backend: Backend, tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = {"ended": {"pid": gone.pid, "hostname": socket.gethostname()}, "elsewhere": {}, "unreadable": {}}
    for name, owner in left.items():
        _left(tmp_path, **owner).rename(tmp_path / DIRECTORY / f"{name}.json")
    (tmp_path / DIRECTORY / "unreadable.json").write_text("{")
    with suppress(CaramlError), backend.lock("shop", "dev", "up"):
        pytest.fail("the lock was given")
    assert {(Path(lock.key).stem, lock.ended, lock.at_work) for lock in backend.locks("shop", "dev")} == {
        ("ended", True, False),
        ("elsewhere", False, False),
        ("unreadable", False, False),
    }
    backend.unlock(backend.locks("shop", "dev"))
    with backend.lock("shop", "dev", "up"):
        assert [lock.at_work for lock in backend.locks("shop", "dev")] == [True]
