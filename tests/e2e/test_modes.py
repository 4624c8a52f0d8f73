"""A version changes its deployment mode while it serves."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform

pytestmark = pytest.mark.e2e

RAW = "deploymentMode: RAW_DEPLOYMENT # a Deployment with a HorizontalPodAutoscaler"
CPU = "metric: cpu_utilization # percent of the CPU request"


def of_version(cluster: LocalCluster, namespace: str, kind: str) -> list[str]:
    api_version, _, plural = kind.rpartition("/")
    items: list[Any] = cluster.client.request("GET", f"/apis/{api_version}/namespaces/{namespace}/{plural}")["items"]
    return [item["metadata"]["name"] for item in items if item["metadata"]["name"] == "iris-2"]


def route_of_version(cluster: LocalCluster, namespace: str) -> str:
    path = f"/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices/iris-2-vs"
    routes = cluster.client.request("GET", path)["spec"]["http"]
    (destination,) = {route["route"][0]["destination"]["host"] for route in routes}
    return str(destination)


def test_a_version_changes_its_mode_and_back_and_leaves_nothing_behind(cluster: LocalCluster, tmp_path: Path) -> None:
    platform = Platform(tmp_path, cluster.kubeconfig, f"modes-{uuid.uuid4().hex[:8]}")
    knative, deployments = "serving.knative.dev/v1/services", "apps/v1/deployments"
    platform.up()
    assert of_version(cluster, platform.project, deployments) == ["iris-2"]

    platform.edit(RAW, "deploymentMode: SERVERLESS")
    platform.edit(CPU, "metric: rps")
    platform.up()
    assert of_version(cluster, platform.project, knative) == ["iris-2"]
    assert of_version(cluster, platform.project, deployments) == []
    assert route_of_version(cluster, platform.project) == "knative-local-gateway.istio-system.svc.cluster.local"

    platform.edit(
        "deploymentMode: SERVERLESS\n    autoscalingPolicy:\n      metric: rps",
        f"{RAW}\n    autoscalingPolicy:\n      {CPU}",
    )
    platform.up()
    assert of_version(cluster, platform.project, knative) == []
    assert of_version(cluster, platform.project, deployments) == ["iris-2"]
    assert route_of_version(cluster, platform.project) == f"iris-2-predictor.{platform.project}.svc.cluster.local"
    assert platform.changes() == {}
    cluster.client.request("DELETE", f"/api/v1/namespaces/{platform.project}")
