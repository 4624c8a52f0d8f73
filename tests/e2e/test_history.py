"""The history of a model and the way back, on the sample platform: files, state, history and cluster agree."""

import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.errors import FAILED, POLICY_VIOLATION
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform, Result

pytestmark = pytest.mark.e2e

NO_OLD_IMAGES = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def check(args, report):
    if str(args.props.get("image", "")).endswith("iris:2.0"):
        report("iris:2.0 has a hole")

policy = ResourceValidationPolicy("no-holes", "Images have no holes.", check, EnforcementLevel.MANDATORY)
PolicyPack("holes", [policy])
"""


class Stage:
    """The sample platform, and what the cluster has of it."""

    def __init__(self, cluster: LocalCluster, platform: Platform, first: str) -> None:
        self.cluster = cluster
        self.platform = platform
        self.first = first
        """What the release file said at the first update."""
        self.name = f"{platform.project}/iris"

    def rollback(self, *arguments: str) -> Result:
        return self.platform.caraml("rollback", "iris", "--stack", "dev", "--yes", *arguments)

    def history(self, *arguments: str) -> list[Any]:
        """The updates that changed iris: their numbers, results and changes, the newest first."""
        told = self.platform.must("history", "iris", "--stack", "dev", "--json", *arguments).json()
        return [(one["version"], one["result"], one["model"]["summary"]) for one in told]

    def image(self) -> str:
        """The image of version 2 that the cluster runs."""
        url = f"/apis/apps/v1/namespaces/{self.platform.project}/deployments/iris-2"
        containers = self.cluster.client.request("GET", url)["spec"]["template"]["spec"]["containers"]
        return str(containers[0]["image"])

    def weights(self) -> list[int]:
        """The weights that the cluster has."""
        url = f"/apis/networking.istio.io/v1/namespaces/{self.platform.project}/virtualservices/iris"
        routes = self.cluster.client.request("GET", url)["spec"]["http"][0]["route"]
        return [route.get("weight", 100) for route in routes]


@contextmanager
def deployed(cluster: LocalCluster, directory: Path) -> Iterator[Stage]:
    """The sample platform after two updates: as it comes, then with another image and other weights."""
    platform = Platform(directory, cluster.kubeconfig, f"team-{uuid.uuid4().hex[:8]}")
    platform.up()
    first = platform.release.read_text()
    platform.edit("iris:2.0", "iris:2.1")
    platform.edit("weight: 90", "weight: 60")
    platform.edit("weight: 10", "weight: 40")
    platform.up()
    yield Stage(cluster, platform, first)
    cluster.leave(platform.project)


@pytest.fixture
def stage(cluster: LocalCluster, tmp_path: Path) -> Iterator[Stage]:
    with deployed(cluster, tmp_path) as stage:
        yield stage


@pytest.fixture(scope="module")
def lasting(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage for tests that leave it as it was."""
    with deployed(cluster, tmp_path_factory.mktemp("lasting")) as stage:
        yield stage


ADDED = [
    "version 1 added: image registry.local/caraml/iris:1.0",
    "version 2 added: image registry.local/caraml/iris:2.0",
    "endpoint added",
    "traffic 1=90, 2=10",
]
REMOVED = ["version 1 removed", "version 2 removed", "endpoint removed"]
SECOND = ["version 2: image registry.local/caraml/iris:2.0 → …:2.1", "traffic 1=90, 2=10 → 1=60, 2=40"]
BACK = ["version 2: image registry.local/caraml/iris:2.1 → …:2.0", "traffic 1=60, 2=40 → 1=90, 2=10"]


