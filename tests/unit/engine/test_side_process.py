import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from caraml_pulumi.engine.process import SideProcess, last_user_frame, last_words
from caraml_pulumi.errors import CaramlError


def ended(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def start(directory: Path, program: str, python: Path = Path(sys.executable)) -> SideProcess:
    (directory / "server.py").write_text(program)
    return SideProcess("the server", "server", directory=directory, environment={"COLOUR": "blue"}, python=python)


def test_a_process_that_never_prints_a_port_is_one_clear_error(tmp_path: Path) -> None:
    process = start(tmp_path, "import time; print('warming up'); time.sleep(60)")
    with pytest.raises(CaramlError, match=r"the server was not ready within 0.5 s"):
        process.channel(timeout=0.5)
    process.close()
    assert ended(process.pid)


def test_it_runs_in_its_directory_with_our_environment_and_what_is_added(tmp_path: Path) -> None:
    process = start(
        tmp_path, "import os; raise SystemExit(f'{os.getcwd()} {os.environ[\"COLOUR\"]} {len(os.environ) > 2}')"
    )
    with pytest.raises(CaramlError, match=f"exit code 1\\)\n    {tmp_path} blue True"):
        process.channel()
    process.close()


def test_an_interpreter_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaramlError, match="the server cannot be started: No such file") as caught:
        start(tmp_path, "", python=tmp_path / "python9")
    assert caught.value.where.endswith("python9")


def test_it_dies_with_us_even_when_we_are_killed(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("import time; print(4711); time.sleep(600)")
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from caraml_pulumi.engine.process import SideProcess\n"
            "process = SideProcess('s', 'server', directory=Path(sys.argv[1]), environment={})\n"
            "print(process.pid, flush=True); process.channel(); print('ready', flush=True); time.sleep(600)",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline() == "ready\n"
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert ended(pid)


def test_ctrl_c_in_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    process = start(tmp_path, "import time; print(4711); time.sleep(600)")
    assert os.getpgid(process.pid) != os.getpgid(0)
    process.close()


def test_of_a_traceback_only_the_exception_is_kept() -> None:
    printed = 'earlier\nTraceback (most recent call last):\n  File "a.py", line 1\n    boom()\nValueError: no\nwhy\n'
    assert last_words(printed) == "\n    ValueError: no\n    why"
    assert last_words("just\n  text") == "\n    just\n      text"
    assert last_words("") == ""


def test_the_last_user_frame_is_not_one_of_an_installed_package() -> None:
    text = (
        'File "<string>", line 1, in <module>\nFile "/home/ann/pack/rules.py", line 7, in check\n'
        'File "/venv/lib/python3.11/site-packages/pulumi/x.py", line 9, in y\nFile "/usr/lib/python3.11/z.py", line 2'
    )
    assert last_user_frame(text) == "/home/ann/pack/rules.py:7"
    assert last_user_frame("no traceback") == ""
