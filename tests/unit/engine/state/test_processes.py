import os
import socket
import subprocess
from typing import Any

import pytest

from caraml_pulumi.engine.state.processes import has_ended, identity, is_running


@pytest.fixture
def gone() -> dict[str, Any]:
    """The identity of a process that has ended."""
    process = subprocess.Popen(["sleep", "60"])
    recorded = identity(process.pid)
    process.kill()
    process.wait()
    return recorded


def test_a_process_has_ended_when_it_has(gone: dict[str, Any]) -> None:
    assert has_ended(gone)
    assert not has_ended(identity(os.getpid()))


def test_a_process_that_was_killed_has_ended_before_its_parent_takes_note() -> None:
    process = subprocess.Popen(["sleep", "60"])
    recorded = identity(process.pid)
    assert is_running(recorded)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert has_ended(recorded)
    assert has_ended({"pid": process.pid, "hostname": socket.gethostname()})
    assert not is_running(recorded)
    process.wait()


def test_a_process_that_got_the_number_of_an_ended_one_is_not_it() -> None:
    assert has_ended(identity(os.getpid()) | {"started": "1"})


@pytest.mark.parametrize("change", [{"hostname": "elsewhere"}, {"boot": "another"}, {"namespace": "pid:[1]"}])
def test_a_process_elsewhere_cannot_be_judged(change: dict[str, Any], gone: dict[str, Any]) -> None:
    assert not has_ended(gone | change)


def test_what_the_pulumi_cli_records_is_enough(gone: dict[str, Any]) -> None:
    assert has_ended({"pid": gone["pid"], "hostname": socket.gethostname()})
    assert not has_ended({"pid": os.getpid(), "hostname": socket.gethostname()})


@pytest.mark.parametrize("pid", [None, "1", 0, -1, 2**70])
def test_a_number_that_is_no_process_is_not_judged(pid: object) -> None:
    assert not has_ended({"pid": pid, "hostname": socket.gethostname()})
