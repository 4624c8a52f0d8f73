"""The processes of a cluster: started detached, recognised by a mark in their environment, ended by process id.

The mark is the truth about which processes belong to a cluster: a process has it from its first instant, also if the
starter is killed before it can note the id, and no recycled process id carries it. Linux only (`/proc`, pidfd).
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "CARAML_CLUSTER_PROCESS"
"""Environment variable of each process of a cluster: `<name>@<directory of the cluster>`."""


@dataclass(frozen=True)
class Process:
    """One running process of a cluster."""

    name: str
    pid: int

    @property
    def rss_mib(self) -> int:
        """Resident memory in MiB; 0 once the process has ended."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) // 1024
        return 0

    @property
    def seconds_up(self) -> float:
        """Seconds since the process was started; 0 once it has ended."""
        with contextlib.suppress(OSError):
            ticks = int(Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[19])
            return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
        return 0.0


def start(home: Path, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    """Start a program in a session of its own, so that it outlives us and a Ctrl-C here does not reach it.

    It gets exactly `environment` and the mark; what it prints is appended to `log`.

    Raises:
        OSError: the program cannot be executed.
    """
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        command[0],
        list(command),
        {**environment, MARK: f"{name}@{home}"},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    _await_mark(pid)
    return Process(name, pid)


def running(home: Path) -> dict[str, Process]:
    """The live processes of the cluster in `home`, by name."""
    found = (_identify(int(entry.name)) for entry in Path("/proc").glob("[0-9]*"))
    return {name: Process(name, pid) for name, directory, pid in filter(None, found) if directory == str(home)}


def is_alive(home: Path, process: Process) -> bool:
    """Whether `process` still runs and is the cluster's, not a stranger that was given its id."""
    return _identify(process.pid) == (process.name, str(home), process.pid)


def stop(home: Path, process: Process, grace_seconds: float) -> None:
    """End a process of the cluster: SIGTERM, and SIGKILL if it is still there after `grace_seconds` (0: at once).

    The process is held by a descriptor while its mark is checked, so a recycled id can never be hit.
    """
    try:
        held = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if not is_alive(home, process):
            return
        with contextlib.suppress(ProcessLookupError):
            if grace_seconds > 0:
                signal.pidfd_send_signal(held, signal.SIGTERM)
                if _ended(held, grace_seconds):
                    return
            signal.pidfd_send_signal(held, signal.SIGKILL)
            _ended(held, 10)
    finally:
        os.close(held)
        with contextlib.suppress(ChildProcessError):  # collect it if this very process started it
            os.waitpid(process.pid, os.WNOHANG)


def _await_mark(pid: int) -> None:
    """Wait out the instant between the start of a program and its environment being visible."""
    held = os.pidfd_open(pid)
    try:
        while _identify(pid) is None and not _ended(held, 0.001):
            continue
    finally:
        os.close(held)


def _ended(held: int, seconds: float) -> bool:
    """Whether the process behind a pidfd ends within `seconds` (then the descriptor becomes readable)."""
    poll = select.poll()
    poll.register(held, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _identify(pid: int) -> tuple[str, str, int] | None:
    """Name and cluster directory of a marked process; nothing for a stranger and for one that has ended (a zombie)."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    prefix = f"{MARK}=".encode()
    for entry in environment.split(b"\0"):
        if entry.startswith(prefix):
            name, _, directory = os.fsdecode(entry[len(prefix) :]).partition("@")
            return name, directory, pid
    return None
