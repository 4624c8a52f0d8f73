"""A server of a cluster: started, waited for, and its end explained."""

import json
import os
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import urllib3

from caraml_pulumi.cluster import ports, process
from caraml_pulumi.cluster.parts import Part
from caraml_pulumi.cluster.state import Cluster
from caraml_pulumi.errors import CaramlError

READY_SECONDS = 120
"""How long a server may take to become healthy; usually 0.3 to 3 s, on a busy machine many times that."""
POLL_SECONDS = 0.025


@dataclass(frozen=True)
class Server:
    """One process: what is run, where it listens, and the path that answers 200 when it is healthy.

    Without a `health` path the server is healthy when it accepts connections.
    """

    name: str
    part: Part
    program: str
    port: int
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    health: str = ""
    scheme: str = "https"

    @property
    def command(self) -> list[str]:
        """The program and its arguments."""
        return [str(self.part.home / "bin" / self.program), *self.arguments]


class Probe:
    """Asks the servers of a cluster whether they are healthy, as the administrator."""

    def __init__(self, cluster: Cluster) -> None:
        context = ssl.create_default_context(cafile=str(cluster.pki / "ca.crt"))
        context.load_cert_chain(cluster.pki / "admin.crt", cluster.pki / "admin.key")
        self._pool = urllib3.PoolManager(ssl_context=context, retries=False, timeout=2.0)

    def is_healthy(self, server: Server) -> bool:
        """Whether the server answers as it should."""
        if not server.health:
            return ports.is_open(server.port)
        try:
            url = f"{server.scheme}://{ports.LOOPBACK}:{server.port}{server.health}"
            return self._pool.request("GET", url).status == 200
        except urllib3.exceptions.HTTPError:
            return False


def start(cluster: Cluster, servers: Sequence[Server], probe: Probe) -> None:
    """Start those of `servers` that do not run yet, all at once, and wait until each is healthy.

    Raises:
        CaramlError: a server ended, did not become healthy in time, or its port is taken; with its last words.
    """
    running = process.running(cluster.home)
    started: dict[str, process.Process] = {}
    for server in servers:
        if server.name in running:
            started[server.name] = running[server.name]
            continue
        if not ports.is_free(server.port):
            raise CaramlError(
                f"port {server.port} of {server.name} is taken by {ports.holder(server.port)}",
                where=f"cluster {cluster.name}",
                fix=f"end that process, or make the cluster anew: {_again(cluster)}",
            )
        environment = {"PATH": os.defpath, "HOME": str(cluster.home), **server.environment}
        try:
            started[server.name] = process.start(
                cluster.home, server.name, server.command, environment, cluster.log(server.name)
            )
        except OSError as error:
            raise CaramlError(f"{server.command[0]} cannot be run: {error.strerror}", fix=_again(cluster)) from error
    deadline = time.monotonic() + READY_SECONDS
    for server in servers:
        while not probe.is_healthy(server):
            if not process.is_alive(cluster.home, started[server.name]):
                raise _failed(cluster, server, "ended")
            if time.monotonic() > deadline:
                raise _failed(cluster, server, f"was not healthy after {READY_SECONDS} s")
            time.sleep(POLL_SECONDS)


def _failed(cluster: Cluster, server: Server, how: str) -> CaramlError:
    """Says which server failed, its last telling log line, and where the rest is."""
    return CaramlError(
        f"{server.name} of cluster {cluster.name} {how}: {last_words(cluster, server.name)}",
        where=str(cluster.log(server.name)),
        fix=f"read the log; {_again(cluster)}",
    )


def last_words(cluster: Cluster, name: str) -> str:
    """The last line of a server's log that tells of a failure, else its last line; shortened to 300 characters."""
    try:
        lines = cluster.log(name).read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    lines = [_plain(line) for line in lines[-200:] if line.strip()]
    telling = [line for line in lines if _tells(line)]
    return (telling or lines or ["it printed nothing"])[-1][:300]


def _plain(line: str) -> str:
    """A log line without the JSON that some servers wrap it in."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line.strip()
    if not isinstance(entry, dict):
        return line.strip()
    parts = (entry.get(key) for key in ("level", "severity", "msg", "message", "err", "error"))
    return ": ".join(str(part) for part in parts if part)


def _tells(line: str) -> bool:
    """Whether a log line reports an error: klog's E and F, zap's levels, or a plain message."""
    lowered = line.lower()
    return line[:2] in {"E1", "E0", "F1", "F0"} or any(
        word in lowered for word in ("error:", "fatal", "panic:", "failed to", "cannot ")
    )


def _again(cluster: Cluster) -> str:
    """The commands that make a cluster anew."""
    return f"`caraml cluster down{cluster.options}`, then `caraml cluster up{cluster.options}`"
