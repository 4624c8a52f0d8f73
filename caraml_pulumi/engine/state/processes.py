"""Which process it was, so that another one, later, can tell whether it has ended.

A process id alone cannot: ids are used again, and containers and machines of one host name each have their own.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_STATE: Final = 0
_START_TIME: Final = 19
_DEAD: Final = ("Z", "X")

Identity = dict[str, Any]
"""``pid`` and ``hostname``, as in the locks of the Pulumi CLI, and Linux's ``boot`` (the start of the machine),
``namespace`` (of process ids) and ``started`` (clock ticks after boot); those that are not known are left out."""


def identity(pid: int) -> Identity:
    """The identity of a process of this machine."""
    known = {"boot": _boot(), "namespace": _namespace(), "started": _started(pid)}
    return {"pid": pid, "hostname": socket.gethostname(), **{key: value for key, value in known.items() if value}}


def has_ended(recorded: Mapping[str, Any]) -> bool:
    """Whether the process with the `recorded` identity has surely ended; False where that cannot be known from here.

    What another boot, or another container, recorded cannot be judged. The locks of the Pulumi CLI, which say only id
    and host name, are judged by these.
    """
    return _there(recorded) is False


def is_running(recorded: Mapping[str, Any]) -> bool:
    """Whether the process with the `recorded` identity is there; False where that cannot be known from here.

    Where only id and host name are recorded it may be another process, which has got the same id since.
    """
    return _there(recorded) is True


def _there(recorded: Mapping[str, Any]) -> bool | None:
    pid = recorded.get("pid")
    if recorded.get("hostname") != socket.gethostname() or not isinstance(pid, int) or pid <= 0:
        return None
    if recorded.get("boot", _boot()) != _boot() or recorded.get("namespace", _namespace()) != _namespace():
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    except OverflowError:
        return None
    if _stat(pid, _STATE) in _DEAD:
        return False  # its parent has not taken note yet
    started = _started(pid)
    return not started or recorded.get("started", started) == started


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> str:
    return _stat(pid, _START_TIME)


def _stat(pid: int, field: int) -> str:
    """A field of the process's ``stat`` (proc(5)), counted after its name; empty where it cannot be read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[field]
    except (OSError, IndexError):
        return ""
