"""Requests through a real Envoy that istiod gave our routes, of Istio and of the Gateway API."""

import json
import threading
import time
from typing import Any

import grpc
import pytest

from caraml_pulumi.cluster.ports import LOOPBACK
from caraml_pulumi.model.modes import Protocol
from caraml_pulumi.model.routing import RoutingBackend
from tests.e2e.iris_servers import FLOWER, iris_server
from tests.e2e.proxies.conftest import Servers
from tests.e2e.proxies.mesh import Mesh
from tests.e2e.proxies.model_server import ModelServer

pytestmark = pytest.mark.e2e
istio_alone = pytest.mark.parametrize("backend", [RoutingBackend.ISTIO])
RAW: Any = {"deploymentMode": "RAW_DEPLOYMENT"}
FIRST = {"version": 1, "weight": 100}
BETA: Any = {"headers": {"x-customer": {"exact": "beta"}}, "traffic": [{"version": 2, "weight": 100}]}
SELDON_PATHS = {RoutingBackend.ISTIO: "/v1/predict", RoutingBackend.GATEWAY_API: "/api/v1.0/predictions"}
"""Where SELDON versions are asked: a route of the Gateway API leaves their path, which all versions share."""


def await_silence(server: ModelServer) -> None:
    """Wait until no copy has come for half a second."""
    seen = -1
    while len(server.received) > seen:
        seen = len(server.received)
        time.sleep(0.5)


