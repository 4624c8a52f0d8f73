"""Requests by Knative Routes: Knative's real controllers make Ingresses of them, and a real Envoy routes by those."""

import time
from typing import Any

import pytest

from caraml_pulumi.manifests import routing
from caraml_pulumi.model.endpoint_plan import EndpointPlan
from caraml_pulumi.model.modes import Protocol
from caraml_pulumi.model.routing import RoutingBackend
from tests.e2e.proxies.conftest import Servers
from tests.e2e.proxies.kingress import services, virtual_services
from tests.e2e.proxies.mesh import Mesh, instead_of_pods
from tests.e2e.proxies.model_server import ModelServer
from tests.unit.model import builders

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.parametrize("backend", [RoutingBackend.ISTIO]),
]
DOMAIN = "example.test"
"""Of the local control plane's Knative."""
IMAGE = "registry.local/team/iris:1"


def published(mesh: Mesh, namespace: str, traffic: dict[ModelServer, int]) -> EndpointPlan:
    """An endpoint that Knative routes, with `traffic` over SERVERLESS versions, once the gateway leads to it."""
    on = builders.platform(routing={"backend": "KNATIVE"}, domain=DOMAIN)
    numbers = {int(server.full_name.rpartition("-")[2]): server for server in traffic}
    versions = [
        builders.version(on, project=namespace, version=number, protocol=server.protocol, image=IMAGE)
        for number, server in numbers.items()
    ]
    shares = [{"version": number, "weight": traffic[server]} for number, server in numbers.items()]
    protocol = versions[0].protocol
    plan = builders.endpoint(shares, on, versions, project=namespace, protocol=protocol)
    mesh.apply([*(item for one in versions for item in builders.objects(one, on)), *routing.endpoint_objects(plan, on)])
    for name in (*(one.entry.name for one in versions), plan.model):
        ingress = ready_ingress(mesh, namespace, name)
        mesh.apply(virtual_services(ingress))
        for service, port in services(ingress):
            [server] = [server for server in traffic if service.startswith(f"{server.full_name}-")]
            mesh.apply(instead_of_pods(service, namespace, server, port))
    mesh.settle()
    return plan


def ready_ingress(mesh: Mesh, namespace: str, name: str) -> Any:
    """The Knative Ingress that the controllers made of a Route, once it leads to revisions."""
    path = mesh.client.path("networking.internal.knative.dev/v1alpha1", "Ingress", namespace)
    deadline = time.monotonic() + 30
    while True:
        found = [one for one in mesh.client.request("GET", path)["items"] if one["metadata"]["name"] == name]
        if found and all(service[-5:].isdigit() for service, _ in services(found[0])):
            return found[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_seldon_versions_get_their_percentages(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one, two = servers("iris-1", Protocol.SELDON), servers("iris-2", Protocol.SELDON)
    plan = published(mesh, namespace, {one: 80, two: 20})
    assert plan.url == f"http://iris.{namespace}.{DOMAIN}/api/v1.0/predictions"
    found = mesh.answers(500, plan.host, "/api/v1.0/predictions")
    assert set(found) == {"iris-1", "iris-2"}
    assert 50 <= found["iris-2"] <= 160
    for version in (1, 2):
        tagged, own = f"v{version}-iris.{namespace}.{DOMAIN}", f"iris-{version}.{namespace}.{DOMAIN}"
        for host in (tagged, own):
            assert mesh.answers(5, host, "/api/v1.0/predictions") == {f"iris-{version}": 5}


def test_grpc_calls_get_their_percentages(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one, two = servers("iris-1", Protocol.UPI_V1), servers("iris-2", Protocol.UPI_V1)
    plan = published(mesh, namespace, {one: 50, two: 50})
    found = mesh.calls(300, plan.host)
    assert set(found) == {"iris-1", "iris-2"}
    assert 100 <= found["iris-1"] <= 200


def test_an_http_json_version_answers_on_its_own_path(mesh: Mesh, servers: Servers, namespace: str) -> None:
    plan = published(mesh, namespace, {servers("iris-1"): 100})
    assert plan.url == f"http://iris.{namespace}.{DOMAIN}/v1/models/iris-1:predict"
    assert mesh.answers(5, plan.host, "/v1/models/iris-1:predict") == {"iris-1": 5}
    assert mesh.predict(plan.host).status == 404
