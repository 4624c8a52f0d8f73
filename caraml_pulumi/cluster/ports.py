"""Free TCP ports on loopback, and who holds a taken one."""

import random
import socket
from pathlib import Path

from caraml_pulumi.errors import CaramlError

LOOPBACK = "127.0.0.1"
FIRST, LAST = 20_000, 32_000
"""Ports are taken from below the range that Linux gives to outgoing connections (32768 to 60999)."""


def free_ports(count: int) -> list[int]:
    """`count` neighbouring ports nobody listens on, from a random place, so that clusters started at once differ.

    Raises:
        CaramlError: there are none.
    """
    blocks = [range(first, first + count) for first in range(FIRST, LAST - count + 1, count)]
    for block in random.sample(blocks, len(blocks)):
        if all(map(is_free, block)):
            return list(block)
    raise CaramlError(f"no {count} neighbouring ports are free between {FIRST} and {LAST}", fix="end some servers")


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def is_open(port: int) -> bool:
    """Whether something accepts connections on `port` of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def holder(port: int) -> str:
    """The process that listens on `port`, as "name (pid 123)"; "another process" where the system hides it."""
    inodes = {inode for table in ("/proc/net/tcp", "/proc/net/tcp6") for inode in _listening(Path(table), port)}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(f"{link.readlink()}" in inodes for link in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:  # it ended meanwhile, or belongs to another user
            continue
    return "another process"


def _listening(table: Path, port: int) -> list[str]:
    """The sockets in a kernel table that listen (state 0A) on `port`, as /proc/<pid>/fd names them."""
    if not table.exists():
        return []
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return [f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port]
