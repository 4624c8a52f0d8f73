"""A gateway in front of model servers, for tests that send requests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from caraml_pulumi.cli.steps import Steps
from caraml_pulumi.cluster import istio, lifecycle
from caraml_pulumi.cluster.istio import NAMESPACE
from caraml_pulumi.cluster.state import Cluster, State
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.model.modes import Protocol
from caraml_pulumi.model.routing import RoutingBackend
from tests.e2e.conftest import LocalCluster
from tests.e2e.proxies import envoy
from tests.e2e.proxies.mesh import GATEWAY, INGRESS_GATEWAY, LOCAL_GATEWAY, Mesh, platform_objects
from tests.e2e.proxies.model_server import ModelServer, model_server
from tests.unit.model import builders

Servers = Callable[..., ModelServer]


@dataclass
class Gateways:
    """The running gateways of a platform: one Envoy that is all of them, on these ports."""

    client: KubeClient
    ports: dict[str, int]


@pytest.fixture(scope="session")
def gateways(shared: Cluster, cluster: LocalCluster) -> Iterator[Gateways]:
    """A platform with Istio, and its gateways; parallel workers share them."""
    lifecycle.up(shared, with_knative=True, with_istio=True, report=Steps())
    state = State.load(shared)
    assert state is not None
    ports = envoy.ports_of(shared, (INGRESS_GATEWAY, LOCAL_GATEWAY, GATEWAY))
    admin_port = ports.pop(envoy.ADMIN)
    Mesh(cluster.client, builders.platform(), 0).apply(platform_objects(ports))
    envoy.start(shared, istio.xds_port(state), admin_port)
    yield Gateways(cluster.client, ports)
    assert envoy.refused(admin_port) == []


@pytest.fixture(params=[RoutingBackend.ISTIO, RoutingBackend.GATEWAY_API])
def backend(request: pytest.FixtureRequest) -> RoutingBackend:
    """What routes; a test that is about fewer backends says so."""
    found: RoutingBackend = request.param
    return found


@pytest.fixture
def mesh(gateways: Gateways, backend: RoutingBackend) -> Iterator[Mesh]:
    """The gateways of a platform with that backend; what a test applies is deleted after it."""
    name = GATEWAY if backend is RoutingBackend.GATEWAY_API else INGRESS_GATEWAY
    gateway_api = {"gateway": f"{NAMESPACE}/{GATEWAY}", "service": f"{NAMESPACE}/{GATEWAY}"}
    platform = builders.platform(routing={"backend": backend}, gatewayApi=gateway_api)
    mesh = Mesh(gateways.client, platform, gateways.ports[name])
    yield mesh
    mesh.forget()


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Starts servers of versions."""
    with ExitStack() as running:
        yield lambda full_name, protocol=Protocol.HTTP_JSON: running.enter_context(model_server(full_name, protocol))
