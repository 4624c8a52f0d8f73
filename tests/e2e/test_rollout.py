"""`caraml rollout` on real servers: versions that answer, traffic that is divided, and a Prometheus that watches it."""

import contextlib
import json
import re
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from caraml_pulumi.cluster.ports import free_ports
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.errors import FAILED, INTERRUPTED, POLICY_VIOLATION, ROLLED_BACK, USAGE
from tests.e2e.conftest import LocalCluster
from tests.e2e.iris_servers import iris_server
from tests.e2e.platform import Platform, Result
from tests.e2e.watched_gateway import WatchedGateway, Watcher, prometheus, rule_groups, traffic

pytestmark = pytest.mark.e2e

PACE = ("--pause", "4s", "--steps", "25,50,100")


@pytest.fixture
def platform(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    """The sample platform, deployed: version 1 of iris has 90 % of the traffic, version 2 has 10 %."""
    platform = Platform(tmp_path, cluster.kubeconfig, f"team-{uuid.uuid4().hex[:8]}")
    platform.up()
    yield platform
    cluster.leave(platform.project)


class Scene:
    """The servers of both versions, the gateway that divides requests, and Prometheus."""

    def __init__(self, cluster: LocalCluster, platform: Platform) -> None:
        self.cluster = cluster
        self.platform = platform
        self.watcher: Watcher
        self.gateway: WatchedGateway

    @contextlib.contextmanager
    def playing(self, **second_version: str) -> Iterator["Scene"]:
        with ExitStack() as stack:
            servers = {
                "iris-1": stack.enter_context(iris_server("iris-1")),
                "iris-2": stack.enter_context(iris_server("iris-2", **second_version)),
            }
            project, client = self.platform.project, self.cluster.client
            self.gateway = WatchedGateway(client, project, "iris", servers)
            targets = {"gateway": stack.enter_context(traffic(self.gateway))}
            targets |= {name: server.port for name, server in servers.items()}
            directory = self.platform.directory / "prometheus"
            directory.mkdir()
            self.watcher = stack.enter_context(prometheus(directory, targets, rule_groups(client, project)))
            yield self

    def arguments(self, *more: str) -> list[str]:
        return ["rollout", "iris", "--to", "2", "--stack", "dev", "--yes", "--prometheus", self.watcher.url, *more]

    def rollout(self, *more: str) -> Result:
        return self.platform.caraml(*self.arguments(*PACE, *more))

    def weights(self) -> list[int]:
        """What the cluster has: the weights of versions 1 and 2, as far as they are routed to."""
        return list(self.gateway.shares().values())

    def messages(self) -> list[str]:
        """The messages of the rollout's updates, the oldest first."""
        history = self.platform.must("history", "--stack", "dev", "--json").json()
        name = f"rollout of {self.platform.project}/iris to version 2: "
        return [entry["message"].removeprefix(name) for entry in reversed(history) if name in entry["message"]]


@pytest.fixture
def scene(cluster: LocalCluster, platform: Platform) -> Scene:
    return Scene(cluster, platform)


def test_a_version_that_holds_gets_all_the_traffic_and_history_tells_each_step(scene: Scene) -> None:
    with scene.playing():
        done = scene.rollout("--policy-pack", "policies")
        assert done.code == 0, done.text
        rules = [rule for group in scene.watcher.get("rules")["groups"] for rule in group["rules"]]
        up = {job["labels"]["job"]: job["health"] for job in scene.watcher.get("targets")["activeTargets"]}
    assert re.sub(r"\((error rate [\d.]+ %), p95 latency [\d.]+ ms\)", r"(\1)", scene.messages()[-1]) == (
        "finished (error rate 0 %)"
    )
    assert scene.messages()[:-1] == [
        "25 % (step 1 of 3, from 1=90, 2=10)",
        "50 % (step 2 of 3, from 1=90, 2=10)",
        "100 % (step 3 of 3, from 1=90, 2=10)",
    ]
    assert scene.weights() == [100]
    assert scene.platform.release.read_text().endswith(
        "  traffic: # percent of the requests to POST /v1/predict; the weights sum to 100\n"
        "    - version: 2\n      weight: 100\n"
    )
    assert scene.platform.changes() == {}
    assert {rule["health"] for rule in rules} == {"ok"}
    assert up == {"gateway": "up", "iris-1": "up", "iris-2": "up"}

    again = scene.rollout()
    assert again.code == FAILED
    assert "has 100 % of the requests already" in again.err


def test_a_version_that_fails_loses_its_traffic_again(scene: Scene) -> None:
    text = scene.platform.release.read_text()
    with scene.playing(IRIS_ERROR_RATE="0.5"):
        gone_back = scene.rollout()
    assert gone_back.code == ROLLED_BACK, gone_back.text
    assert "did not hold: error rate" in gone_back.err
    assert f"caraml logs {scene.platform.project}/iris/2 --stack dev" in gone_back.err
    assert scene.messages()[0] == "25 % (step 1 of 3, from 1=90, 2=10)"
    assert re.fullmatch(r"back to 1=90, 2=10 \(error rate [\d.]+ % is above 1 %\)", scene.messages()[1])
    assert scene.weights() == [90, 10]
    assert scene.platform.release.read_text() == text
    assert scene.platform.changes() == {}


def test_a_version_that_is_slow_loses_its_traffic_again(scene: Scene) -> None:
    with scene.playing(IRIS_LATENCY_SECONDS="0.05"):
        gone_back = scene.rollout("--max-latency", "20", "--json")
    events = [json.loads(line) for line in gone_back.out.splitlines()]
    assert gone_back.code == ROLLED_BACK
    assert [event["event"] for event in events if event["event"] != "measured"] == ["start", "step", "back", "end"]
    assert events[0]["limits"] == {"error rate": 1.0, "p95 latency": 20.0}
    assert events[-2]["reason"].endswith("ms is above 20 ms")
    assert events[-1] == {"event": "end", "result": "back", "weights": {"1": 90, "2": 10}}


def test_a_rollout_goes_on_after_it_was_killed_and_stopped(scene: Scene) -> None:
    with scene.playing():
        killed = scene.platform.start(*scene.arguments(*PACE))
        await_message(scene, "50 % (step 2 of 3")
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert scene.weights() == [50, 50]

        stopped = scene.platform.start(*scene.arguments("--pause", "10m", "--steps", "25,50,100"))
        assert stopped.stdout is not None
        for line in stopped.stdout:
            if "holds" in line and "a step" not in line:
                break
        stopped.send_signal(signal.SIGINT)
        _, err = stopped.communicate()
        assert stopped.returncode == INTERRUPTED
        assert "stopped at version 1: 50 %, version 2: 50 %" in err
        assert f"caraml rollout {scene.platform.project}/iris --to 2 --stack dev --abort" in err
        assert scene.weights() == [50, 50]

        other = scene.platform.caraml(*scene.arguments("--to", "1", *PACE))
        assert "to version 2 is not finished" in other.err

        done = scene.rollout()
        assert done.code == 0, done.text
        assert "goes on at step 2 of 3" in done.out
    assert [message.partition(" (")[0] for message in scene.messages()] == ["25 %", "50 %", "100 %", "finished"]
    assert scene.weights() == [100]


def test_a_rollout_that_was_interrupted_can_be_given_up(scene: Scene) -> None:
    text = scene.platform.release.read_text()
    with scene.playing():
        process = scene.platform.start(*scene.arguments(*PACE))
        await_message(scene, "25 % (step 1 of 3")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == INTERRUPTED
        process.communicate()
        given_up = scene.platform.caraml(*scene.arguments("--abort"))
        assert given_up.code == 0, given_up.text
        assert "25 => 10" in given_up.out
        assert scene.weights() == [90, 10]
        nothing_left = scene.platform.caraml(*scene.arguments("--abort"))
        assert "is open" in nothing_left.err
    assert scene.messages()[-1] == "back to 1=90, 2=10 (given up)"
    assert scene.platform.release.read_text() == text


def test_a_rollout_that_was_killed_on_its_way_back_goes_all_the_way(scene: Scene) -> None:
    text = scene.platform.release.read_text()
    with scene.playing():
        process = scene.platform.start(*scene.arguments(*PACE))
        await_message(scene, "25 % (step 1 of 3")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        scene.platform.release.write_text(text)  # the first thing that is done on the way back
        gone_back = scene.rollout()
    assert gone_back.code == ROLLED_BACK, gone_back.text
    assert scene.messages()[-1] == "back to 1=90, 2=10 (it was interrupted on its way back)"
    assert scene.weights() == [90, 10]


def test_without_requests_a_step_is_not_proven(scene: Scene) -> None:
    with prometheus(scene.platform.directory, {}, []) as scene.watcher:
        unproven = scene.platform.caraml(*scene.arguments("--pause", "1s", "--steps", "50", "--patience", "2"))
        assert unproven.code == ROLLED_BACK
        assert "Prometheus has no samples of error rate and p95 latency" in unproven.err
        allowed = scene.platform.caraml(*scene.arguments("--pause", "1s", "--steps", "50", "--allow-no-traffic"))
        assert allowed.code == 0, allowed.text


def test_what_cannot_begin_changes_nothing(scene: Scene) -> None:
    platform = scene.platform
    text, count = platform.release.read_text(), len(scene.messages())
    [port] = free_ports(1)
    away = f"http://127.0.0.1:{port}"
    rollout = ("rollout", "iris", "--stack", "dev", "--yes")
    cases: list[tuple[tuple[str, ...], int, str]] = [
        ((*rollout, "--to", "2", "--prometheus", away), FAILED, "Prometheus cannot be reached"),
        ((*rollout, "--to", "2"), FAILED, "it is not known which Prometheus watches the models"),
        ((*rollout, "--to", "3", "--prometheus", away), FAILED, "is not deployed"),
        ((*rollout, "--to", "2", "--prometheus", away, "--abort"), FAILED, "is open"),
        ((*rollout, "--to", "2", "--steps", "50,5", "--prometheus", away), USAGE, "are no steps of a rollout"),
        ((*rollout, "--to", "2", "--pause", "soon", "--prometheus", away), USAGE, "is no time to pause"),
        (("rollout", "rose", "--stack", "dev", "--yes", "--to", "2"), FAILED, 'no release file is of the model "rose"'),
        (("rollout", "iris", "--stack", "dev", "--to", "2"), USAGE, "nobody can answer here"),
    ]
    for arguments, code, what in cases:
        refused = platform.caraml(*arguments)
        assert (refused.code, what in refused.err) == (code, True), refused.text
    assert platform.release.read_text() == text
    assert len(scene.messages()) == count


def test_a_version_that_does_not_answer_gets_no_traffic(scene: Scene) -> None:
    url = f"/apis/apps/v1/namespaces/{scene.platform.project}/deployments/iris-2"
    patch = {"spec": {"replicas": 0}}
    scene.cluster.client.request("PATCH", url, body=patch, content_type="application/merge-patch+json")
    with prometheus(scene.platform.directory, {}, []) as scene.watcher:
        refused = scene.rollout()
    assert refused.code == FAILED
    assert "version 2 of" in refused.err
    assert "is not ready: " in refused.err
    assert f"caraml status {scene.platform.project}/iris/2 --stack dev" in refused.err
    assert scene.messages() == []


NO_MORE_THAN = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def check(args, report):
    if args.resource_type == "caraml:index:ModelEndpoint":
        for share in args.props["traffic"]:
            if share["version"] == 2 and share["weight"] > {percent}:
                report(f"version 2 has {{share['weight']:g}} %")

policy = ResourceValidationPolicy("careful", "Version 2 is new.", check, EnforcementLevel.MANDATORY)
PolicyPack("careful", [policy])
"""


def policy_pack(directory: Path, percent: int) -> Path:
    """A pack that forbids more than `percent` for version 2."""
    directory.mkdir()
    (directory / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.1.0\n")
    (directory / "__main__.py").write_text(NO_MORE_THAN.format(percent=percent))
    return directory


def test_policies_are_asked_about_every_step(scene: Scene) -> None:
    directory, release = scene.platform.directory, scene.platform.release
    text = release.read_text()
    with scene.playing():
        first = scene.rollout("--policy-pack", str(policy_pack(directory / "strict", 20)))
        assert first.code == POLICY_VIOLATION, first.text
        assert (release.read_text(), scene.messages()) == (text, [])
        second = scene.rollout("--policy-pack", str(policy_pack(directory / "generous", 30)))
    assert second.code == POLICY_VIOLATION, second.text
    assert "stopped at version 1: 75 %, version 2: 25 %: a mandatory policy is violated" in second.err
    assert "version 2 has 50 %" in second.err
    assert scene.weights() == [75, 25]
    given_up = scene.platform.caraml(*scene.arguments("--abort"))
    assert given_up.code == 0, given_up.text
    assert (release.read_text(), scene.weights()) == (text, [90, 10])


def test_a_prometheus_that_goes_away_is_waited_for_and_then_the_version_has_not_held(scene: Scene) -> None:
    directory = scene.platform.directory
    with scene.playing():
        with prometheus(directory, {}, []) as scene.watcher:
            process = scene.platform.start(*scene.arguments(*PACE))
            await_message(scene, "25 % (step 1 of 3")
        out, err = process.communicate(timeout=120)
    assert process.returncode == ROLLED_BACK, out + err
    assert "unreachable" in out
    assert "did not hold: Prometheus cannot be reached" in err
    assert scene.weights() == [90, 10]


def test_another_update_of_the_stack_is_waited_for(scene: Scene) -> None:
    backend = open_backend(scene.platform.environment["PULUMI_BACKEND_URL"])
    with prometheus(scene.platform.directory, {}, []) as scene.watcher:
        with backend.lock("caraml-platform", "dev", "up"):
            process = scene.platform.start(
                *scene.arguments("--pause", "1s", "--steps", "50", "--allow-no-traffic", "--json")
            )
            assert process.stdout is not None
            events = [json.loads(process.stdout.readline())["event"] for _ in range(3)]
        out, err = process.communicate(timeout=120)
    assert events == ["start", "step", "waiting"]
    assert process.returncode == 0, out + err
    assert json.loads(out.splitlines()[-1]) == {"event": "end", "result": "finished", "weights": {"1": 50, "2": 50}}


def await_message(scene: Scene, beginning: str) -> None:
    deadline = time.monotonic() + 120
    while not any(message.startswith(beginning) for message in scene.messages()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
