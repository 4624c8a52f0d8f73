"""`caraml promote` on real servers: what is deployed and healthy in dev becomes the release of staging, byte for byte.

Both environments are in one cluster, in projects of their own. Pods of version 2 are on a node that the test plays,
which tells the digest that they run; those of version 1 are kwok's, which tell none.
"""

import json
import re
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.artifacts.directory import hashed_directory
from caraml_pulumi.artifacts.store import Store
from caraml_pulumi.artifacts.upload import push
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.errors import FAILED, LOCKED, POLICY_VIOLATION, UNHEALTHY, USAGE
from caraml_pulumi.model.artifacts import Location
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform, Result
from tests.e2e.played_node import Played, PlayedNode, eventually, played_node

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("promotion")]

PINNED = f"registry.local/team/iris:1@sha256:{'a' * 64}"
TAGGED = "registry.local/team/iris:2"
RUNNING = f"sha256:{'b' * 64}"


def ready(digest: str = RUNNING, image: str = TAGGED) -> Played:
    """A replica that answers, and tells the digest of its image."""
    container = {
        "name": "model",
        "image": image,
        "imageID": f"registry.local/team/iris@{digest}" if digest else "",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": "2026-11-22T10:00:00Z"}},
    }
    return Played([container], phase="Running", ready=True)


CRASHING = Played(
    [
        {
            "name": "model",
            "image": TAGGED,
            "imageID": f"registry.local/team/iris@{RUNNING}",
            "ready": False,
            "restartCount": 4,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1m20s"}},
        }
    ],
    phase="Running",
)


class Environments:
    """The sample platform with a release of iris in dev, whose artifact is in dev's bucket."""

    def __init__(self, platform: Platform, cluster: LocalCluster, node: PlayedNode, buckets: tuple[str, str]) -> None:
        self.platform = platform
        self.cluster = cluster
        self.node = node
        self.dev, self.staging = platform.project, platform.project.replace("-dev", "-staging")
        self.buckets = buckets
        self.uri = self._push()
        staging = platform.directory / "stacks/Pulumi.staging.yaml"
        document = yaml.safe_load(staging.read_text().replace(self.dev, self.staging))
        document["config"]["caraml:artifacts"] = {"bucket": f"s3://{buckets[1]}/promoted"}
        staging.write_text(yaml.safe_dump(document))
        for path in platform.directory.glob("stacks/releases/staging/*"):
            path.unlink()

    @property
    def file(self) -> Path:
        """The release file of staging."""
        return self.platform.directory / "stacks/releases/staging/iris.yaml"

    def release(self, *versions: dict[str, Any], traffic: dict[int, int]) -> None:
        """Declare iris in dev."""
        shares = [{"version": version, "weight": weight} for version, weight in traffic.items()]
        content = {
            "model": "iris",
            "project": self.dev,
            "versions": [{"deploymentMode": "RAW_DEPLOYMENT", "replicas": 1, **version} for version in versions],
            "endpoint": {"traffic": shares},
        }
        self.platform.release.write_text(yaml.safe_dump(content, sort_keys=False))

    def first(self) -> dict[str, Any]:
        return {"version": 1, "image": PINNED, "storageUri": self.uri, "env": {"LOG_LEVEL": "debug"}}

    def second(self) -> dict[str, Any]:
        return {"version": 2, "image": TAGGED, "env": {"LOG_LEVEL": "debug"}, **self.node.placement}

    def promote(self, *more: str, model: str = "iris") -> Result:
        return self.platform.caraml("promote", model, "--from", "dev", "--to", "staging", *more)

    def promoted(self) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load(self.file.read_text())
        return document

    def images(self) -> dict[str, str]:
        """The images that staging runs, by the names of the workloads."""
        path = f"/apis/apps/v1/namespaces/{self.staging}/deployments"
        items = self.cluster.client.request("GET", path)["items"]
        return {one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]["image"] for one in items}

    def messages(self) -> list[str]:
        """Those of the updates of staging, the newest first."""
        return [one["message"] for one in self.platform.must("history", "--stack", "staging", "--json").json()]

    def _push(self) -> str:
        directory = self.platform.directory / "model"
        directory.mkdir()
        (directory / "weights.bin").write_bytes(b"weights" * 1000)
        (directory / "config.json").write_text("{}")
        return push(hashed_directory(directory), Store(Endpoint(), Location(self.buckets[0], "models/iris"))).uri


@pytest.fixture(scope="module")
def node(cluster: LocalCluster) -> Iterator[PlayedNode]:
    with played_node(cluster.client, f"played-{uuid.uuid4().hex[:6]}", cluster.kubeconfig.parent / "pki") as node:
        yield node


