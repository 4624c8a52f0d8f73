"""How istiod is started; that it serves routes is tested end to end."""

from pathlib import Path

import pytest

from caraml_pulumi.cluster import istio
from caraml_pulumi.cluster.parts import ISTIO
from caraml_pulumi.cluster.state import Cluster, State


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    one = Cluster.named("one", tmp_path)
    one.create_home()
    return one


def prepared(cluster: Cluster) -> State:
    state = State(ports={}, tools={ISTIO.name: ISTIO.hash})
    istio.prepare(cluster, state)
    return state


def test_every_address_is_on_loopback_and_the_others_are_off(cluster: Cluster) -> None:
    state = prepared(cluster)
    arguments = istio.server(cluster, state).arguments
    given = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    addresses = {flag: address for flag, address in given.items() if flag.endswith("Addr")}
    assert {flag for flag, address in addresses.items() if not address} == {"--httpsAddr", "--secureGRPCAddr"}
    on = [address for address in addresses.values() if address]
    assert len(on) == 3
    assert all(address.startswith("127.0.0.1:") for address in on)
    assert given["--ctrlz_address"] == "127.0.0.1"
    assert given["--grpcAddr"] == f"127.0.0.1:{istio.xds_port(state)}"


def test_ports_stay_as_they_are_once_given(cluster: Cluster) -> None:
    state = prepared(cluster)
    before = dict(state.ports)
    istio.prepare(cluster, state)
    assert state.ports == before
    assert len(set(before.values())) == 4
