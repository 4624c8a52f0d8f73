import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from caraml_pulumi.cluster import process

SLEEP = [sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


def start(home: Path, name: str = "one", command: list[str] = SLEEP) -> process.Process:
    return process.start(home, name, command, {}, home / f"{name}.log")


def wait_for(text: str, log: Path) -> None:
    deadline = time.monotonic() + 10
    while text not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_started_process_is_found_by_its_cluster_and_by_no_other(tmp_path: Path) -> None:
    started = start(tmp_path)
    try:
        assert process.running(tmp_path) == {"one": started}
        assert process.running(tmp_path / "other") == {}
        assert process.is_alive(tmp_path, started)
    finally:
        process.stop(tmp_path, started, 0)


def test_a_process_is_recognised_from_its_first_instant(tmp_path: Path) -> None:
    for number in range(20):
        started = start(tmp_path, f"p{number}", ["/bin/sleep", "60"])
        assert process.is_alive(tmp_path, started)
        process.stop(tmp_path, started, 0)


def test_a_process_runs_in_a_session_of_its_own_and_gets_only_the_given_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for servers")
    started = start(tmp_path)
    try:
        assert os.getsid(started.pid) == started.pid
        assert b"not for servers" not in Path(f"/proc/{started.pid}/environ").read_bytes()
    finally:
        process.stop(tmp_path, started, 0)


def test_what_a_process_prints_is_appended_to_a_log_that_only_the_owner_reads(tmp_path: Path) -> None:
    for said in ("hello\n", "hello\nhello\n"):
        started = start(tmp_path)
        wait_for(said, tmp_path / "one.log")
        process.stop(tmp_path, started, 0)
    assert (tmp_path / "one.log").read_text() == "hello\nhello\n"
    assert (tmp_path / "one.log").stat().st_mode & 0o777 == 0o600


def test_stopping_ends_a_process_and_leaves_no_zombie(tmp_path: Path) -> None:
    started = start(tmp_path)
    process.stop(tmp_path, started, 5)
    assert process.running(tmp_path) == {}
    assert not Path(f"/proc/{started.pid}").exists()


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    started = start(tmp_path, command=STUBBORN)
    wait_for("deaf", tmp_path / "one.log")
    before = time.monotonic()
    process.stop(tmp_path, started, 0.3)
    assert not process.is_alive(tmp_path, started)
    assert 0.3 <= time.monotonic() - before < 5


def test_a_stranger_with_a_recycled_process_id_is_never_ended(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL) as stranger:
        remembered = process.Process("one", stranger.pid)
        assert not process.is_alive(tmp_path, remembered)
        process.stop(tmp_path, remembered, 0)
        assert stranger.poll() is None
        stranger.kill()


def test_a_process_of_another_cluster_with_a_recycled_process_id_is_never_ended(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    started = start(other)
    try:
        process.stop(tmp_path, process.Process("one", started.pid), 0)
        assert process.is_alive(other, started)
    finally:
        process.stop(other, started, 0)


def test_a_killed_process_that_nobody_collected_counts_as_ended(tmp_path: Path) -> None:
    started = start(tmp_path)
    os.kill(started.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while process.is_alive(tmp_path, started):
        assert time.monotonic() < deadline
    assert process.running(tmp_path) == {}
    os.waitpid(started.pid, 0)


def test_stopping_a_process_that_has_ended_already_does_nothing(tmp_path: Path) -> None:
    started = start(tmp_path)
    process.stop(tmp_path, started, 0)
    process.stop(tmp_path, started, 0)
    assert process.running(tmp_path) == {}


def test_a_program_that_cannot_be_run_is_an_error_of_the_operating_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        start(tmp_path, command=[str(tmp_path / "missing")])


def test_memory_and_age_of_a_process_are_read_from_the_kernel(tmp_path: Path) -> None:
    started = start(tmp_path)
    wait_for("hello", tmp_path / "one.log")
    assert 1 <= started.rss_mib < 200
    assert 0 <= started.seconds_up < 10
    process.stop(tmp_path, started, 0)
    assert (started.rss_mib, started.seconds_up) == (0, 0)
