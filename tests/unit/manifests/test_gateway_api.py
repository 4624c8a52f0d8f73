"""The routes, followed by the rules of the Gateway API."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.routing.gateway_api import endpoint_objects, version_objects
from caraml_pulumi.model.endpoint_plan import EndpointPlan
from caraml_pulumi.model.gateway_api import VERSION_HEADER
from tests.unit.manifests.gateway_rules import Arrival, Request, follow
from tests.unit.model.builders import endpoint, platform, version

GATEWAY = "istio-system/gateway-istio"
ON = platform(routing={"backend": "GATEWAY_API"}, gatewayApi={"service": GATEWAY})
RAW: dict[str, Any] = {"deploymentMode": "RAW_DEPLOYMENT"}
BOTH_RAW = [{"version": 1, "weight": 90, **RAW}, {"version": 2, "weight": 10, **RAW}]
MIXED: list[dict[str, Any]] = [{"version": 1, "weight": 90}, {"version": 2, "weight": 10, **RAW}]
FIRST = [{"version": 1, "weight": 100, **RAW}]
SECOND = [{"version": 2, "weight": 100, **RAW}]


def route(traffic: list[dict[str, Any]], **settings: Any) -> Manifest:
    (found,) = endpoint_objects(endpoint(traffic, ON, **settings), ON)
    return found


def arrivals(found: Manifest, path: str, **headers: str) -> dict[str, tuple[str, str, float]]:
    """Host, path and share of what each backend gets."""
    request = Request(path, tuple(sorted((name.replace("_", "-"), value) for name, value in headers.items())))
    return {
        arrival.backend: (arrival.request.host, arrival.request.path, round(arrival.share, 6))
        for arrival in follow(found, request, GATEWAY)
    }


def test_the_routes_are_complete(snapshot: SnapshotAssertion) -> None:
    assert [
        route(MIXED, matches=[{"headers": {"x-tier": {"regex": "gold|silver"}}, "traffic": SECOND}], timeoutSeconds=9),
        route(FIRST, cors={"allowOrigins": ["https://app.example.com"], "exposeHeaders": ["x-model"]}),
        route(BOTH_RAW, protocol="UPI_V1", matches=[{"headers": {"x-tier": {"exact": "gold"}}, "traffic": SECOND}]),
        *version_objects(version(ON, timeoutSeconds=30), ON),
        *version_objects(version(ON, version=2, protocol="UPI_V1", **RAW), ON),
    ] == snapshot


def test_a_weighted_endpoint_reaches_each_version_at_its_own_path_and_knatives_at_its_host() -> None:
    outside = "iris.iris-team.models.example.com"
    assert arrivals(route(MIXED), "/v1/predict") == {
        "istio-system/knative-local-gateway": (
            "iris-1.iris-team.svc.cluster.local",
            "/v1/models/iris-1:predict",
            0.9,
        ),
        "iris-2-predictor": (outside, "/v1/models/iris-2:predict", 0.1),
    }


def test_an_endpoint_answers_nothing_but_predictions() -> None:
    for path in ("/", "/v1/models/iris-1:predict", "/v1/predict/more", "/v1/predictions"):
        assert arrivals(route(MIXED), path) == {}


def test_one_version_and_versions_that_answer_alike_are_reached_in_one_hop() -> None:
    (rule,) = route(FIRST)["spec"]["rules"]
    assert rule["backendRefs"] == [{"kind": "Service", "name": "iris-1-predictor", "port": 80, "weight": 100}]
    (rule,) = route(BOTH_RAW, protocol="SELDON")["spec"]["rules"]
    assert "filters" not in rule
    assert [(backend["name"], backend["weight"]) for backend in rule["backendRefs"]] == [
        ("iris-1-predictor", 90),
        ("iris-2-predictor", 10),
    ]


def test_a_version_without_weight_gets_nothing() -> None:
    found = route([{"version": 1, "weight": 100, **RAW}, {"version": 2, "weight": 0, **RAW}])
    assert list(arrivals(found, "/v1/predict")) == ["iris-1-predictor"]
    assert "iris-2" not in str(found)


def test_a_header_decides_before_the_weights_and_a_further_path_asks_for_predictions_too() -> None:
    found = route(
        FIRST,
        matches=[
            {"headers": {"x-tier": {"exact": "gold"}}, "traffic": SECOND},
            {"path": {"prefix": "/v1/trial"}, "traffic": BOTH_RAW},
        ],
    )
    assert list(arrivals(found, "/v1/predict", x_tier="gold")) == ["iris-2-predictor"]
    assert list(arrivals(found, "/v1/predict", x_tier="lead")) == ["iris-1-predictor"]
    assert {(path, share) for _, path, share in arrivals(found, "/v1/trial/a").values()} == {
        ("/v1/models/iris-1:predict", 0.9),
        ("/v1/models/iris-2:predict", 0.1),
    }


def test_a_client_that_names_a_version_gets_that_version_and_an_unknown_one_is_replaced() -> None:
    assert list(arrivals(route(BOTH_RAW), "/v1/predict", x_caraml_version="2")) == ["iris-2-predictor"]
    assert len(arrivals(route(BOTH_RAW), "/v1/predict", x_caraml_version="9")) == 2


def test_grpc_calls_are_routed_by_a_grpc_route_and_those_to_knative_by_an_http_route() -> None:
    assert route(BOTH_RAW, protocol="UPI_V1")["kind"] == "GRPCRoute"
    serverless = route([{"version": 1, "weight": 100}], protocol="UPI_V1")
    assert serverless["kind"] == "HTTPRoute"
    ((host, path, _),) = arrivals(serverless, "/caraml.upi.v1.UniversalPredictionService/PredictValues").values()
    assert host == "iris-1.iris-team.svc.cluster.local"
    assert path == "/caraml.upi.v1.UniversalPredictionService/PredictValues"


def test_copies_go_to_the_mirror_as_often_as_asked() -> None:
    found = route(
        [*FIRST, {"version": 2, "weight": 0, **RAW}], protocol="SELDON", mirror={"version": 2, "percentage": 5}
    )
    (rule,) = found["spec"]["rules"]
    assert rule["filters"] == [
        {
            "type": "RequestMirror",
            "requestMirror": {"backendRef": {"kind": "Service", "name": "iris-2-predictor", "port": 80}, "percent": 5},
        }
    ]


def test_the_gateway_copies_and_answers_preflights_once_though_requests_pass_it_twice() -> None:
    found = route(MIXED, cors={"allowOrigins": ["*"]}, timeoutSeconds=9)
    assert [("filters" in rule and rule["filters"][0]["type"]) for rule in found["spec"]["rules"]] == [
        "CORS",
        "URLRewrite",
        "URLRewrite",
    ]
    assert [rule.get("timeouts") for rule in found["spec"]["rules"]] == [{"request": "9s"}, None, None]


def test_a_versions_own_timeout_holds_where_the_endpoint_has_none() -> None:
    slow = version(ON, timeoutSeconds=30, **RAW)
    (rule,) = version_objects(slow, ON)[0]["spec"]["rules"]
    assert rule["timeouts"] == {"request": "30s"}
    plan = endpoint(FIRST, ON, versions=[slow])
    ((rule,),) = [one["spec"]["rules"] for one in endpoint_objects(plan, ON)]
    assert rule["timeouts"] == {"request": "30s"}


def test_every_path_of_a_versions_own_host_leads_to_it() -> None:
    (raw,) = version_objects(version(ON, **RAW), ON)
    assert raw["spec"]["hostnames"] == ["iris-1.iris-team.models.example.com"]
    assert raw["spec"]["rules"] == [{"backendRefs": [{"kind": "Service", "name": "iris-1-predictor", "port": 80}]}]
    (serverless,) = version_objects(version(ON), ON)
    ((host, path, _),) = arrivals(serverless, "/v1/models/iris-1").values()
    assert (host, path) == ("iris-1.iris-team.svc.cluster.local", "/v1/models/iris-1")


def test_the_platform_says_which_gateway_and_listener_there_are() -> None:
    on = platform(routing={"backend": "GATEWAY_API"}, gatewayApi={"gateway": "edge/public", "sectionName": "https"})
    (found,) = endpoint_objects(endpoint(FIRST, on), on)
    assert found["spec"]["parentRefs"] == [
        {
            "group": "gateway.networking.k8s.io",
            "kind": "Gateway",
            "namespace": "edge",
            "name": "public",
            "sectionName": "https",
        }
    ]


HEADERS = st.dictionaries(
    st.sampled_from(["x-a", "x-b", "x-c"]), st.sampled_from([{"exact": "1"}, {"exact": "2"}, {"regex": "[12]"}])
)
PATHS = st.sampled_from([None, {"exact": "/v1/trial"}, {"prefix": "/v1"}, {"prefix": "/v1/trial"}])
TRAFFIC = st.sampled_from([FIRST, SECOND, BOTH_RAW, MIXED])
MATCHES = st.lists(
    st.builds(
        lambda headers, path, traffic: {"headers": headers, "traffic": traffic} | ({"path": path} if path else {}),
        HEADERS,
        PATHS,
        TRAFFIC,
    ).filter(lambda match: match["headers"] or "path" in match),
    max_size=4,
)
REQUESTS = st.builds(
    lambda path, headers: Request(path, tuple(sorted(headers.items()))),
    st.sampled_from(["/v1/predict", "/v1/trial", "/v1/trial/x", "/other"]),
    st.dictionaries(st.sampled_from(["x-a", "x-b", "x-c"]), st.sampled_from(["1", "2", "3"])),
)


def by_the_first_that_fits(plan: EndpointPlan, request: Request) -> dict[int, int]:
    """The weights of the first route that a request fits, as an endpoint promises."""
    headers = dict(request.headers)
    for one in plan.routes:
        exact = (one.path.exact if one.path else None) or ("" if one.path else plan.path)
        prefix = one.path.prefix if one.path else None
        path_fits = request.path == exact or bool(
            prefix and (request.path == prefix or request.path.startswith(prefix + "/"))
        )
        wanted = one.headers.items()
        if path_fits and all(
            name in headers and (headers[name] == match.exact or (match.regex and headers[name] in "12"))
            for name, match in wanted
        ):
            return {share.version: share.weight for share in one.shares if share.weight}
    return {}


@given(MATCHES, TRAFFIC, REQUESTS)
def test_what_is_admitted_is_routed_by_the_first_match_that_fits_in_one_hop_or_two(
    matches: list[dict[str, Any]], traffic: list[dict[str, Any]], request: Request
) -> None:
    try:
        plan = endpoint(traffic, ON, matches=matches)
    except CaramlError as refused:
        assume("more specific" not in refused.what and "the same requests" not in refused.what)
        raise
    (found,) = endpoint_objects(plan, ON)
    arrived = list(follow(found, request, GATEWAY))
    assert {version_of(one): round(one.share * 100) for one in arrived} == by_the_first_that_fits(plan, request)
    for one in arrived:
        assert one.request.path == f"/v1/models/iris-{version_of(one)}:predict"


def version_of(arrival: Arrival) -> int:
    return 1 if "iris-1" in (arrival.backend + arrival.request.host) else 2


def refusal(traffic: list[dict[str, Any]], on: Any = ON, **settings: Any) -> CaramlError:
    with pytest.raises(CaramlError) as caught:
        endpoint(traffic, on, **settings)
    return caught.value


def test_two_paths_without_the_gateways_service_are_refused_with_the_setting_to_make() -> None:
    refused = refusal(MIXED, platform(routing={"backend": "GATEWAY_API"}))
    assert refused.where == "traffic"
    assert "gatewayApi.service" in refused.fix


def test_a_match_that_the_gateway_api_would_try_first_is_refused() -> None:
    one = {"headers": {"x-a": {"exact": "1"}}, "traffic": FIRST}
    two = {"headers": {"x-a": {"exact": "1"}, "x-b": {"exact": "1"}}, "traffic": SECOND}
    refused = refusal(FIRST, matches=[one, two])
    assert (refused.where, refused.fix) == ("matches[0]", "put it before match 1")
    endpoint(FIRST, ON, matches=[two, one])
    apart = {"headers": {"x-a": {"exact": "2"}, "x-b": {"exact": "1"}}, "traffic": SECOND}
    endpoint(FIRST, ON, matches=[one, apart])


def test_a_match_of_a_prefix_of_the_endpoints_own_path_is_refused_as_it_would_never_get_predictions() -> None:
    refused = refusal(FIRST, matches=[{"path": {"prefix": "/v1"}, "traffic": SECOND}])
    assert refused.what == "path /v1/predict is more specific than match 1, and the Gateway API tries it first"


def test_the_endpoints_own_header_and_more_rules_than_a_route_has_are_refused() -> None:
    own = {"headers": {VERSION_HEADER: {"exact": "1"}}, "traffic": FIRST}
    assert VERSION_HEADER in refusal(FIRST, matches=[own]).what
    many = [{"headers": {"x-a": {"exact": str(number)}}, "traffic": BOTH_RAW} for number in range(6)]
    assert refusal(FIRST, matches=many).what == "the endpoint would have 19 rules"