def test_history_tells_what_changed_a_model_and_a_rollback_restores_it(stage: Stage) -> None:
    platform, release = stage.platform, stage.platform.release
    second = release.read_text()
    assert stage.history() == [(2, "succeeded", SECOND), (1, "succeeded", ADDED)]
    diff = platform.must("history", "diff", "1", "latest", "--stack", "dev").out
    assert [line for line in diff.splitlines() if line[0] in "+-"][2:] == [
        "-  image: registry.local/caraml/iris:2.0",
        "+  image: registry.local/caraml/iris:2.1",
        "-    weight: 90",
        "+    weight: 60",
        "-    weight: 10",
        "+    weight: 40",
    ]

    back = stage.rollback("-m", "errors at noon")
    assert back.code == 0, back.text
    assert f"Back to update 1 of {stage.name}" in back.out
    assert "whose tag may name something else by now" in back.err
    assert release.read_text() == stage.first
    assert (stage.image(), stage.weights()) == ("registry.local/caraml/iris:2.0", [90, 10])
    assert platform.changes() == {}
    assert stage.history("--limit", "1") == [(3, "succeeded", BACK)]
    shown = platform.must("history", "show", "latest", "iris", "--stack", "dev").out
    assert f"rollback of {stage.name} to update 1: errors at noon" in shown

    again = stage.rollback("--to", "2", "--json")
    assert (again.code, again.json()["result"], again.json()["update"]) == (0, "applied", 4)
    assert release.read_text() == second
    assert stage.image() == "registry.local/caraml/iris:2.1"
    there = stage.rollback("--to", "2")
    assert (there.code, "as update 2 left it already" in there.out) == (0, True)
    assert len(stage.history()) == 4

    release.unlink()
    platform.up()
    assert stage.history("--limit", "1") == [
        (5, "succeeded", ["version 1 removed", "version 2 removed", "endpoint removed"])
    ]
    gone = stage.rollback("--to", "5")
    assert (gone.code, "allowed: 1-4" in " ".join(gone.err.split())) == (FAILED, True), gone.text
    restored = stage.rollback()
    assert restored.code == 0, restored.text
    assert release.is_file()
    assert (stage.image(), stage.weights()) == ("registry.local/caraml/iris:2.1", [60, 40])
    assert platform.changes() == {}


def test_a_rollback_that_a_policy_refuses_leaves_the_file_and_the_cluster(lasting: Stage) -> None:
    pack = lasting.platform.directory / "holes"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.1.0\n")
    (pack / "__main__.py").write_text(NO_OLD_IMAGES)
    text = lasting.platform.release.read_text()
    for arguments in ((), ("--json",)):
        refused = lasting.rollback("--policy-pack", str(pack), *arguments)
        assert refused.code == POLICY_VIOLATION, refused.text
        assert "iris:2.0 has a hole" in refused.text
        assert f"rollback of {lasting.name} to update 1 is refused" in refused.err
        assert "caraml policy explain RULE --stack dev" in refused.err
    assert lasting.platform.release.read_text() == text
    assert (lasting.image(), lasting.weights()) == ("registry.local/caraml/iris:2.1", [60, 40])
    assert len(lasting.history()) == 2


def test_a_rollback_that_was_killed_goes_on(stage: Stage) -> None:
    process = stage.platform.start("rollback", "iris", "--to", "1", "--stack", "dev", "--yes")
    deadline = time.monotonic() + 60
    while stage.image() != "registry.local/caraml/iris:2.0":
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)  # version 2 is back; its traffic follows
    process.communicate()
    assert stage.platform.release.read_text() == stage.first

    done = stage.rollback("--to", "1")
    assert done.code == 0, done.text
    assert (stage.image(), stage.weights()) == ("registry.local/caraml/iris:2.0", [90, 10])
    assert stage.platform.changes() == {}
    assert stage.history("--limit", "1")[0][1] == "succeeded"


def test_what_cannot_be_restored_changes_nothing(lasting: Stage) -> None:
    platform = lasting.platform
    text = platform.release.read_text()
    cases = [
        (("rollback", "iris", "--to", "9", "--yes"), 'has no update "9"', "allowed: 1-2, latest"),
        (("rollback", "rose", "--yes"), 'knows a model "rose"', f"allowed: {lasting.name}"),
        (("rollback", "iris", "--to", "1"), "nobody can answer here", "caraml rollback --yes"),
        (("history", "show", "9"), 'has no update "9"', "caraml history"),
        (("history", "diff", "1", "2", "rose"), 'no model "rose" in update 1 or 2', f"allowed: {lasting.name}"),
    ]
    for arguments, what, hint in cases:
        refused = platform.caraml(*arguments, "--stack", "dev")
        assert refused.code != 0
        assert what in refused.err
        assert hint in " ".join(refused.err.split())
    config = platform.directory / "stacks/Pulumi.dev.yaml"
    configured = config.read_text()
    config.write_text(configured.replace(platform.project, "other-team"))
    refused = lasting.rollback()
    config.write_text(configured)
    assert f"the release of {lasting.name} in update 1" in refused.err
    assert "other-team" in refused.err
    assert platform.release.read_text() == text