def test_each_version_answers_on_its_own_path_at_about_its_weight(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one, two = servers("iris-1"), servers("iris-2")
    mesh.deploy(one, namespace)
    mesh.deploy(two, namespace, **RAW)
    host = mesh.route(namespace, {1: 90, 2: 10})
    found = mesh.answers(1000, host)
    assert set(found) == {"iris-1", "iris-2"}
    assert 50 <= found["iris-2"] <= 150
    assert {request.path for request in one.received} == {"/v1/models/iris-1:predict"}
    assert {request.path for request in two.received} == {"/v1/models/iris-2:predict"}


@pytest.mark.parametrize("settings", [{}, RAW])
def test_a_version_without_weight_gets_nothing(mesh: Mesh, servers: Servers, namespace: str, settings: Any) -> None:
    one, two = servers("iris-1"), servers("iris-2")
    mesh.deploy(one, namespace, **settings)
    mesh.deploy(two, namespace, **settings)
    host = mesh.route(namespace, {1: 100, 2: 0})
    assert mesh.answers(100, host) == {"iris-1": 100}
    host = mesh.route(namespace, {1: 0, 2: 100})
    assert mesh.answers(100, host) == {"iris-2": 100}


def test_other_paths_of_the_endpoint_lead_nowhere(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1")
    mesh.deploy(one, namespace, **RAW)
    host = mesh.route(namespace, {1: 100})
    others = ("/", "/v1/predict/more", "/v1/predictions", "/v1/models/iris-1:predict", "/v1/models/iris-1", "/metrics")
    assert [mesh.predict(host, path).status for path in others] == [404] * len(others)
    assert one.received == []


@pytest.mark.parametrize("settings", [{}, RAW])
def test_a_version_is_reached_at_its_own_host(mesh: Mesh, servers: Servers, namespace: str, settings: Any) -> None:
    mesh.deploy(servers("iris-1"), namespace, **settings)
    mesh.settle()
    host = f"iris-1.{namespace}.models.example.com"
    assert mesh.answers(1, host, "/v1/models/iris-1:predict") == {"iris-1": 1}
    assert mesh.request("GET", host, "/").status == 200
    assert mesh.request("GET", host, "/v1/models/iris-1").status == 200
    assert b"has nothing at" in mesh.request("GET", host, "/v1/models/iris-2").data


def test_a_header_decides_before_the_weights(mesh: Mesh, servers: Servers, namespace: str) -> None:
    mesh.deploy(servers("iris-1"), namespace)
    mesh.deploy(servers("iris-2"), namespace, **RAW)
    host = mesh.route(namespace, {1: 100, 2: 0}, matches=[BETA])
    assert mesh.answers(50, host) == {"iris-1": 50}
    assert mesh.answers(50, host, headers={"X-Customer": "beta"}) == {"iris-2": 50}
    assert mesh.answers(50, host, headers={"X-Customer": "beta-2"}) == {"iris-1": 50}


def test_a_header_that_fits_a_regular_expression_decides(mesh: Mesh, servers: Servers, namespace: str) -> None:
    mesh.deploy(servers("iris-1"), namespace, **RAW)
    mesh.deploy(servers("iris-2"), namespace, **RAW)
    match = BETA | {"headers": {"x-customer": {"regex": "beta-[0-9]+"}}}
    host = mesh.route(namespace, {1: 100, 2: 0}, matches=[match])
    assert mesh.answers(10, host, headers={"X-Customer": "beta-12"}) == {"iris-2": 10}
    assert mesh.answers(10, host, headers={"X-Customer": "a-beta-12"}) == {"iris-1": 10}
    assert mesh.answers(10, host, headers={"X-Customer": "beta-12-b"}) == {"iris-1": 10}


@istio_alone
def test_a_header_that_begins_as_told_decides(mesh: Mesh, servers: Servers, namespace: str) -> None:
    mesh.deploy(servers("iris-1"), namespace)
    mesh.deploy(servers("iris-2"), namespace)
    match = BETA | {"headers": {"x-customer": {"prefix": "beta-"}}}
    host = mesh.route(namespace, {1: 100, 2: 0}, matches=[match])
    assert mesh.answers(10, host, headers={"X-Customer": "beta-x"}) == {"iris-2": 10}
    assert mesh.answers(10, host, headers={"X-Customer": "beta"}) == {"iris-1": 10}


@pytest.mark.parametrize(
    ("match", "fits", "fails"),
    [
        ({"exact": "/beta/predict"}, ["/beta/predict"], ["/beta", "/beta/predict/more"]),
        ({"prefix": "/beta"}, ["/beta", "/beta/predict", "/beta/v1/predict"], ["/b"]),
    ],
)
def test_a_path_leads_to_a_version(
    mesh: Mesh, servers: Servers, namespace: str, match: Any, fits: list[str], fails: list[str]
) -> None:
    mesh.deploy(servers("iris-1"), namespace, **RAW)
    mesh.deploy(servers("iris-2"), namespace, **RAW)
    host = mesh.route(namespace, {1: 100, 2: 0}, matches=[{"path": match, "traffic": BETA["traffic"]}])
    for path in fits:
        assert mesh.answers(2, host, path) == {"iris-2": 2}
    assert [mesh.predict(host, path).status for path in fails] == [404] * len(fails)
    assert mesh.answers(2, host) == {"iris-1": 2}


def test_a_prefix_ends_anywhere_for_istio_and_at_a_slash_for_the_gateway_api(
    mesh: Mesh, servers: Servers, namespace: str, backend: RoutingBackend
) -> None:
    mesh.deploy(servers("iris-1"), namespace, **RAW)
    host = mesh.route(namespace, {1: 100}, matches=[{"path": {"prefix": "/beta"}, "traffic": [FIRST]}])
    assert mesh.predict(host, "/beta/more").status == 200
    assert mesh.predict(host, "/betamax").status == (200 if backend is RoutingBackend.ISTIO else 404)


def test_the_first_match_that_fits_decides(mesh: Mesh, servers: Servers, namespace: str) -> None:
    mesh.deploy(servers("iris-1"), namespace)
    mesh.deploy(servers("iris-2"), namespace)
    both = {"headers": {"x-customer": {"exact": "beta"}, "x-region": {"exact": "id"}}, "traffic": [FIRST]}
    host = mesh.route(namespace, {1: 100, 2: 0}, matches=[both, BETA])
    assert mesh.answers(10, host, headers={"X-Customer": "beta", "X-Region": "id"}) == {"iris-1": 10}
    assert mesh.answers(10, host, headers={"X-Customer": "beta", "X-Region": "sg"}) == {"iris-2": 10}


def test_a_header_may_divide_by_weight_too(mesh: Mesh, servers: Servers, namespace: str) -> None:
    mesh.deploy(servers("iris-1"), namespace)
    mesh.deploy(servers("iris-2"), namespace, **RAW)
    half = [{"version": 1, "weight": 50}, {"version": 2, "weight": 50}]
    host = mesh.route(namespace, {1: 100, 2: 0}, matches=[BETA | {"traffic": half}])
    assert mesh.answers(50, host) == {"iris-1": 50}
    assert 60 <= mesh.answers(200, host, headers={"X-Customer": "beta"})["iris-2"] <= 140


def test_a_query_is_passed_on(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1")
    mesh.deploy(one, namespace, **RAW)
    mesh.predict(mesh.route(namespace, {1: 100}), "/v1/predict?explain=true")
    assert [request.path for request in one.received] == ["/v1/models/iris-1:predict?explain=true"]


@istio_alone
@pytest.mark.parametrize("settings", [{}, RAW])
def test_a_mirror_gets_its_part_of_the_requests_on_its_own_path(
    mesh: Mesh, servers: Servers, namespace: str, settings: Any
) -> None:
    one, two = servers("iris-1"), servers("iris-2")
    mesh.deploy(one, namespace, **settings)
    mesh.deploy(two, namespace, **settings)
    host = mesh.route(namespace, {1: 100}, mirror={"version": 2, "percentage": 50})
    assert mesh.answers(400, host) == {"iris-1": 400}
    await_silence(two)
    assert len(one.received) == 400
    assert 140 <= len(two.received) <= 260
    assert {request.path for request in two.received} == {"/v1/models/iris-2:predict"}
    assert {request.body for request in two.received} == {one.received[0].body}


def test_a_mirror_may_be_slow_and_fail(mesh: Mesh, servers: Servers, namespace: str, backend: RoutingBackend) -> None:
    one, two = servers("iris-1", Protocol.SELDON), servers("iris-2", Protocol.SELDON)
    mesh.deploy(one, namespace, **RAW)
    mesh.deploy(two, namespace, **RAW)
    host = mesh.route(namespace, {1: 100}, mirror={"version": 2})
    two.failures, two.delay_seconds = 1000, 0.5
    started = time.monotonic()
    assert mesh.answers(20, host, SELDON_PATHS[backend]) == {"iris-1": 20}
    assert time.monotonic() - started < 5
    await_silence(two)
    assert len(two.received) == 20


@istio_alone
def test_grpc_calls_are_mirrored(mesh: Mesh, servers: Servers, namespace: str) -> None:
    two = servers("iris-2", Protocol.UPI_V1)
    mesh.deploy(servers("iris-1", Protocol.UPI_V1), namespace, **RAW)
    mesh.deploy(two, namespace)
    host = mesh.route(namespace, {1: 100}, mirror={"version": 2})
    assert mesh.calls(20, host) == {"iris-1": 20}
    await_silence(two)
    assert len(two.received) == 20


def test_a_request_that_takes_too_long_is_ended(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1")
    mesh.deploy(one, namespace)
    host = mesh.route(namespace, {1: 100}, timeoutSeconds=1)
    assert mesh.predict(host).status == 200
    one.delay_seconds = 3
    started = time.monotonic()
    assert mesh.predict(host).status == 504
    assert 0.9 < time.monotonic() - started < 2


def test_a_raw_version_ends_requests_by_itself(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1")
    mesh.deploy(one, namespace, timeoutSeconds=1, **RAW)
    host = mesh.route(namespace, {1: 100})
    assert mesh.predict(host).status == 200
    one.delay_seconds = 3
    assert mesh.predict(host).status == 504


@istio_alone
def test_a_failed_request_is_tried_again(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1")
    mesh.deploy(one, namespace, **RAW)
    host = mesh.route(namespace, {1: 100}, retries={"attempts": 2, "retryOn": ["503"]})
    one.failures = 2
    assert mesh.predict(host).status == 200
    assert len(one.received) == 3
    one.failures = 3
    assert mesh.predict(host).status == 503


@istio_alone
def test_no_attempts_mean_one_try(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1")
    mesh.deploy(one, namespace, **RAW)
    host = mesh.route(namespace, {1: 100}, retries={"attempts": 0})
    one.failures = 1
    assert mesh.predict(host).status == 503
    assert len(one.received) == 1


@istio_alone
def test_a_try_that_takes_too_long_is_given_up_for_another(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1")
    mesh.deploy(one, namespace, **RAW)
    retries = {"attempts": 1, "perTryTimeoutSeconds": 1, "retryOn": ["gateway-error"]}
    host = mesh.route(namespace, {1: 100}, retries=retries)
    one.delay_seconds = 3
    timer = threading.Timer(0.5, setattr, (one, "delay_seconds", 0))
    timer.start()
    assert mesh.predict(host).status == 200
    assert len(one.received) == 2


@istio_alone
def test_a_failed_grpc_call_is_tried_again_as_often_as_asked(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1", Protocol.UPI_V1)
    mesh.deploy(one, namespace, **RAW)
    host = mesh.route(namespace, {1: 100}, retries={"attempts": 3, "retryOn": ["unavailable"]})
    one.failures = 3
    assert mesh.calls(1, host) == {"iris-1": 1}
    assert len(one.received) == 4


@istio_alone
def test_no_attempts_mean_one_grpc_call(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1", Protocol.UPI_V1)
    mesh.deploy(one, namespace, **RAW)
    host = mesh.route(namespace, {1: 100}, retries={"attempts": 0})
    one.failures = 1
    with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
        mesh.calls(1, host)
    assert len(one.received) == 1


@istio_alone
def test_a_grpc_call_that_takes_too_long_is_ended(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1", Protocol.UPI_V1)
    mesh.deploy(one, namespace, **RAW)
    host = mesh.route(namespace, {1: 100}, timeoutSeconds=1)
    one.delay_seconds = 3
    started = time.monotonic()
    with pytest.raises(grpc.RpcError, match="timeout"):
        mesh.calls(1, host)
    assert 0.9 < time.monotonic() - started < 2


def test_pages_of_allowed_origins_may_call(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1")
    mesh.deploy(one, namespace)
    cors = {"allowOrigins": ["https://app.example.com"], "allowHeaders": ["content-type", "x-customer"]}
    host = mesh.route(namespace, {1: 100}, cors=cors)
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-customer"}
    page = {"Origin": "https://app.example.com"}
    preflight = mesh.request("OPTIONS", host, "/v1/predict", headers=page | asked)
    assert preflight.status in (200, 204)
    assert preflight.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "x-customer" in preflight.headers["access-control-allow-headers"].lower()
    assert preflight.headers["access-control-max-age"] == "86400"
    assert one.received == []
    assert mesh.predict(host, headers=page).headers["access-control-allow-origin"] == "https://app.example.com"
    stranger = mesh.predict(host, headers={"Origin": "https://evil.example.com"})
    assert "access-control-allow-origin" not in stranger.headers


@istio_alone
@pytest.mark.parametrize("settings", [{}, RAW])
def test_a_prediction_without_a_content_type_is_json(
    mesh: Mesh, servers: Servers, namespace: str, settings: Any
) -> None:
    one = servers("iris-1")
    mesh.deploy(one, namespace, **settings)
    hosts = {
        mesh.route(namespace, {1: 100}): "/v1/predict",
        f"iris-1.{namespace}.models.example.com": "/v1/models/iris-1:predict",
    }
    for host, path in hosts.items():
        mesh.request("POST", host, path, body=b"{}")
        mesh.request("POST", host, path, body=b"{}", headers={"Content-Type": "application/x-protobuf"})
    types = [request.headers["content-type"] for request in one.received]
    assert types == ["application/json", "application/x-protobuf"] * 2


def test_seldon_versions_answer_on_their_path(
    mesh: Mesh, servers: Servers, namespace: str, backend: RoutingBackend
) -> None:
    one, two = servers("iris-1", Protocol.SELDON), servers("iris-2", Protocol.SELDON)
    mesh.deploy(one, namespace)
    mesh.deploy(two, namespace, **RAW)
    found = mesh.answers(200, mesh.route(namespace, {1: 50, 2: 50}), SELDON_PATHS[backend])
    assert 60 <= found["iris-1"] <= 140
    assert {request.path for request in one.received + two.received} == {"/api/v1.0/predictions"}


def test_requests_enter_a_version_at_its_transformer(mesh: Mesh, servers: Servers, namespace: str) -> None:
    one = servers("iris-1")
    mesh.deploy(one, namespace, transformer={"image": "ghcr.io/team/transformer:1"}, **RAW)
    assert mesh.answers(3, mesh.route(namespace, {1: 100})) == {"iris-1": 3}
    assert {request.path for request in one.received} == {"/v1/models/iris-1:predict"}


def test_grpc_calls_are_divided_by_weight(mesh: Mesh, servers: Servers, namespace: str) -> None:
    mesh.deploy(servers("iris-1", Protocol.UPI_V1), namespace, **RAW)
    mesh.deploy(servers("iris-2", Protocol.UPI_V1), namespace, **RAW)
    found = mesh.calls(500, mesh.route(namespace, {1: 70, 2: 30}))
    assert set(found) == {"iris-1", "iris-2"}
    assert 100 <= found["iris-2"] <= 200


@istio_alone
def test_grpc_calls_are_divided_over_versions_behind_knative(mesh: Mesh, servers: Servers, namespace: str) -> None:
    mesh.deploy(servers("iris-1", Protocol.UPI_V1), namespace)
    mesh.deploy(servers("iris-2", Protocol.UPI_V1), namespace, **RAW)
    found = mesh.calls(300, mesh.route(namespace, {1: 50, 2: 50}))
    assert set(found) == {"iris-1", "iris-2"}
    assert 100 <= found["iris-2"] <= 200


@pytest.mark.parametrize("settings", [{}, RAW])
def test_grpc_calls_reach_a_version_at_its_own_host(
    mesh: Mesh, servers: Servers, namespace: str, settings: Any
) -> None:
    mesh.deploy(servers("iris-1", Protocol.UPI_V1), namespace, **settings)
    host = mesh.route(namespace, {1: 100})
    assert mesh.calls(5, host) == mesh.calls(5, f"iris-1.{namespace}.models.example.com") == {"iris-1": 5}


def test_metadata_of_a_grpc_call_decides_before_the_weights(mesh: Mesh, servers: Servers, namespace: str) -> None:
    mesh.deploy(servers("iris-1", Protocol.UPI_V1), namespace, **RAW)
    mesh.deploy(servers("iris-2", Protocol.UPI_V1), namespace, **RAW)
    host = mesh.route(namespace, {1: 100, 2: 0}, matches=[BETA])
    assert mesh.calls(20, host) == {"iris-1": 20}
    assert mesh.calls(20, host, {"x-customer": "beta"}) == {"iris-2": 20}


def test_the_answer_of_a_version_says_what_it_lacks(mesh: Mesh, servers: Servers, namespace: str) -> None:
    mesh.deploy(servers("iris-1"), namespace)
    mesh.settle()
    answer = mesh.predict(f"iris-1.{namespace}.models.example.com", "/v1/models/iris-9:predict")
    assert (answer.status, json.loads(answer.data)["error"]) == (404, "iris-1 has nothing at /v1/models/iris-9:predict")


def test_the_sample_server_answers_behind_the_gateway(mesh: Mesh, namespace: str) -> None:
    with iris_server("iris-1") as sample:
        mesh.deploy(ModelServer("iris-1", Protocol.HTTP_JSON, LOOPBACK, sample.port), namespace, **RAW)
        answer = mesh.predict(mesh.route(namespace, {1: 100}), json=FLOWER)
        assert json.loads(answer.data) == {"predictions": ["setosa"], "model": "iris-1"}
