"""What each backend routes by, judged by the real API server with that backend's own definitions; and by Knative."""

import time
from typing import Any

import pytest

from caraml_pulumi.kube.client import APPLY_PATCH, KubeClient
from caraml_pulumi.kube.errors import KubeError
from caraml_pulumi.manifests import Manifest, routing
from caraml_pulumi.model.endpoint_plan import EndpointPlan
from caraml_pulumi.model.platform import PlatformSpec
from tests.e2e.conftest import LocalCluster
from tests.unit.model.builders import endpoint, objects, platform, version

pytestmark = pytest.mark.e2e
RAW = {"deploymentMode": "RAW_DEPLOYMENT"}
SPLIT = [{"version": 1, "weight": 90, **RAW}, {"version": 2, "weight": 10, **RAW}]
SERVERLESS = [{"version": 1, "weight": 100}]
SECOND = [{"version": 2, "weight": 100, **RAW}]
CORS = {
    "allowOrigins": ["https://app.example.com", "http://localhost:8080"],
    "allowMethods": ["POST", "OPTIONS"],
    "allowHeaders": ["content-type", "x-tenant"],
    "exposeHeaders": ["x-model"],
    "allowCredentials": True,
    "maxAgeSeconds": 600,
}
RETRIES = {"attempts": 3, "perTryTimeoutSeconds": 2, "retryOn": ["gateway-error", "connect-failure", "503"]}
PRIVATE = {
    "type": "private",
    "clients": [{"name": "app@example.com", "token": "correct horse"}, {"name": "batch", "token": "battery staple"}],
}
GOLD = {"headers": {"x-tier": {"exact": "gold"}}, "traffic": SECOND}
MATCHES = [
    {"headers": {"x-tier": {"exact": "gold"}, "x-region": {"regex": "eu-.*"}}, "traffic": SPLIT},
    GOLD,
    {"path": {"exact": "/v1/trial"}, "traffic": SECOND},
    {"path": {"prefix": "/v1/trials"}, "headers": {"x-tier": {"exact": "gold"}}, "traffic": SPLIT},
]
ALL_TO_ONE = [{"version": 1, "weight": 100, **RAW}]
AND_A_MIRROR = [*ALL_TO_ONE, {"version": 2, "weight": 0, **RAW}]
SHAPES: dict[str, list[dict[str, Any]]] = {
    "ISTIO": [
        {"traffic": SPLIT, "matches": [*MATCHES, {"headers": {"x": {"prefix": "y"}}, "traffic": SECOND}]},
        {"traffic": ALL_TO_ONE, "mirror": {"version": 2, "percentage": 20}, "retries": RETRIES, "timeoutSeconds": 9},
        {"traffic": SPLIT, "cors": CORS},
        {"traffic": SPLIT, "protocol": "UPI_V1", "retries": RETRIES, "matches": [GOLD]},
        {"traffic": SPLIT, "protocol": "SELDON"},
    ],
    "GATEWAY_API": [
        {"traffic": SPLIT, "matches": MATCHES, "cors": CORS, "timeoutSeconds": 9},
        {"traffic": SERVERLESS, "cors": {"allowOrigins": ["*"]}},
        {"traffic": SPLIT, "protocol": "UPI_V1", "matches": [GOLD]},
        {"traffic": AND_A_MIRROR, "protocol": "UPI_V1", "mirror": {"version": 2, "percentage": 20}},
        {"traffic": SERVERLESS, "protocol": "UPI_V1"},
        {"traffic": SPLIT, "protocol": "SELDON", "matches": MATCHES, "timeoutSeconds": 60},
        {"traffic": AND_A_MIRROR, "protocol": "SELDON", "mirror": {"version": 2, "percentage": 20}, "cors": CORS},
        {"traffic": [{"version": 1, "weight": 50}, {"version": 2, "weight": 50}], "protocol": "SELDON"},
    ],
    "KNATIVE": [
        {"traffic": SERVERLESS},
        {"traffic": [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}], "protocol": "UPI_V1"},
        {"traffic": [{"version": 1, "weight": 0}, {"version": 2, "weight": 100}], "protocol": "SELDON"},
    ],
    "INGRESS": [
        {"traffic": ALL_TO_ONE, "retries": RETRIES, "timeoutSeconds": 9, "cors": CORS, "maxRequestSize": "10Mi"},
        {"traffic": SERVERLESS, "access": PRIVATE},
        {"traffic": SPLIT, "protocol": "UPI_V1", "matches": [GOLD], "retries": {"attempts": 0}},
        {"traffic": SPLIT, "protocol": "SELDON", "access": PRIVATE},
        {
            "traffic": SPLIT,
            "protocol": "SELDON",
            "matches": [{**GOLD, "headers": {"x-tier": {"regex": "gold|silver"}}}],
        },
    ],
}
ALL = [
    pytest.param(backend, shape, id=f"{backend} {shape.get('protocol', 'HTTP_JSON')} {index}")
    for backend, shapes in SHAPES.items()
    for index, shape in enumerate(shapes)
]


