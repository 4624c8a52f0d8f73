"""`caraml logs` through the real API server; the kubelet that has the logs is played by the test."""

import re
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Thread
from typing import Any

import pytest
import yaml

from caraml_pulumi.errors import FAILED, INTERRUPTED, USAGE
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform
from tests.e2e.played_node import Played, PlayedNode, eventually, played_node

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("logs")]
STARTED = "2026-11-22T10:00:00Z"


def container(name: str, restarts: int = 0, **last: Any) -> dict[str, Any]:
    """A container that runs and is ready."""
    status = {
        "name": name,
        "image": "registry.local/team/talk:1",
        "imageID": "",
        "ready": True,
        "restartCount": restarts,
    }
    return {**status, "state": {"running": {"startedAt": STARTED}}, **last}


def playing(restarts: int = 0) -> Played:
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": STARTED, "finishedAt": STARTED}}
    last = {"lastState": ended} if restarts else {}
    return Played([container("model", restarts, **last)], phase="Running", ready=True)


@pytest.fixture(scope="module")
def node(cluster: LocalCluster) -> Iterator[PlayedNode]:
    with played_node(cluster.client, f"played-{uuid.uuid4().hex[:6]}", cluster.kubeconfig.parent / "pki") as node:
        yield node


@pytest.fixture
def on(cluster: LocalCluster, node: PlayedNode, tmp_path: Any) -> Iterator[Platform]:
    """A platform with one model, version 1 of talk, whose two replicas are on the played node."""
    on = Platform(tmp_path, cluster.kubeconfig, f"logs-{uuid.uuid4().hex[:6]}")
    node.plays = {"talk-1": playing()}
    scale(on, node, 2)
    yield on
    cluster.leave(on.project)


def scale(on: Platform, node: PlayedNode, replicas: int) -> None:
    version = {"version": 1, "image": "registry.local/team/talk:1", "deploymentMode": "RAW_DEPLOYMENT"}
    version |= {"replicas": replicas, **node.placement}
    on.release.write_text(yaml.safe_dump({"model": "talk", "project": on.project, "versions": [version]}))
    on.must("up", "--stack", "dev", "--yes")


def pods(on: Platform, cluster: LocalCluster) -> list[str]:
    """The names of the replicas."""
    found = cluster.client.request("GET", f"/api/v1/namespaces/{on.project}/pods")["items"]
    return sorted(item["metadata"]["name"] for item in found)


