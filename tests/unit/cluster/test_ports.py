import os
import socket
from collections.abc import Iterator

import pytest

from caraml_pulumi.cluster import ports
from caraml_pulumi.errors import CaramlError


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))  # noqa: S104  (a server on every address takes the loopback port too)
        server.listen()
        yield server.getsockname()[1]


def test_free_ports_are_neighbours_that_can_be_listened_on() -> None:
    found = ports.free_ports(12)
    assert found == list(range(found[0], found[0] + 12))
    assert all(ports.is_free(port) for port in found)
    assert found[0] >= ports.FIRST
    assert found[-1] < ports.LAST


def test_ports_are_below_those_of_outgoing_connections() -> None:
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        assert int(file.read().split()[0]) >= ports.LAST


def test_blocks_with_a_taken_port_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = set(range(ports.FIRST, ports.LAST)) - set(range(ports.FIRST + 40, ports.FIRST + 50))
    monkeypatch.setattr(ports, "is_free", lambda port: port not in taken)
    assert ports.free_ports(10) == list(range(ports.FIRST + 40, ports.FIRST + 50))


def test_a_machine_without_free_ports_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _port: False)
    with pytest.raises(CaramlError, match="no 12 neighbouring ports"):
        ports.free_ports(12)


def test_a_port_somebody_listens_on_is_not_free_but_open(listener: int) -> None:
    assert not ports.is_free(listener)
    assert ports.is_open(listener)


def test_a_port_nobody_listens_on_is_free_and_not_open() -> None:
    [port] = ports.free_ports(1)
    assert ports.is_free(port)
    assert not ports.is_open(port)


def test_the_holder_of_a_port_is_named_with_its_process_id(listener: int) -> None:
    assert ports.holder(listener).endswith(f"(pid {os.getpid()})")


def test_the_holder_of_a_free_port_is_unknown() -> None:
    [port] = ports.free_ports(1)
    assert ports.holder(port) == "another process"
