"""Requests through a real Envoy that istiod gave our VirtualServices."""

import pytest

from caraml_pulumi.manifests import routing
from tests.e2e.proxies.conftest import Servers
from tests.e2e.proxies.mesh import Mesh
from tests.unit.model import builders

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("proxies")]
HOST = "iris.{}.models.example.com"


def test_each_version_answers_on_its_own_path_at_about_its_weight(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one, two = servers("iris-1"), servers("iris-2")
    serverless = builders.version(project=namespace)
    raw = builders.version(project=namespace, version=2, deploymentMode="RAW_DEPLOYMENT")
    mesh.deploy(serverless, one)
    mesh.deploy(raw, two)
    plan = builders.endpoint([{"version": 1, "weight": 90}, {"version": 2, "weight": 10}], project=namespace)
    mesh.apply(routing.endpoint_objects(plan, builders.platform()))
    mesh.settle()
    found = mesh.answers(1000, HOST.format(namespace))
    assert set(found) == {"iris-1", "iris-2"}
    assert 50 <= found["iris-2"] <= 150
    assert {request.path for request in one.received} == {"/v1/models/iris-1:predict"}
    assert {request.path for request in two.received} == {"/v1/models/iris-2:predict"}
