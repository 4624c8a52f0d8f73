"""A platform on each backend, deployed, changed and moved to another with `caraml`."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform

pytestmark = pytest.mark.e2e
KINDS = {
    "VirtualService": "networking.istio.io/v1/virtualservices",
    "HTTPRoute": "gateway.networking.k8s.io/v1/httproutes",
    "Ingress": "networking.k8s.io/v1/ingresses",
    "Route": "serving.knative.dev/v1/routes",
}


@pytest.fixture
def on(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path, cluster.kubeconfig, f"backend-{uuid.uuid4().hex[:8]}")
    yield platform
    cluster.leave(platform.project)


def backend(on: Platform, settings: str) -> None:
    """Set how the platform of the stack dev routes."""
    stack = on.directory / "stacks/Pulumi.dev.yaml"
    lines = [
        line for line in stack.read_text().splitlines() if not line.startswith(("    routing:", "    gatewayApi:"))
    ]
    at = lines.index("    domain: dev.example.test") + 1
    stack.write_text("\n".join([*lines[:at], *settings.splitlines(), *lines[at:]]) + "\n")


def routes(cluster: LocalCluster, on: Platform) -> dict[str, Any]:
    """What routes requests in the project, as ``kind/name``."""
    found: dict[str, Any] = {}
    for kind, path in KINDS.items():
        group, _, plural = path.rpartition("/")
        listed = cluster.client.request("GET", f"/apis/{group}/namespaces/{on.project}/{plural}")["items"]
        found |= {f"{kind}/{item['metadata']['name']}": item for item in listed}
    return found


ISTIO = "    routing: {backend: ISTIO}"
GATEWAY_API = "    routing: {backend: GATEWAY_API}\n    gatewayApi: {service: istio-system/gateway-istio}"
INGRESS = "    routing: {backend: INGRESS, tls: {secretName: models-tls}}"
KNATIVE = "    routing: {backend: KNATIVE}"


def test_a_platform_moves_from_istio_to_the_gateway_api_and_its_weights_are_one_change_there(
    cluster: LocalCluster, on: Platform
) -> None:
    backend(on, ISTIO)
    on.up()
    backend(on, GATEWAY_API)
    on.up()
    found = routes(cluster, on)
    assert sorted(name for name in found if not name.startswith("Route/")) == [
        "HTTPRoute/iris",
        "HTTPRoute/iris-1-version",
        "HTTPRoute/iris-2-version",
    ]
    assert on.changes() == {}

    on.edit("weight: 90", "weight: 70")
    on.edit("weight: 10\n", "weight: 30\n")
    changed = [urn for urn in on.changes()["update"] if "networking.k8s.io" in urn]
    assert changed == [f"kubernetes:gateway.networking.k8s.io/v1:HTTPRoute::{on.project}-iris"]
    on.up()
    first, *_ = routes(cluster, on)["HTTPRoute/iris"]["spec"]["rules"]
    assert [one["weight"] for one in first["backendRefs"]] == [70, 30]


def test_ingresses_lead_to_one_version_of_http_json_and_then_to_the_other(cluster: LocalCluster, on: Platform) -> None:
    backend(on, INGRESS)
    refused = on.caraml("preview", "--stack", "dev")
    assert refused.code != 0
    assert "backend INGRESS cannot divide HTTP_JSON requests over two versions" in refused.text
    assert "iris.yaml:" in refused.text
    on.edit("weight: 90", "weight: 100")
    on.edit("weight: 10\n", "weight: 0\n")
    shown = on.up()
    assert f"https://{on.project}.dev.example.test/deployment/iris/v1/predict" in shown.out
    assert service(cluster, on) == ("iris-1", "/v1/models/iris-1:predict")
    assert on.changes() == {}

    on.edit("weight: 100", "weight: 0")
    on.edit("weight: 0\n    - version: 2\n      weight: 0", "weight: 0\n    - version: 2\n      weight: 100")
    changed = [urn for urn in on.changes()["update"] if "networking.k8s.io" in urn]
    assert changed == [f"kubernetes:networking.k8s.io/v1:Ingress::{on.project}-iris"]
    on.up()
    assert service(cluster, on) == ("iris-2-predictor", "/v1/models/iris-2:predict")


def service(cluster: LocalCluster, on: Platform) -> tuple[str, str]:
    """The Service of the endpoint's Ingress and the path that it asks for there."""
    ingress = routes(cluster, on)["Ingress/iris"]
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    annotations = ingress["metadata"]["annotations"]
    return path["backend"]["service"]["name"], annotations["nginx.ingress.kubernetes.io/rewrite-target"]


def test_knative_makes_the_endpoint_ready_before_the_update_ends_and_follows_its_weights(
    cluster: LocalCluster, on: Platform
) -> None:
    backend(on, KNATIVE)
    text = on.release.read_text()
    policy = text[
        text.index("    autoscalingPolicy:\n      metric: cpu_utilization") : text.index("    resourceRequest")
    ]
    on.edit(policy, "")
    on.edit("deploymentMode: RAW_DEPLOYMENT", "deploymentMode: SERVERLESS")
    on.release.write_text(on.release.read_text().replace("    image:", "    protocol: UPI_V1\n    image:"))
    shown = on.up()
    assert f"iris.{on.project}.dev.example.test" in shown.out
    found = routes(cluster, on)
    assert sorted(found) == ["Route/iris", "Route/iris-1", "Route/iris-2"]
    conditions = found["Route/iris"]["status"]["conditions"]
    assert {item["type"]: item["status"] for item in conditions}["Ready"] == "True"
    assert found["Route/iris-1"]["status"]["url"] == f"http://iris-1.{on.project}.example.test"
    assert on.changes() == {}

    on.edit("weight: 90", "weight: 60")
    on.edit("weight: 10\n", "weight: 40\n")
    on.up()
    shares = routes(cluster, on)["Route/iris"]["status"]["traffic"]
    assert {share["revisionName"].rpartition("-")[0]: share["percent"] for share in shares} == {
        "iris-1": 60,
        "iris-2": 40,
    }