class Reader:
    """Reads the lines of a process as they come."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._lines: Queue[str] = Queue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line.rstrip("\n"))

    def next(self, seconds: float = 20) -> str:
        """The next line. Fails if there is none in time."""
        try:
            return self._lines.get(timeout=seconds)
        except Empty:
            raise AssertionError("nothing was printed") from None


@contextmanager
def following(on: Platform, *arguments: str) -> Iterator[Reader]:
    process = on.start("logs", "talk", "-f", "--stack", "dev", *arguments)
    try:
        yield Reader(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_logs_of_all_replicas_are_merged_by_time_with_their_names(
    cluster: LocalCluster, on: Platform, node: PlayedNode
) -> None:
    first, second = pods(on, cluster)
    for pod, text in ((first, "one"), (second, "two"), (first, "three")):
        node.log(pod).write(text)
    assert on.must("logs", "talk", "--stack", "dev").out.splitlines() == [
        f"{first} model | one",
        f"{second} model | two",
        f"{first} model | three",
    ]
    last = on.must("logs", "talk/1", "--tail", "1", "--stack", "dev").out.splitlines()
    assert sorted(last) == sorted([f"{second} model | two", f"{first} model | three"])


def test_one_replica_needs_no_name_and_what_it_said_before_its_restart_can_be_read(
    cluster: LocalCluster, on: Platform, node: PlayedNode
) -> None:
    scale(on, node, 1)
    [pod] = eventually(lambda: found if len(found := pods(on, cluster)) == 1 else None)
    node.log(pod).write("again", "there")
    node.log(pod, instance="previous").write("no model in /mnt/models")
    assert on.must("logs", "talk", "--stack", "dev").out == "again\nthere\n"
    nothing = on.must("logs", "talk", "--previous", "--stack", "dev")
    assert (nothing.out, nothing.err) == ("", "no replica of talk has been restarted\n")
    node.plays["talk-1"] = playing(restarts=1)
    eventually(lambda: on.must("logs", "talk", "-p", "--stack", "dev").out == "no model in /mnt/models\n")


def test_lines_are_followed_as_they_come_also_of_replicas_that_come_later(
    cluster: LocalCluster, on: Platform, node: PlayedNode
) -> None:
    first, second = pods(on, cluster)
    node.log(first).write(*[f"line {number}" for number in range(12)])
    node.log(second)
    with following(on) as reader:
        assert [reader.next() for _ in range(10)] == [f"{first} model | line {number}" for number in range(2, 12)]
        node.log(second).write("hello")
        assert reader.next() == f"{second} model | hello"
        scale(on, node, 3)
        [third] = {*pods(on, cluster)} - {first, second}
        node.log(third).write("from the beginning", "and on")
        assert reader.next() == f"{third} model | from the beginning"
        assert reader.next() == f"{third} model | and on"


def test_a_container_that_is_started_again_is_followed_again(
    cluster: LocalCluster, on: Platform, node: PlayedNode
) -> None:
    pod, _ = pods(on, cluster)
    node.log(pod).write("before")
    with following(on, "--tail", "1") as reader:
        assert reader.next() == f"{pod} model | before"
        node.log(pod).end()
        del node.logs[pod, "model", "current"]
        node.log(pod).write("after")
        node.plays["talk-1"] = playing(restarts=1)
        assert reader.next() == f"{pod} model | after"


def test_a_log_that_breaks_off_goes_on_without_a_line_twice(
    cluster: LocalCluster, on: Platform, node: PlayedNode
) -> None:
    pod, _ = pods(on, cluster)
    node.log(pod).write("one", "two")
    with following(on) as reader:
        assert [reader.next(), reader.next()] == [f"{pod} model | one", f"{pod} model | two"]
        broken = node.log(pod)
        broken.end()
        whole = node.logs[pod, "model", "current"] = type(broken)(lines=list(broken.lines))
        whole.write("three")
        assert reader.next() == f"{pod} model | three"


def test_ctrl_c_ends_following_quietly(cluster: LocalCluster, on: Platform, node: PlayedNode) -> None:
    pod, _ = pods(on, cluster)
    node.log(pod).write("hello")
    process = on.start("logs", "talk", "-f", "--stack", "dev")
    assert process.stdout
    assert process.stdout.readline() == f"{pod} model | hello\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == INTERRUPTED
    assert "Traceback" not in errors
    assert "Abort" not in errors


def test_replicas_have_colours_of_their_own_where_colours_are_wanted(
    cluster: LocalCluster, on: Platform, node: PlayedNode
) -> None:
    for pod in pods(on, cluster):
        node.log(pod).write("hello")
    on.variables["FORCE_COLOR"] = "1"
    codes = re.findall(r"\x1b\[(\d+)m\S+ model \| \x1b\[0mhello", on.must("logs", "talk", "--stack", "dev").out)
    assert len(set(codes)) == 2


def test_what_cannot_be_read_is_explained(on: Platform, node: PlayedNode) -> None:
    unknown = on.caraml("logs", "talk/2", "--stack", "dev")
    assert (unknown.code, 'the stack deploys no "talk/2"' in unknown.err) == (FAILED, True)
    both = on.caraml("logs", "talk", "-f", "-p", "--stack", "dev")
    assert both.code == USAGE
    container = on.caraml("logs", "talk", "-c", "modle", "--stack", "dev")
    assert (container.code, 'no replica has a container "modle"' in container.err) == (FAILED, True)
    assert "allowed: model\n" in container.err
    when = on.caraml("logs", "talk", "--since", "soon", "--stack", "dev")
    assert (when.code, "30s, 5m, 2h, 1d" in when.err) == (USAGE, True)


def test_a_node_without_a_kubelet_is_named(cluster: LocalCluster, on: Platform) -> None:
    version = {"version": 1, "image": "registry.local/team/talk:1", "deploymentMode": "RAW_DEPLOYMENT", "replicas": 1}
    on.release.write_text(yaml.safe_dump({"model": "talk", "project": on.project, "versions": [version]}))
    on.must("up", "--stack", "dev", "--yes")
    eventually(lambda: len(pods(on, cluster)) == 1)
    answer = on.caraml("logs", "talk", "--stack", "dev")
    assert answer.code == FAILED
    assert f"the kubelet of {pods(on, cluster)[0]} gives no logs" in answer.err