@pytest.fixture
def environments(
    cluster: LocalCluster, node: PlayedNode, s3_server: str, s3_environment: dict[str, str], tmp_path: Path
) -> Iterator[Environments]:
    tag = uuid.uuid4().hex[:6]
    buckets = f"dev-{tag}", f"staging-{tag}"
    for bucket in buckets:
        boto3.client("s3").create_bucket(Bucket=bucket)
    platform = Platform(tmp_path, cluster.kubeconfig, f"promo-{tag}-dev", variables=s3_environment)
    made = Environments(platform, cluster, node, buckets)
    node.plays["iris-2"] = ready()
    yield made
    for project in (made.dev, made.staging):
        cluster.leave(project)


def deployed(environments: Environments) -> Environments:
    """Version 1 takes the requests of dev."""
    environments.release(environments.first(), traffic={1: 100})
    environments.platform.up()
    return environments


def test_a_release_goes_on_with_its_digests_its_artifact_and_where_it_came_from(environments: Environments) -> None:
    on = deployed(environments)
    done = on.promote("--yes")
    assert done.code == 0, done.text
    digest = on.uri.rpartition("/")[2]
    release = on.promoted()
    assert release["versions"] == [
        {
            "version": 1,
            "image": PINNED,
            "deploymentMode": "RAW_DEPLOYMENT",
            "storageUri": f"s3://{on.buckets[1]}/promoted/iris/{digest}",
            "env": {"LOG_LEVEL": "debug"},
        }
    ]
    assert release["project"] == on.staging
    assert {key: release["promotedFrom"][key] for key in ("environment", "update")} == {
        "environment": "dev",
        "update": 1,
    }
    assert on.images() == {"iris-1": PINNED}
    assert on.messages() == [f"promote {on.staging}/iris version 1 from dev (update 1)"]
    listed = boto3.client("s3").list_objects_v2(Bucket=on.buckets[1])["Contents"]
    assert [one["Key"] for one in listed] == [
        f"promoted/iris/.manifests/{digest}.json",
        f"promoted/iris/{digest}/config.json",
        f"promoted/iris/{digest}/weights.bin",
    ]

    text = on.file.read_text()
    again = on.promote("--yes")
    assert (again.code, on.file.read_text(), len(on.messages())) == (0, text, 1), again.text
    assert "staging has version 1" in again.out
    assert "nothing is to be done" in again.out


def test_the_next_version_is_pinned_to_what_its_replicas_run_and_deployed_like_the_one_before(
    environments: Environments,
) -> None:
    on = deployed(environments)
    assert on.promote("--yes").code == 0
    text = on.file.read_text().replace("debug", "warning # staging is quiet")
    on.file.write_text(re.sub(r"^( +)(image:.*)$", r"\1\2\n\1resourceRequest: {cpuRequest: 0.05}", text, flags=re.M))
    on.platform.must("up", "--stack", "staging", "--yes")
    on.release(on.first(), on.second(), traffic={2: 100})
    on.platform.up()
    serving(on)
    shown = on.promote("--plan-only")
    assert (shown.code, on.promoted()["endpoint"]["traffic"]) == (0, [{"version": 1, "weight": 100}]), shown.text
    assert "+    image: registry.local/team/iris:2@sha256:bbbb" in shown.out
    assert "versions[2].env.LOG_LEVEL" in shown.out

    done = on.promote("--version", "2", "--weight", "20", "--yes", "--json")
    assert done.code == 0, done.text
    release = on.promoted()
    assert release["versions"][1] == {
        "version": 2,
        "image": f"{TAGGED}@{RUNNING}",
        "deploymentMode": "RAW_DEPLOYMENT",
        "env": {"LOG_LEVEL": "warning"},
        "resourceRequest": {"cpuRequest": "50m"},
    }
    assert [share["weight"] for share in release["endpoint"]["traffic"]] == [80, 20]
    assert "# staging is quiet" in on.file.read_text()
    assert "resourceRequest: {cpuRequest: 0.05}" in on.file.read_text()
    assert on.images() == {"iris-1": PINNED, "iris-2": f"{TAGGED}@{RUNNING}"}
    said = done.json()
    assert (said["result"], said["versions"]) == ("deployed", [2])
    own = ["env.LOG_LEVEL", "nodeSelector", "replicas", "resourceRequest.cpuRequest", "tolerations"]
    assert sorted(said["own"]) == [f"versions[2].{name}" for name in own]


def serving(on: Environments) -> None:
    """Wait until all of dev's iris is as it was declared."""
    eventually(lambda: all(one["status"] == "serving" for one in status(on)["endpoints"]))


def status(on: Environments) -> Any:
    return on.platform.caraml("status", "iris", "--stack", "dev", "--json").json()


