"""The main job, as the README tells it: two versions of a model and their endpoint, from nothing and back."""

import json
import re
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.errors import CHANGES, FAILED, POLICY_VIOLATION
from caraml_pulumi.kube.errors import KubeError
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform

pytestmark = pytest.mark.e2e


@pytest.fixture
def platform(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path, cluster.kubeconfig, f"team-{uuid.uuid4().hex[:8]}")
    yield platform
    cluster.leave(platform.project)


def objects(cluster: LocalCluster, platform: Platform, kinds: str) -> dict[str, Any]:
    """The objects of the platform's namespace, as ``kind/name``."""
    found = {}
    for path in kinds.split():
        group, _, plural = path.rpartition("/")
        url = f"/{'api' if group == 'v1' else 'apis'}/{group}/namespaces/{platform.project}/{plural}"
        for item in cluster.client.request("GET", url)["items"]:
            found[f"{plural}/{item['metadata']['name']}"] = item
    return found


KINDS = (
    "serving.knative.dev/v1/services apps/v1/deployments autoscaling/v2/horizontalpodautoscalers "
    "networking.istio.io/v1/virtualservices"
)


def test_two_versions_and_their_endpoint_are_deployed_changed_and_destroyed(
    cluster: LocalCluster, platform: Platform
) -> None:
    up = platform.up()
    assert f"http://iris.{platform.project}.dev.example.test/v1/predict" in up.out
    deployed = objects(cluster, platform, KINDS)
    ready = {item["type"]: item["status"] for item in deployed["services/iris-1"]["status"]["conditions"]}
    assert ready["Ready"] == "True"
    assert deployed["deployments/iris-2"]["status"]["availableReplicas"] >= 1
    assert "horizontalpodautoscalers/iris-2" in deployed
    assert {"virtualservices/iris", "virtualservices/iris-1-vs", "virtualservices/iris-2-vs"} <= set(deployed)
    assert platform.changes() == {}

    # An image and a weight change: exactly those two, and the weights that the dashboard shows.
    platform.edit("iris:2.0", "iris:2.1")
    platform.edit("weight: 90", "weight: 80")
    platform.edit("weight: 10\n", "weight: 20\n")
    preview = platform.must("preview", "--stack", "dev", "--diff")
    assert '"registry.local/caraml/iris:2.0" => "registry.local/caraml/iris:2.1"' in preview.out
    assert "90 => 80" in preview.out
    assert "10 => 20" in preview.out
    assert sorted(platform.changes()["update"]) == [
        f"caraml:index:CustomModelVersion::{platform.project}-iris-2",
        f"caraml:index:ModelEndpoint::{platform.project}-iris",
        f"caraml:index:ModelMonitoring::{platform.project}-iris",
        f"caraml:index:ModelRelease::{platform.project}-iris",
        f"kubernetes:apps/v1:Deployment::{platform.project}-iris-2",
        f"kubernetes:monitoring.coreos.com/v1:PrometheusRule::{platform.project}-iris",
        f"kubernetes:networking.istio.io/v1:VirtualService::{platform.project}-iris",
    ]
    assert set(platform.changes()) == {"update"}
    platform.up()
    changed = objects(cluster, platform, KINDS)
    container = changed["deployments/iris-2"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.local/caraml/iris:2.1"
    weights = re.findall(r'"weight": (\d+)', json.dumps(changed["virtualservices/iris"]["spec"]))
    assert weights == ["80", "20"]

    history = platform.must("history", "--stack", "dev", "--json").json()
    assert [(entry["kind"], entry["result"]) for entry in history] == [("update", "succeeded")] * 2
    assert history[0]["resourceChanges"]["update"] == 7
    assert "update" not in history[1]["resourceChanges"]
    assert platform.must("preview", "--stack", "dev", "--expect-no-changes").code == 0

    # Back again, then gone.
    platform.edit("iris:2.1", "iris:2.0")
    assert platform.caraml("preview", "--stack", "dev", "--expect-no-changes").code == CHANGES
    platform.up()
    platform.must("destroy", "--stack", "dev", "--yes")
    with pytest.raises(KubeError, match="not found"):
        cluster.client.request("GET", f"/api/v1/namespaces/{platform.project}")
    assert platform.resources() == []


THIRD = """  - version: 3
    image: registry.local/caraml/iris:3.0
    deploymentMode: SERVERLESS
endpoint:"""


def test_a_third_version_is_refused_before_anything_is_applied(cluster: LocalCluster, platform: Platform) -> None:
    platform.up()
    state, before = platform.resources(), objects(cluster, platform, KINDS)
    platform.edit("endpoint:", THIRD)
    for command in (["preview"], ["up", "--yes"], ["up", "--yes", "--skip-preview"]):
        refused = platform.caraml(*command, "--stack", "dev", "--policy-pack", "policies")
        assert refused.code in (FAILED, POLICY_VIOLATION)
        assert re.search(r"at most (2|two)", refused.text), refused.text
    assert platform.resources() == state
    after = objects(cluster, platform, KINDS)
    versions = {name: item["metadata"]["resourceVersion"] for name, item in before.items() if "virtual" in name}
    assert {name: after[name]["metadata"]["resourceVersion"] for name in versions} == versions
    assert set(after) == set(before)


def test_drift_is_shown_by_refresh_and_repaired_by_up(cluster: LocalCluster, platform: Platform) -> None:
    platform.up()
    url = f"/apis/networking.istio.io/v1/namespaces/{platform.project}/virtualservices/iris"
    endpoint = cluster.client.request("GET", url)
    edited = json.loads(json.dumps(endpoint["spec"]).replace('"weight": 90', '"weight": 1').replace(": 10", ": 99"))
    patch = {"spec": edited}
    by_hand = {"fieldManager": "kubectl-edit"}
    cluster.client.request("PATCH", url, body=patch, params=by_hand, content_type="application/merge-patch+json")

    refreshed = platform.must("refresh", "--stack", "dev", "--yes")
    assert "90 => 1" in refreshed.out
    assert platform.changes() == {
        "update": [f"kubernetes:networking.istio.io/v1:VirtualService::{platform.project}-iris"]
    }
    platform.up()
    assert cluster.client.request("GET", url)["spec"] == endpoint["spec"]
    assert platform.changes() == {}


def test_a_killed_update_is_finished_by_the_next(cluster: LocalCluster, platform: Platform) -> None:
    for round_ in range(3):
        process = platform.start("up", "--stack", "dev", "--yes", "--skip-preview")
        time.sleep(1.0 + 0.4 * round_)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    platform.up()
    assert platform.changes() == {}
    assert {"services/iris-1", "deployments/iris-2", "virtualservices/iris"} <= set(objects(cluster, platform, KINDS))
    urns = [item["urn"] for item in platform.resources()]
    assert len(urns) == len(set(urns))
    platform.must("destroy", "--stack", "dev", "--yes")
    with pytest.raises(KubeError, match="not found"):
        cluster.client.request("GET", f"/api/v1/namespaces/{platform.project}")


def test_manifests_are_rendered_alike_before_and_after_they_are_applied(platform: Platform) -> None:
    def render(name: str) -> dict[str, str]:
        platform.must("preview", "--stack", "dev", "--render", str(platform.directory / name))
        return {path.name: path.read_text() for path in sorted((platform.directory / name).iterdir())}

    before = render("before")
    assert next(iter(before)) == f"0001-v1-namespace-{platform.project}.yaml"
    assert len(before) == 14
    platform.up()
    assert render("after") == before
