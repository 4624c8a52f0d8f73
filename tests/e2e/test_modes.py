"""A running version keeps its deployment mode; once it is stopped it may change it."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform

pytestmark = pytest.mark.e2e

RAW = "deploymentMode: RAW_DEPLOYMENT # a Deployment with a HorizontalPodAutoscaler"
CPU = "metric: cpu_utilization # percent of the CPU request"
TRAFFIC = "    - version: 1\n      weight: 90\n    - version: 2\n      weight: 10\n"
REFUSAL = "changing deployment type of a running model is not allowed, please terminate it first"


def of_version(cluster: LocalCluster, namespace: str, kind: str) -> list[str]:
    api_version, _, plural = kind.rpartition("/")
    items: list[Any] = cluster.client.request("GET", f"/apis/{api_version}/namespaces/{namespace}/{plural}")["items"]
    return [item["metadata"]["name"] for item in items if item["metadata"]["name"] == "iris-2"]


def route_of_version(cluster: LocalCluster, namespace: str) -> str:
    path = f"/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices/iris-2-vs"
    routes = cluster.client.request("GET", path)["spec"]["http"]
    (destination,) = {route["route"][0]["destination"]["host"] for route in routes}
    return str(destination)


def test_a_running_version_keeps_its_mode_and_a_stopped_one_changes_it(cluster: LocalCluster, tmp_path: Path) -> None:
    platform = Platform(tmp_path, cluster.kubeconfig, f"modes-{uuid.uuid4().hex[:8]}")
    knative, deployments = "serving.knative.dev/v1/services", "apps/v1/deployments"
    platform.up()
    assert of_version(cluster, platform.project, deployments) == ["iris-2"]
    raw = platform.release.read_text()

    platform.edit(RAW, "deploymentMode: SERVERLESS")
    platform.edit(CPU, "metric: rps")
    serverless = platform.release.read_text()
    for arguments in (["preview"], ["up", "--yes"], ["up", "--yes", "--skip-preview"]):
        refused = platform.caraml(*arguments, "--stack", "dev")
        assert refused.code == 1
        assert REFUSAL in refused.text
        assert "where:   iris-2: deploymentMode, RAW_DEPLOYMENT => SERVERLESS" in refused.text
    assert of_version(cluster, platform.project, deployments) == ["iris-2"]
    assert of_version(cluster, platform.project, knative) == []
    assert route_of_version(cluster, platform.project) == f"iris-2-predictor.{platform.project}.svc.cluster.local"

    platform.release.write_text(raw)
    assert platform.changes() == {}
    platform.edit(TRAFFIC, "    - version: 1\n      weight: 100\n")
    platform.up()
    platform.edit(RAW, f"stopped: true\n    {RAW}")
    platform.up()
    stopped = cluster.client.request("GET", f"/apis/apps/v1/namespaces/{platform.project}/deployments/iris-2")
    assert stopped["spec"]["replicas"] == 0

    platform.release.write_text(serverless)
    platform.up()
    assert of_version(cluster, platform.project, knative) == ["iris-2"]
    assert of_version(cluster, platform.project, deployments) == []
    assert route_of_version(cluster, platform.project) == "knative-local-gateway.istio-system.svc.cluster.local"
    assert platform.changes() == {}
    cluster.leave(platform.project)