def test_what_is_not_healthy_or_not_known_by_its_digest_is_refused_with_the_reason(environments: Environments) -> None:
    on = environments
    on.release(on.first(), on.second(), traffic={1: 50, 2: 50})
    on.platform.up()
    serving(on)
    refused = {
        "no release of a model": on.promote("--yes", model="iriss"),
        "version 3 of": on.promote("--version", "3", "--yes"),
        "has no project": on.promote("--project", "elsewhere", "--yes"),
    }
    for reason, result in refused.items():
        assert (result.code, reason in result.err) == (FAILED, True), result.text
    asks = on.promote()
    assert (asks.code, "nobody can answer here" in asks.err) == (USAGE, True), asks.text

    on.node.plays["iris-2"] = ready(digest="")
    eventually(lambda: "nothing tells which digest" in on.promote("--no-apply").err)
    on.node.plays["iris-2"] = CRASHING
    crashed = eventually(lambda: (found := on.promote("--yes")).code == UNHEALTHY and found)
    assert "version 2 of" in crashed.err
    assert "container model ends again and again" in crashed.err
    assert f"see caraml status {on.dev}/iris/2 --stack dev" in crashed.err

    backend = open_backend(on.platform.environment["PULUMI_BACKEND_URL"])
    with backend.lock("caraml-platform", "dev", "up"):
        locked = on.promote("--version", "1", "--yes")
    assert (locked.code, "an update of dev is under way" in locked.err) == (LOCKED, True), locked.text
    with backend.lock("caraml-platform", "staging", "promote"):
        beside = on.promote("--version", "1", "--no-apply")
    assert (beside.code, "locked by another run: 'promote'" in beside.err) == (LOCKED, True), beside.text
    assert not on.file.exists()
    assert on.promote("--version", "1", "--no-apply").code == 0
    assert [one["version"] for one in on.promoted()["versions"]] == [1]


def test_the_file_is_as_before_when_a_policy_refuses_and_the_evidence_is_promotes_own(
    environments: Environments,
) -> None:
    on = deployed(environments)
    rules = on.platform.directory / "rules.json"
    pack = ("--policy-pack", "policies", "--policy-pack-config", str(rules), "--yes")
    before = {"enforcementLevel": "mandatory", "environments": ["staging"]}
    labels = {"enforcementLevel": "mandatory", "labels": ["cost-centre"]}
    rules.write_text(json.dumps({"all": "disabled", "digest-deployed-before": before, "labels-present": labels}))
    refused = on.promote(*pack)
    assert refused.code == POLICY_VIOLATION, refused.text
    assert "labels-present" in refused.text
    assert "digest-deployed-before" not in refused.text
    assert not on.file.parent.exists()

    rules.write_text(json.dumps({"all": "disabled", "digest-deployed-before": before}))
    done = on.promote(*pack)
    assert done.code == 0, done.text


def test_a_promotion_that_was_killed_goes_on(environments: Environments) -> None:
    on = deployed(environments)
    journals = on.platform.directory / "backend/.pulumi/journals"
    killed = on.platform.start("promote", "iris", "--from", "dev", "--to", "staging", "--yes")
    eventually(lambda: killed.poll() is not None or [*journals.rglob("staging.jsonl")])
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    text = on.file.read_text()
    done = on.promote("--yes")
    assert (done.code, on.file.read_text()) == (0, text), done.text
    assert on.images() == {"iris-1": PINNED}
    assert "nothing is to be done" in on.promote("--yes").out


def test_an_update_that_failed_leaves_the_file_and_the_same_command_goes_on(environments: Environments) -> None:
    on = deployed(environments)
    staging = on.platform.directory / "stacks/Pulumi.staging.yaml"
    document = yaml.safe_load(staging.read_text())
    document["config"]["caraml:platform"]["deploymentTimeoutSeconds"] = 6
    staging.write_text(yaml.safe_dump(document))
    assert on.promote("--no-apply").code == 0
    text = on.file.read_text()
    on.file.write_text(re.sub(r"^( +)(image:.*)$", r"\1\2\n\1nodeSelector: {pool: gone}", text, flags=re.M))
    failed = on.promote("--yes")
    assert failed.code == FAILED, failed.text
    assert "stacks/releases/staging/iris.yaml stays as promoted; the same command goes on" in failed.err
    assert "nodeSelector" in on.file.read_text()

    on.file.write_text(text)
    done = on.promote("--yes")
    assert (done.code, on.file.read_text()) == (0, text), done.text
    listed = on.platform.must("releases", "iris", "--json").json()
    assert [(one["stack"], one["version"], one["weight"]) for one in listed] == [("dev", 1, 100), ("staging", 1, 100)]
    assert len({(one["imageDigest"], one["artifactDigest"]) for one in listed}) == 1
