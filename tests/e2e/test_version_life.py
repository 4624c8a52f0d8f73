"""A version over its life: redeployed without a moment in which nothing answers, stopped, started and undeployed."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.errors import KubeError
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import REPOSITORY, Platform

pytestmark = pytest.mark.e2e
KNATIVE = "/apis/serving.knative.dev/v1/namespaces/{}/services"
REVISIONS = "/apis/serving.knative.dev/v1/namespaces/{}/revisions"
SECRETS = "/api/v1/namespaces/{}/secrets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
ROUTES = "/apis/networking.istio.io/v1/namespaces/{}/virtualservices"
ALL_TO_FIRST = "endpoint:\n  traffic: [{version: 1, weight: 100}]\n"


@pytest.fixture
def on(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    """The sample platform, deployed; only version 1 has traffic."""
    platform = Platform(tmp_path, cluster.kubeconfig, f"life-{uuid.uuid4().hex[:8]}")
    text = platform.release.read_text()
    platform.release.write_text(text[: text.index("endpoint:")] + ALL_TO_FIRST)
    platform.up()
    yield platform
    cluster.leave(platform.project)


def items(cluster: LocalCluster, path: str, platform: Platform) -> dict[str, Any]:
    found = cluster.client.request("GET", path.format(platform.project))["items"]
    return {item["metadata"]["name"]: item for item in found}


def is_ready(item: Any) -> bool:
    return any(
        one["type"] == "Ready" and one["status"] == "True" for one in item.get("status", {}).get("conditions", [])
    )


@contextmanager
def always(check: Callable[[KubeClient], bool], cluster: LocalCluster) -> Iterator[None]:
    """Look again and again while the block runs; it must have been true each time, and looked at often enough."""
    client = KubeClient.from_kubeconfig(str(cluster.kubeconfig))
    over, answers = threading.Event(), []

    def watch() -> None:
        while not over.is_set():
            answers.append(check(client))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        client.close()
    assert len(answers) > 10
    assert all(answers)


def raw_is_answered(platform: Platform) -> Callable[[KubeClient], bool]:
    """Whether a replica of version 2 is behind its Service: what kube-proxy and Istio send requests to."""
    path = f"{SLICES.format(platform.project)}?labelSelector=kubernetes.io%2Fservice-name%3Diris-2-predictor"

    def check(client: KubeClient) -> bool:
        slices = client.request("GET", path)["items"]
        return any(one["conditions"]["ready"] for item in slices for one in item.get("endpoints") or [])

    return check


def knative_is_answered(platform: Platform) -> Callable[[KubeClient], bool]:
    """Whether all traffic of the Service that version 1's route names goes to revisions that are ready."""

    def check(client: KubeClient) -> bool:
        route = client.request("GET", f"{ROUTES.format(platform.project)}/iris-1-vs")["spec"]["http"][-1]["route"][0]
        service = route["headers"]["request"]["set"]["Host"].partition(".")[0]
        try:
            status = client.request("GET", f"{KNATIVE.format(platform.project)}/{service}")["status"]
            targets = [target["revisionName"] for target in status["traffic"]]
            found = [client.request("GET", f"{REVISIONS.format(platform.project)}/{name}") for name in targets]
        except KubeError:
            return False
        return bool(found) and all(is_ready(revision) for revision in found)

    return check


def test_a_raw_version_is_redeployed_in_place_without_downtime(cluster: LocalCluster, on: Platform) -> None:
    on.edit("iris:2.0", "iris:2.1")
    with always(raw_is_answered(on), cluster):
        on.up()
    containers = items(cluster, DEPLOYMENTS, on)["iris-2"]["spec"]["template"]["spec"]["containers"]
    assert containers[0]["image"].endswith("iris:2.1")
    assert containers[0]["lifecycle"]["preStop"]["sleep"]["seconds"] == 10


def test_a_serverless_version_is_redeployed_in_place_without_downtime(cluster: LocalCluster, on: Platform) -> None:
    on.edit("iris:1.0", "iris:1.1")
    with always(knative_is_answered(on), cluster):
        on.up()
    service = items(cluster, KNATIVE, on)["iris-1"]
    assert service["status"]["latestReadyRevisionName"] == "iris-1-00002"


def test_a_serverless_version_with_a_new_revision_is_there_before_the_old_one_goes(
    cluster: LocalCluster, on: Platform
) -> None:
    on.edit("  - version: 1\n", "  - version: 1\n    revision: 2\n")
    with always(knative_is_answered(on), cluster):
        on.up()
    assert set(items(cluster, KNATIVE, on)) == {"iris-1-r2"}
    container = items(cluster, KNATIVE, on)["iris-1-r2"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "CARAML_MODEL_FULL_NAME", "value": "iris-1"} in container["env"]
    assert on.changes() == {}


def test_a_raw_version_with_a_new_revision_is_there_before_the_old_one_goes(
    cluster: LocalCluster, on: Platform
) -> None:
    on.edit("  - version: 2\n", "  - version: 2\n    revision: 7\n")

    def answered(client: KubeClient) -> bool:
        route = client.request("GET", f"{ROUTES.format(on.project)}/iris-2-vs")["spec"]["http"][-1]["route"][0]
        service = route["destination"]["host"].partition(".")[0]
        slices = client.request("GET", SLICES.format(on.project))["items"]
        mine = [item for item in slices if item["metadata"]["labels"]["kubernetes.io/service-name"] == service]
        return any(one["conditions"]["ready"] for item in mine for one in item.get("endpoints") or [])

    with always(answered, cluster):
        on.up()
    assert set(items(cluster, DEPLOYMENTS, on)) & {"iris-2", "iris-2-r7"} == {"iris-2-r7"}
    assert on.changes() == {}


