"""Weights as the routes of every backend have them."""

from typing import Any

import pytest

from caraml_pulumi.manifests import routing
from caraml_pulumi.status.weights import live_weights
from tests.unit.model.builders import endpoint, platform

RAW: dict[str, Any] = {"deploymentMode": "RAW_DEPLOYMENT"}
BOTH_RAW = [{"version": 1, "weight": 70, **RAW}, {"version": 2, "weight": 30, **RAW}]
MIXED = [{"version": 1, "weight": 70}, {"version": 2, "weight": 30, **RAW}]
SERVERLESS = [{"version": 1, "weight": 70}, {"version": 2, "weight": 30}]
ALONE = [{"version": 1, "weight": 0}, {"version": 2, "weight": 100}]
TO_THE_FIRST = {"headers": {"x-tier": {"exact": "gold"}}, "traffic": [{"version": 1, "weight": 100, **RAW}]}
NAMES = {
    number: frozenset({f"iris-{number}", f"iris-{number}-predictor", f"iris-{number}.iris-team.models.example.com"})
    for number in (1, 2)
}
SEVENTY = {1: 70, 2: 30}


@pytest.mark.parametrize(
    ("backend", "traffic", "settings", "expected"),
    [
        ("ISTIO", MIXED, {}, SEVENTY),
        ("ISTIO", MIXED, {"matches": [TO_THE_FIRST]}, SEVENTY),
        ("GATEWAY_API", MIXED, {}, SEVENTY),
        ("GATEWAY_API", BOTH_RAW, {"matches": [TO_THE_FIRST]}, SEVENTY),
        ("GATEWAY_API", BOTH_RAW, {"protocol": "SELDON"}, SEVENTY),
        ("GATEWAY_API", BOTH_RAW, {"protocol": "UPI_V1"}, SEVENTY),
        ("GATEWAY_API", ALONE, {}, {1: 0, 2: 100}),
        ("KNATIVE", SERVERLESS, {"protocol": "UPI_V1"}, SEVENTY),
        ("INGRESS", BOTH_RAW, {"protocol": "SELDON"}, SEVENTY),
        ("INGRESS", BOTH_RAW, {"protocol": "SELDON", "matches": [TO_THE_FIRST]}, SEVENTY),
        ("INGRESS", ALONE, {}, {1: 0, 2: 100}),
    ],
)
def test_the_weights_of_an_endpoint_are_those_that_its_routes_have(
    backend: str, traffic: list[dict[str, Any]], settings: dict[str, Any], expected: dict[int, int]
) -> None:
    on = platform(routing={"backend": backend}, gatewayApi={"service": "istio-system/gateway"})
    routes = routing.endpoint_objects(endpoint(traffic, on, **settings), on)
    assert live_weights(routes, NAMES) == expected
