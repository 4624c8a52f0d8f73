"""A gateway in front of model servers, for tests that send requests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from caraml_pulumi.cli.steps import Steps
from caraml_pulumi.cluster import istio, lifecycle
from caraml_pulumi.cluster.ports import free_ports
from caraml_pulumi.cluster.state import Cluster, State
from caraml_pulumi.model.modes import Protocol
from tests.e2e.conftest import LocalCluster
from tests.e2e.proxies.envoy import envoy_gateway
from tests.e2e.proxies.mesh import Mesh, platform_objects
from tests.e2e.proxies.model_server import ModelServer, model_server

Servers = Callable[..., ModelServer]


@pytest.fixture(scope="session")
def gateway(shared: Cluster, cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A platform with Istio, and a running gateway."""
    lifecycle.up(shared, with_knative=True, with_istio=True, report=Steps())
    state = State.load(shared)
    assert state is not None
    port, gateway_api_port, local_port, admin_port = free_ports(4)
    mesh = Mesh(cluster.client, port, gateway_api_port, local_port)
    mesh.apply(platform_objects(port, gateway_api_port, local_port))
    mesh.applied.clear()
    directory: Path = tmp_path_factory.mktemp("envoy")
    with envoy_gateway(directory, istio.xds_port(state), admin_port):
        yield mesh


@pytest.fixture
def mesh(gateway: Mesh) -> Iterator[Mesh]:
    """The gateway; what a test applies is deleted after it."""
    yield gateway
    gateway.forget()


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Starts servers of versions."""
    with ExitStack() as running:
        yield lambda full_name, protocol=Protocol.HTTP_JSON: running.enter_context(model_server(full_name, protocol))
