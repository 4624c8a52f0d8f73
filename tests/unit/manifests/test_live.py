"""What is read from routes is what was written into them, whichever backend they are of."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.manifests import Manifest, routing
from caraml_pulumi.manifests.routing.live import KINDS, live_weights, not_taken
from caraml_pulumi.model.names import raw_service_name
from tests.unit.model.builders import endpoint, platform

RAW: dict[str, Any] = {"deploymentMode": "RAW_DEPLOYMENT"}
SERVERLESS: dict[str, Any] = {}
TWO_HOPS = {"service": "istio-system/gateway-istio"}
NAMES = {
    number: frozenset(
        {f"iris-{number}", raw_service_name(f"iris-{number}"), f"iris-{number}.iris-team.models.example.com"}
    )
    for number in (1, 2)
}
BACKENDS = [
    ("ISTIO", "HTTP_JSON", SERVERLESS, RAW),
    ("ISTIO", "UPI_V1", RAW, RAW),
    ("GATEWAY_API", "HTTP_JSON", SERVERLESS, RAW),
    ("GATEWAY_API", "HTTP_JSON", RAW, RAW),
    ("GATEWAY_API", "SELDON", RAW, RAW),
    ("GATEWAY_API", "UPI_V1", RAW, RAW),
    ("KNATIVE", "SELDON", SERVERLESS, SERVERLESS),
    ("INGRESS", "SELDON", RAW, RAW),
]


def routes(backend: str, traffic: list[dict[str, Any]], protocol: str = "HTTP_JSON", **settings: Any) -> list[Manifest]:
    on = platform(routing={"backend": backend}, gatewayApi=TWO_HOPS)
    return routing.endpoint_objects(endpoint(traffic, on, protocol=protocol, **settings), on)


@pytest.mark.parametrize(("backend", "protocol", "first", "second"), BACKENDS)
@given(weight=st.integers(0, 100))
def test_weights_are_read_as_they_were_written(
    backend: str, protocol: str, first: dict[str, Any], second: dict[str, Any], weight: int
) -> None:
    traffic = [{"version": 1, "weight": weight, **first}, {"version": 2, "weight": 100 - weight, **second}]
    found = routes(backend, traffic, protocol)
    assert {route["kind"] for route in found} <= KINDS
    assert live_weights(found, NAMES) == {1: weight, 2: 100 - weight}


@pytest.mark.parametrize("backend", ["ISTIO", "GATEWAY_API", "INGRESS"])
@pytest.mark.parametrize("mode", [SERVERLESS, RAW])
def test_one_version_gets_everything(backend: str, mode: dict[str, Any]) -> None:
    found = routes(backend, [{"version": 2, "weight": 100, **mode}])
    assert live_weights(found, NAMES) == {1: 0, 2: 100}


@pytest.mark.parametrize("backend", ["ISTIO", "GATEWAY_API"])
def test_requests_that_a_match_takes_are_not_counted(backend: str) -> None:
    traffic = [{"version": 1, "weight": 70, **RAW}, {"version": 2, "weight": 30, **RAW}]
    match = {"headers": {"x-tier": {"exact": "gold"}}, "traffic": [{"version": 2, "weight": 100, **RAW}]}
    assert live_weights(routes(backend, traffic, matches=[match]), NAMES) == {1: 70, 2: 30}


def test_a_canary_that_only_a_header_leads_to_has_no_weight() -> None:
    match = {"headers": {"x-tier": {"exact": "gold"}}, "traffic": [{"version": 2, "weight": 100, **RAW}]}
    found = routes("INGRESS", [{"version": 1, "weight": 100, **RAW}], "SELDON", matches=[match])
    assert len(found) == 2
    assert live_weights(found, NAMES) == {1: 100, 2: 0}


def test_weights_that_were_changed_behind_the_stacks_back_are_those_that_are_read() -> None:
    [found] = routes("ISTIO", [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}])
    for target, weight in zip(found["spec"]["http"][-1]["route"], (25, 75), strict=True):
        target["weight"] = weight
    assert live_weights([found], NAMES) == {1: 25, 2: 75}


def test_a_route_that_says_nothing_has_no_weights() -> None:
    assert live_weights([], NAMES) is None
    assert live_weights([{"kind": "VirtualService", "spec": {"http": "none"}}], NAMES) is None
    assert live_weights([{"kind": "Ingress", "spec": {"rules": [{"http": {}}]}}, {"kind": "Other"}], NAMES) is None


def test_why_a_route_is_not_taken_is_told_in_its_controllers_words() -> None:
    refused = {"type": "Accepted", "status": "False", "reason": "NotAllowedByListeners", "message": "no such namespace"}
    gateway = {"kind": "HTTPRoute", "status": {"parents": [{"conditions": [refused]}]}}
    assert not_taken(gateway) == "NotAllowedByListeners: no such namespace"
    missing = {"type": "Ready", "status": "False", "reason": "RevisionMissing", "message": "no revision"}
    assert not_taken({"kind": "Route", "status": {"conditions": [missing]}}) == "RevisionMissing: no revision"
    accepted = {"type": "Accepted", "status": "True"}
    assert not_taken({"kind": "HTTPRoute", "status": {"parents": [{"conditions": [accepted]}]}}) == ""
    assert not_taken({"kind": "VirtualService"}) == ""
