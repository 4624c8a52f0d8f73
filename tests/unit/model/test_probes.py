from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.probes import Probe, liveness_kept
from tests.unit.model.builders import one, platform, version

CONTAINER = ("spec", "template", "spec", "containers", 0)


def container(**settings: Any) -> dict[str, Any]:
    made: dict[str, Any] = one("Service", version(**settings))["spec"]["template"]["spec"]["containers"][0]
    return made


def test_http_asks_for_the_server_and_for_the_model_with_merlins_times() -> None:
    probes = version().predictor.probes
    assert probes.liveness == Probe("/", False, 30, 5, 10, 1, 3)
    assert probes.readiness == Probe("/v1/models/iris-1", False, 0, 5, 10, 1, 3)
    assert probes.startup is None


def test_grpc_is_asked_by_its_own_health_check_written_in_full() -> None:
    assert container(protocol="UPI_V1")["readinessProbe"] == {
        "grpc": {"port": 9000, "service": ""},
        "timeoutSeconds": 5,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def test_seldon_is_asked_by_a_connection_with_primehubs_times() -> None:
    assert container(protocol="SELDON")["livenessProbe"] == {
        "tcpSocket": {"port": 9000},
        "initialDelaySeconds": 30,
        "timeoutSeconds": 60,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 90,
    }


def test_what_is_left_out_of_a_probe_stays_the_protocols() -> None:
    probes = version(livenessProbe={"periodSeconds": 3}, startupProbe={"failureThreshold": 60}).predictor.probes
    assert probes.liveness == Probe("/", False, 30, 5, 3, 1, 3)
    assert probes.startup == Probe("/v1/models/iris-1", False, 0, 5, 10, 1, 60)


def test_liveness_is_turned_off_by_an_argument_too() -> None:
    assert version(disableLivenessProbe=True).predictor.probes.liveness is None


@pytest.mark.parametrize(
    ("settings", "message", "where"),
    [
        ({"livenessProbe": {"path": "alive"}}, "is not a path", "livenessProbe.path"),
        ({"livenessProbe": {"successThreshold": 2}}, "successThreshold 2 is not 1", "livenessProbe"),
        ({"startupProbe": {"successThreshold": 2}}, "successThreshold 2 is not 1", "startupProbe"),
        ({"protocol": "UPI_V1", "readinessProbe": {"path": "/"}}, "gRPC health check has no path", "readinessProbe"),
        ({"readinessProbe": {"timeoutSeconds": 0}}, "`timeoutSeconds` cannot be 0", "readinessProbe.timeoutSeconds"),
        ({"readinessProbe": {"timeout": 1}}, "unknown field `timeout`", "readinessProbe.timeout"),
    ],
)
def test_a_probe_that_cannot_be_is_refused(settings: dict[str, Any], message: str, where: str) -> None:
    with pytest.raises(CaramlError, match=message) as caught:
        version(platform(), **settings)
    assert caught.value.where == where


def test_a_probe_that_is_off_needs_a_reason() -> None:
    liveness_kept("", "", "caraml.dev/why")
    liveness_kept("the probe is off", "loads for long", "caraml.dev/why")
    with pytest.raises(CaramlError, match="the probe is off: a server that hangs is never restarted") as caught:
        liveness_kept("the probe is off", "  ", "caraml.dev/why")
    assert "caraml.dev/why" in caught.value.fix