def on(backend: str) -> PlatformSpec:
    return platform(
        routing={"backend": backend, "tls": {"secretName": "models-tls"}},
        gatewayApi={"service": "istio-system/gateway-istio", "sectionName": "https"},
        ingress={"annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "20m"}, "versionAddresses": True},
    )


def planned(backend: str, namespace: str, shape: dict[str, Any]) -> EndpointPlan:
    return endpoint(on=on(backend), project=namespace, **shape)


def apply(client: KubeClient, manifest: Manifest, **params: str) -> Any:
    """As an update does it, allowing no unknown or repeated field."""
    metadata = manifest["metadata"]
    path = client.path(manifest["apiVersion"], manifest["kind"], metadata["namespace"], metadata["name"])
    strict = {"fieldManager": "test", "force": "true", "fieldValidation": "Strict", **params}
    return client.request("PATCH", path, manifest, strict, APPLY_PATCH)


def state(found: Any) -> Any:
    """What changes when an object changes, whatever controllers write into its status meanwhile."""
    return found["metadata"].get("generation", found["metadata"]["resourceVersion"])


@pytest.mark.parametrize(("backend", "shape"), ALL)
def test_an_endpoint_is_admitted_strictly_and_an_unchanged_one_is_no_change(
    cluster: LocalCluster, namespace: str, backend: str, shape: dict[str, Any]
) -> None:
    plan = planned(backend, namespace, shape)
    objects = routing.endpoint_objects(plan, on(backend), "clients" if "access" in shape else None)
    if secret := routing.clients_secret(plan):
        objects.append({**secret, "metadata": {**secret["metadata"], "name": "clients"}})
    for manifest in objects:
        made = apply(cluster.client, manifest)
        assert state(apply(cluster.client, manifest)) == state(made)


@pytest.mark.parametrize("mode", ["SERVERLESS", "RAW_DEPLOYMENT"])
@pytest.mark.parametrize("protocol", ["HTTP_JSON", "UPI_V1", "SELDON"])
@pytest.mark.parametrize("backend", ["ISTIO", "GATEWAY_API", "INGRESS"])
def test_the_route_of_a_version_is_admitted_strictly_and_an_unchanged_one_is_no_change(
    cluster: LocalCluster, namespace: str, backend: str, protocol: str, mode: str
) -> None:
    limit = {} if protocol == "UPI_V1" else {"timeoutSeconds": 30}
    settings = {"deploymentMode": mode, "protocol": protocol, "annotations": {"example.com/owner": "fraud"}, **limit}
    plan = version(on(backend), project=namespace, **settings)
    (manifest,) = routing.version_objects(plan, on(backend))
    made = apply(cluster.client, manifest)
    assert state(apply(cluster.client, manifest)) == state(made)


def test_the_api_server_judges_routes(cluster: LocalCluster, namespace: str) -> None:
    (route,) = routing.endpoint_objects(planned("GATEWAY_API", namespace, {"traffic": SPLIT}), on("GATEWAY_API"))
    route["spec"]["rules"][0]["retry"] = {"attempts": 2}
    with pytest.raises(KubeError, match=r"unknown field|field not declared"):
        apply(cluster.client, route, dryRun="All")


def test_knatives_controllers_make_an_endpoint_ready_that_follows_new_revisions(
    cluster: LocalCluster, namespace: str
) -> None:
    shape = {"protocol": "UPI_V1", "traffic": [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}]}
    for number in (1, 2):
        deploy(cluster.client, namespace, number)
    (route,) = routing.endpoint_objects(planned("KNATIVE", namespace, shape), on("KNATIVE"))
    apply(cluster.client, route)
    assert traffic(cluster.client, namespace, "iris") == {
        "v1": ("iris-1-00001", 90, f"http://v1-iris.{namespace}.example.test"),
        "v2": ("iris-2-00001", 10, f"http://v2-iris.{namespace}.example.test"),
    }
    deploy(cluster.client, namespace, 2, image="registry.local/team/iris:2")
    deadline = time.monotonic() + 30
    while traffic(cluster.client, namespace, "iris")["v2"][0] != "iris-2-00002":
        assert time.monotonic() < deadline, "the endpoint does not follow version 2"
        time.sleep(0.2)


def test_knative_publishes_a_version_by_itself_where_it_is_the_backend_and_its_predictor_not_behind_a_transformer(
    cluster: LocalCluster, namespace: str
) -> None:
    deploy(cluster.client, namespace, 1, transformer={"image": "registry.local/caraml/transformer:1", **SMALL})
    assert url(cluster.client, namespace, "iris-1-transformer") == f"http://iris-1-transformer.{namespace}.example.test"
    assert url(cluster.client, namespace, "iris-1") == f"http://iris-1.{namespace}.svc.cluster.local"


SMALL = {"resourceRequest": {"cpuRequest": "10m", "memoryRequest": "16Mi"}}


def deploy(client: KubeClient, namespace: str, number: int, **settings: Any) -> None:
    given = {"project": namespace, "image": "registry.local/team/iris:1", "protocol": "UPI_V1", **SMALL, **settings}
    for manifest in objects(version(on("KNATIVE"), version=number, **given), on("KNATIVE")):
        apply(client, manifest)


def ready(client: KubeClient, namespace: str, kind: str, name: str) -> Any:
    deadline = time.monotonic() + 60
    while True:
        found = client.request("GET", client.path("serving.knative.dev/v1", kind, namespace, name))
        status = found.get("status", {})
        conditions = status.get("conditions", [])
        if status.get("observedGeneration") == found["metadata"]["generation"] and any(
            item["type"] == "Ready" and item["status"] == "True" for item in conditions
        ):
            return status
        assert time.monotonic() < deadline, f"{kind} {name} is not ready: {conditions}"
        time.sleep(0.1)


def traffic(client: KubeClient, namespace: str, name: str) -> dict[str, tuple[str, int, str]]:
    """The revision, percentage and address of each tag."""
    shares = ready(client, namespace, "Route", name)["traffic"]
    return {share["tag"]: (share["revisionName"], share["percent"], share["url"]) for share in shares}


def url(client: KubeClient, namespace: str, name: str) -> str:
    return str(ready(client, namespace, "Service", name)["url"])
