"""The table of what backends can do, asked for each entry."""

from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.backends import LACKS, Feature
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.routing import RoutingBackend
from tests.unit.model.builders import endpoint, platform, version

RAW: dict[str, Any] = {"deploymentMode": "RAW_DEPLOYMENT"}
GOLD = {"x-tier": {"exact": "gold"}}


def request(feature: Feature, mode: dict[str, Any]) -> dict[str, Any]:
    """An endpoint that asks for `feature` and for as little as possible besides, over versions of one mode."""
    first: list[dict[str, Any]] = [{"version": 1, "weight": 100, **mode}]
    second: list[dict[str, Any]] = [{"version": 2, "weight": 100, **mode}]
    both = [{"version": 1, "weight": 90, **mode}, {"version": 2, "weight": 10, **mode}]
    beside = [*first, {"version": 2, "weight": 0, **mode}]
    serverless = [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}]
    grpc, seldon = {"protocol": "UPI_V1"}, {"protocol": "SELDON"}
    client = {"name": "app", "token": "correct horse"}
    origins = {"allowOrigins": ["https://app.example.com"]}
    asked: dict[Feature, dict[str, Any]] = {
        Feature.RAW_DEPLOYMENT: {"traffic": [{"version": 1, "weight": 100, **RAW}]},
        Feature.SPLIT_HTTP_JSON: {"traffic": both},
        Feature.SPLIT_SERVERLESS: {"traffic": serverless, **seldon},
        Feature.SPLIT_GRPC_SERVERLESS: {"traffic": serverless, **grpc},
        Feature.MATCHES: {"matches": [{"headers": GOLD, "traffic": second}], **seldon},
        Feature.HEADER_PREFIX: {
            "matches": [{"headers": {"x-tier": {"prefix": "go"}}, "traffic": second}],
            **seldon,
        },
        Feature.PATHS: {"matches": [{"path": {"exact": "/trial"}, "traffic": first}]},
        Feature.GRPC_PATHS: {"matches": [{"path": {"exact": "/trial"}, "traffic": first}], **grpc},
        Feature.MIRROR: {"traffic": beside, "mirror": {"version": 2}, **seldon},
        Feature.MIRROR_HTTP_JSON: {"traffic": beside, "mirror": {"version": 2}},
        Feature.MIRROR_SERVERLESS: {"traffic": first, "mirror": {"version": 2}, **seldon},
        Feature.TIMEOUT: {"timeoutSeconds": 9},
        Feature.GRPC_TIMEOUT: {"timeoutSeconds": 9, **grpc},
        Feature.RETRIES: {"retries": {"attempts": 2}},
        Feature.CORS: {"cors": origins},
        Feature.GRPC_CORS: {"cors": origins, **grpc},
        Feature.REQUEST_SIZE: {"maxRequestSize": "10Mi"},
        Feature.PRIVATE_ACCESS: {"access": {"type": "private", "clients": [client]}},
    }
    return {"traffic": first, **asked[feature]}


@pytest.mark.parametrize("feature", Feature)
@pytest.mark.parametrize("backend", RoutingBackend)
def test_a_backend_does_what_the_table_says_and_refuses_the_rest_by_name(
    backend: RoutingBackend, feature: Feature
) -> None:
    mode = {} if backend is RoutingBackend.KNATIVE else RAW
    on = platform(routing={"backend": backend}, gatewayApi={"service": "istio-system/gateway-istio"})
    settings = request(feature, mode)
    if feature not in LACKS[backend]:
        assert endpoint(on=on, **settings).backend is backend
        return
    with pytest.raises(CaramlError) as caught:
        endpoint(on=on, **settings)
    assert caught.value.what.startswith(f"backend {backend} cannot ")
    assert caught.value.where
    assert str(backend) not in caught.value.allowed


def test_the_refusal_says_why_and_which_backends_can() -> None:
    on = platform(routing={"backend": "INGRESS"})
    with pytest.raises(CaramlError) as caught:
        endpoint(on=on, **request(Feature.SPLIT_HTTP_JSON, RAW))
    assert caught.value.what == (
        "backend INGRESS cannot divide HTTP_JSON requests over two versions: a canary Ingress has the path of the main "
        "one, and each version answers on its own"
    )
    assert caught.value.allowed == "with backend ISTIO or GATEWAY_API"


def test_a_second_version_without_weight_is_no_division() -> None:
    on = platform(routing={"backend": "INGRESS"})
    traffic = [{"version": 1, "weight": 100, **RAW}, {"version": 2, "weight": 0, **RAW}]
    assert [share.weight for share in endpoint(traffic, on).shares] == [100, 0]


def test_a_timeout_that_a_versions_own_route_cannot_hold_is_refused() -> None:
    on = platform(routing={"backend": "GATEWAY_API"})
    with pytest.raises(CaramlError, match="backend GATEWAY_API cannot end gRPC calls that take too long") as caught:
        version(on, protocol="UPI_V1", timeoutSeconds=9, **RAW)
    assert caught.value.where == "timeoutSeconds"
    plan = version(on, protocol="UPI_V1", timeoutSeconds=9)
    assert (plan.mode, plan.timeout_seconds) == (DeploymentMode.SERVERLESS, 9)
