"""The routes, followed as Istio follows them: the first matching route, its rewrite, its destination's Host."""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from caraml_pulumi.manifests.routing import istio
from caraml_pulumi.manifests.routing.istio import endpoint_virtual_service, version_virtual_service
from tests.unit.model.builders import endpoint, platform, version

ON = platform()
SERVERLESS = version(version=1)
RAW = version(version=2, deploymentMode="RAW_DEPLOYMENT")


def matches(match: dict[str, Any], path: str, headers: dict[str, str]) -> bool:
    uri = match.get("uri", {})
    return uri.get("exact", path) == path and not any(name in headers for name in match.get("withoutHeaders", {}))


def follow(service: dict[str, Any], path: str, headers: dict[str, str]) -> list[tuple[str, str, dict[str, str], int]]:
    """Destination, path, headers and weight of each share that a request is divided into."""
    for route in service["spec"]["http"]:
        conditions = route.get("match")
        if conditions is None or any(matches(condition, path, headers) for condition in conditions):
            sent = headers | {
                name.lower(): value
                for name, value in route.get("headers", {}).get("request", {}).get("set", {}).items()
            }
            return [
                (
                    share["destination"]["host"],
                    route.get("rewrite", {}).get("uri", path),
                    sent | {"host": share["headers"]["request"]["set"]["Host"]},
                    share.get("weight", 100),
                )
                for share in route["route"]
            ]
    return []


def test_the_routes_are_complete(snapshot: SnapshotAssertion) -> None:
    shares = [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}]
    assert [
        version_virtual_service(SERVERLESS, ON),
        version_virtual_service(RAW, ON),
        endpoint_virtual_service(endpoint(shares), ON),
    ] == snapshot


def test_a_weighted_endpoint_reaches_each_version_at_its_own_path() -> None:
    service = endpoint_virtual_service(endpoint([{"version": 1, "weight": 90}, {"version": 2, "weight": 10}]), ON)
    by_host = {plan.host: version_virtual_service(plan, ON) for plan in (SERVERLESS, RAW)}
    arrived = {}
    for gateway, path, headers, weight in follow(service, "/v1/predict", {"content-type": "application/json"}):
        assert gateway == "istio-ingressgateway.istio-system.svc.cluster.local"
        ((_, final_path, final_headers, _),) = follow(by_host[headers["host"]], path, headers)
        arrived[final_path] = (weight, final_headers["host"])
    assert arrived == {
        "/v1/models/iris-1:predict": (90, "iris-1.iris-team.svc.cluster.local"),
        "/v1/models/iris-2:predict": (10, "iris-2-predictor.iris-team.svc.cluster.local"),
    }


def test_an_endpoint_answers_nothing_but_predictions() -> None:
    service = endpoint_virtual_service(endpoint([{"version": 1, "weight": 100}]), ON)
    assert follow(service, "/v1/models/iris-1", {}) == []
    assert follow(service, "/v1/predictions", {}) == []


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/models/iris-1:predict"])
@pytest.mark.parametrize(
    ("headers", "content_type"), [({}, "application/json"), ({"content-type": "text/csv"}, "text/csv")]
)
def test_a_prediction_without_a_content_type_is_json_and_one_with_it_keeps_it(
    path: str, headers: dict[str, str], content_type: str
) -> None:
    ((_, final_path, sent, _),) = follow(version_virtual_service(SERVERLESS, ON), path, headers)
    assert final_path == "/v1/models/iris-1:predict"
    assert sent["content-type"] == content_type


@pytest.mark.parametrize("path", ["/", "/metrics", "/v1/models/iris-1", "/v1/models/other:predict"])
def test_every_other_path_is_passed_on_as_it_is(path: str) -> None:
    ((_, final_path, sent, _),) = follow(version_virtual_service(SERVERLESS, ON), path, {})
    assert final_path == path
    assert "content-type" not in sent


def test_a_serverless_version_is_behind_knatives_gateway_and_a_raw_one_behind_its_service() -> None:
    ((knative, _, _, _),) = follow(version_virtual_service(SERVERLESS, ON), "/", {})
    ((direct, _, _, _),) = follow(version_virtual_service(RAW, ON), "/", {})
    assert knative == "knative-local-gateway.istio-system.svc.cluster.local"
    assert direct == "iris-2-predictor.iris-team.svc.cluster.local"


def test_the_platform_says_which_gateways_there_are() -> None:
    on = platform(istio={"gateway": "ingress/public", "ingressHost": "public.ingress.svc.cluster.local"})
    service = endpoint_virtual_service(endpoint([{"version": 1, "weight": 100}], on), on)
    assert service["spec"]["gateways"] == ["ingress/public"]
    ((gateway, _, _, _),) = follow(service, "/v1/predict", {})
    assert gateway == "public.ingress.svc.cluster.local"


def test_copies_are_told_from_requests_by_the_gateway_where_they_arrive() -> None:
    plan = endpoint([{"version": 1, "weight": 100}], mirror={"version": 2, "percentage": 5})
    route, copies = istio.endpoint_objects(plan, ON)
    [rule] = route["spec"]["http"]
    assert rule["mirror"]["host"] == "knative-local-gateway.istio-system.svc.cluster.local"
    assert rule["mirrorPercentage"] == {"value": 5}
    assert copies["spec"]["gateways"] == ["knative-serving/knative-local-gateway"]
    host = "iris-1.iris-team.models.example.com"
    assert copies["spec"]["hosts"] == [host, f"{host}-shadow"]
    [to] = copies["spec"]["http"][0]["route"]
    assert to["headers"]["request"]["set"]["Host"] == "iris-2.iris-team.models.example.com"