def test_a_stopped_raw_version_has_no_replicas_and_keeps_its_address(cluster: LocalCluster, on: Platform) -> None:
    on.edit("  - version: 2\n", "  - version: 2\n    stopped: true\n")
    on.up()
    assert items(cluster, DEPLOYMENTS, on)["iris-2"]["spec"]["replicas"] == 0
    assert items(cluster, AUTOSCALERS, on) == {}
    assert "iris-2-vs" in items(cluster, ROUTES, on)
    outputs = on.must("stack", "output", "--stack", "dev", "--json").json()
    assert outputs[f"{on.project}/iris"]["versions"]["2"]["status"] == "terminated"
    assert on.changes() == {}

    on.edit("    stopped: true\n", "")
    on.up()
    assert set(items(cluster, AUTOSCALERS, on)) == {"iris-2"}
    assert raw_is_answered(on)(cluster.client)
    assert on.changes() == {}


def test_a_stopped_serverless_version_has_no_workload_and_keeps_its_address(
    cluster: LocalCluster, on: Platform
) -> None:
    on.edit(ALL_TO_FIRST, "endpoint:\n  traffic: [{version: 2, weight: 100}]\n")
    on.up()
    on.edit("  - version: 1\n", "  - version: 1\n    stopped: true\n")
    on.up()
    assert items(cluster, KNATIVE, on) == {}
    assert "iris-1-vs" in items(cluster, ROUTES, on)

    on.edit("    stopped: true\n", "")
    on.up()
    assert is_ready(items(cluster, KNATIVE, on)["iris-1"])


def test_traffic_to_a_stopped_version_is_refused(on: Platform) -> None:
    on.edit("  - version: 1\n", "  - version: 1\n    stopped: true\n")
    refused = on.caraml("preview", "--stack", "dev")
    assert refused.code == 1
    assert "traffic goes to version 1, which is stopped" in refused.text


def test_a_third_version_may_be_there_if_one_is_stopped(on: Platform) -> None:
    on.edit("  - version: 2\n", "  - version: 3\n    image: registry.local/caraml/iris:3\n  - version: 2\n")
    assert "at most 2 deployed versions" in on.caraml("preview", "--stack", "dev").text
    on.edit("  - version: 2\n", "  - version: 2\n    stopped: true\n")
    on.must("preview", "--stack", "dev", "--policy-pack", "policies")


def test_a_version_that_is_taken_out_is_undeployed_whole(cluster: LocalCluster, on: Platform) -> None:
    text = on.release.read_text()
    on.release.write_text(text[: text.index("  - version: 2\n")] + ALL_TO_FIRST)
    on.up()
    assert not [name for name in items(cluster, ROUTES, on) if name.startswith("iris-2")]
    assert "iris-2" not in items(cluster, DEPLOYMENTS, on)
    assert items(cluster, AUTOSCALERS, on) == {}


def test_a_changed_secret_replaces_the_replicas_and_is_never_written_down(cluster: LocalCluster, on: Platform) -> None:
    program = on.directory / "stacks/__main__.py"
    secret = '**version.given(), secrets={"API_KEY": "first-hidden-word"},'
    written = (REPOSITORY / "caraml_pulumi/environment.py").read_text().replace("**version.given(),", secret)
    program.write_text(written + "\n\ndeploy_environment(Path(__file__).parent)\n")
    said = on.up().text
    template = items(cluster, DEPLOYMENTS, on)["iris-2"]["spec"]["template"]
    (variable,) = [item for item in template["spec"]["containers"][0]["env"] if item["name"] == "API_KEY"]
    kept = variable["valueFrom"]["secretKeyRef"]["name"]
    assert kept in items(cluster, SECRETS, on)
    assert on.changes() == {}

    program.write_text(program.read_text().replace("first-hidden-word", "second-hidden-word"))
    changes = on.changes()
    assert {name.partition("::")[0] for name in changes["update"]} == {
        "kubernetes:apps/v1:Deployment",
        "kubernetes:serving.knative.dev/v1:Service",
    }
    said += on.must("preview", "--stack", "dev", "--diff").text + on.up().text
    after = items(cluster, DEPLOYMENTS, on)["iris-2"]["spec"]["template"]
    (changed,) = [item for item in after["spec"]["containers"][0]["env"] if item["name"] == "API_KEY"]
    assert changed["valueFrom"]["secretKeyRef"]["name"] in items(cluster, SECRETS, on)
    assert kept not in items(cluster, SECRETS, on)
    assert on.changes() == {}
    stored = "".join(path.read_text() for path in (on.directory / "backend").rglob("*.json"))
    assert "hidden-word" not in said + stored


def test_a_release_file_takes_no_secret_values(on: Platform) -> None:
    on.edit("  - version: 2\n", "  - version: 2\n    secrets: {API_KEY: hidden-word}\n")
    refused = on.caraml("preview", "--stack", "dev")
    assert refused.code == 1
    assert "would keep the value of API_KEY in plain text" in refused.text
    assert "hidden-word" not in refused.text
