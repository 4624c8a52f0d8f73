import json
import sys
from pathlib import Path

import pytest

from caraml_pulumi.cluster import pki, ports, process, servers
from caraml_pulumi.cluster.parts import KWOK
from caraml_pulumi.cluster.servers import Probe, Server
from caraml_pulumi.cluster.state import Cluster
from caraml_pulumi.errors import CaramlError

LISTEN = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[2])); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Program(Server):
    """A server whose program is a Python script in place of one that was built."""

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", *self.arguments]


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    made = Cluster.named("one", tmp_path)
    made.create_home()
    pki.create(made.pki)
    return made


def program(script: str, port: int, *arguments: str, health: str = "") -> Server:
    return Program("one", KWOK, "one", port, (script, str(port), *arguments), health=health, scheme="http")


def test_a_server_is_waited_for_and_not_started_twice(cluster: Cluster) -> None:
    [port] = ports.free_ports(1)
    server = program(LISTEN, port, "200", health="/healthz")
    servers.start(cluster, [server], Probe(cluster))
    first = process.running(cluster.home)
    servers.start(cluster, [server], Probe(cluster))
    assert process.running(cluster.home) == first
    assert Probe(cluster).is_healthy(server)
    process.stop(cluster.home, first["one"], 0)
    assert not Probe(cluster).is_healthy(server)


def test_a_server_that_answers_with_a_failure_is_not_healthy(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "READY_SECONDS", 0.5)
    [port] = ports.free_ports(1)
    with pytest.raises(CaramlError, match=r"one of cluster one was not healthy after 0\.5 s"):
        servers.start(cluster, [program(LISTEN, port, "500", health="/healthz")], Probe(cluster))
    process.stop(cluster.home, process.running(cluster.home)["one"], 0)


def test_a_server_that_ends_is_reported_with_its_last_words_log_and_the_way_out(cluster: Cluster) -> None:
    [port] = ports.free_ports(1)
    with pytest.raises(CaramlError, match="one of cluster one ended: ZeroDivisionError: division by zero") as raised:
        servers.start(cluster, [program("1/0", port)], Probe(cluster))
    assert raised.value.where == str(cluster.log("one"))
    assert f"caraml cluster down{cluster.options}" in raised.value.fix


def test_a_program_that_is_missing_is_reported(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/nowhere")
    [port] = ports.free_ports(1)
    with pytest.raises(CaramlError, match="bin/one cannot be run: No such file or directory"):
        servers.start(cluster, [Server("one", KWOK, "one", port)], Probe(cluster))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "it printed nothing"),
        (["starting", "listening"], "listening"),
        (["F1122 06:00:00 1 run.go:10] cannot bind", "goodbye"], "F1122 06:00:00 1 run.go:10] cannot bind"),
        (["Error: unknown flag: --x", "usage"], "Error: unknown flag: --x"),
        ([json.dumps({"level": "ERROR", "msg": "exit", "err": "no kind"}), "bye"], "ERROR: exit: no kind"),
        ([json.dumps({"severity": "FATAL", "message": "lost"})], "FATAL: lost"),
        (["[1, 2]"], "[1, 2]"),
        (["error: " + "x" * 1000], "error: " + "x" * 293),
    ],
)
def test_the_last_words_of_a_server_are_its_last_failure(cluster: Cluster, lines: list[str], words: str) -> None:
    cluster.log("one").write_text("\n".join(lines))
    assert servers.last_words(cluster, "one") == words
