"""Requests through a real nginx, routed by our Ingresses."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.manifests import Manifest, routing
from caraml_pulumi.model.modes import Protocol
from tests.e2e.proxies.conftest import Servers
from tests.e2e.proxies.model_server import ModelServer
from tests.e2e.proxies.nginx import Nginx, basic, nginx
from tests.unit.model.builders import endpoint, platform, version

pytestmark = pytest.mark.e2e
ON = platform(routing={"backend": "INGRESS"}, ingress={"versionAddresses": True})
RAW: dict[str, Any] = {"deploymentMode": "RAW_DEPLOYMENT"}
FIRST = [{"version": 1, "weight": 100, **RAW}]
SECOND = [{"version": 2, "weight": 100, **RAW}]
PREDICT = "http://iris-team.models.example.com/deployment/iris/v1/predict"
SELDON = "http://iris-team.models.example.com/deployment/iris/api/v1.0/predictions"
TOKEN = "correct horse"
Route = Callable[..., Nginx]


@pytest.fixture
def route(tmp_path: Path) -> Iterator[Route]:
    """Routes by an endpoint's objects to servers that stand for its versions."""
    with ExitStack() as running:

        def started(servers: Sequence[ModelServer], traffic: list[dict[str, Any]], **settings: Any) -> Nginx:
            plan = endpoint(traffic, ON, protocol=servers[0].protocol, **settings)
            objects = routing.endpoint_objects(plan, ON, "clients")
            if secret := routing.clients_secret(plan):
                objects.append({**secret, "metadata": {**secret["metadata"], "name": "clients"}})
            for server in servers:
                number = int(server.full_name.rpartition("-")[2])
                own = version(ON, version=number, protocol=server.protocol, **RAW)
                objects += routing.version_objects(own, ON)
            return running.enter_context(nginx(tmp_path, objects, behind(servers)))

        yield started


def behind(servers: Sequence[ModelServer]) -> dict[str, list[str]]:
    """Two replicas of each version, as nginx tries a request again at another replica alone."""
    return {f"{server.full_name}-predictor": [f"{server.address}:{server.port}"] * 2 for server in servers}


def weights(first: int) -> list[dict[str, Any]]:
    return [{"version": 1, "weight": first, **RAW}, {"version": 2, "weight": 100 - first, **RAW}]


def test_predictions_reach_the_versions_own_path_and_other_paths_lead_nowhere(servers: Servers, route: Route) -> None:
    one = servers("iris-1")
    proxy = route([one], FIRST)
    assert proxy.answers(3, PREDICT) == {"iris-1": 3}
    assert {request.path for request in one.received} == {"/v1/models/iris-1:predict"}
    base = PREDICT.removesuffix("/v1/predict")
    others = ("", "/", "/v1/predictions", "/v1/predict/more", "/v1/models/iris-1:predict", "/metrics", "es/v1/predict")
    assert [proxy.predict(base + path).status for path in others] == [404] * len(others)
    assert proxy.predict(PREDICT.replace("iris-team", "wine-team")).status == 404


def test_a_query_is_passed_on(servers: Servers, route: Route) -> None:
    one = servers("iris-1", Protocol.SELDON)
    route([one], FIRST).predict(SELDON + "?trace=1")
    assert [request.path for request in one.received] == ["/api/v1.0/predictions?trace=1"]


def test_every_path_below_a_versions_own_reaches_it(servers: Servers, route: Route) -> None:
    proxy = route([servers("iris-1"), servers("iris-2")], FIRST)
    for number in (1, 2):
        own = version(ON, version=number, **RAW)
        assert proxy.answers(1, own.url) == {f"iris-{number}": 1}
        health = own.url.removesuffix(":predict")
        assert proxy.request("GET", health).status == 200


def test_seldon_versions_get_their_weights(servers: Servers, route: Route) -> None:
    one, two = servers("iris-1", Protocol.SELDON), servers("iris-2", Protocol.SELDON)
    found = route([one, two], weights(90)).answers(1000, SELDON)
    assert 50 <= found["iris-2"] <= 150
    assert {request.path for request in [*one.received, *two.received]} == {"/api/v1.0/predictions"}


def test_grpc_calls_get_their_weights_and_metadata_decides_before_them(servers: Servers, route: Route) -> None:
    match = {"headers": {"x-tier": {"exact": "gold"}}, "traffic": SECOND}
    both = [servers("iris-1", Protocol.UPI_V1), servers("iris-2", Protocol.UPI_V1)]
    proxy = route(both, weights(50), matches=[match])
    host = "iris.iris-team.models.example.com"
    assert 50 <= proxy.calls(200, host)["iris-2"] <= 150
    assert proxy.calls(20, host, {"x-tier": "gold"}) == {"iris-2": 20}
    assert proxy.calls(2, "iris-1.iris-team.models.example.com") == {"iris-1": 2}


def test_a_header_decides_before_the_weights(servers: Servers, route: Route) -> None:
    both = [servers("iris-1", Protocol.SELDON), servers("iris-2", Protocol.SELDON)]
    match = {"headers": {"x-tier": {"regex": "gold|silver"}}, "traffic": SECOND}
    proxy = route(both, FIRST, matches=[match])
    for tier, answering in (("gold", "iris-2"), ("silver", "iris-2"), ("golden", "iris-1"), ("", "iris-1")):
        assert proxy.answers(20, SELDON, headers={"X-Tier": tier}) == {answering: 20}
    assert proxy.answers(20, SELDON) == {"iris-1": 20}


def test_knative_finds_a_serverless_version_by_its_host(servers: Servers, tmp_path: Path) -> None:
    one = servers("iris-1")
    objects = routing.endpoint_objects(endpoint([{"version": 1, "weight": 100}], ON), ON)
    with nginx(tmp_path, objects, {"iris-1": [f"{one.address}:{one.port}"]}) as proxy:
        assert proxy.answers(1, PREDICT) == {"iris-1": 1}
    assert [request.headers["host"] for request in one.received] == ["iris-1.iris-team.svc.cluster.local"]


def test_a_private_endpoint_lets_its_clients_in_and_nobody_else(servers: Servers, route: Route) -> None:
    clients = [{"name": "app", "token": TOKEN}, {"name": "batch@example.com", "token": "p:ä$$ w0rd"}]
    proxy = route([servers("iris-1")], FIRST, access={"type": "private", "clients": clients})
    refused = proxy.predict(PREDICT)
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="Authentication Required"')
    for name, token, status in (
        ("app", TOKEN, 200),
        ("batch@example.com", "p:ä$$ w0rd", 200),
        ("app", "p:ä$$ w0rd", 401),
        ("app", "", 401),
        ("nobody", TOKEN, 401),
    ):
        assert proxy.predict(PREDICT, headers=basic(name, token)).status == status


def test_a_public_endpoint_beside_a_private_one_stays_public(servers: Servers, tmp_path: Path) -> None:
    private = {"type": "private", "clients": [{"name": "app", "token": TOKEN}]}
    objects: list[Manifest] = []
    for model, access in (("iris", private), ("wine", {"type": "public"})):
        plan = endpoint(FIRST, ON, model=model, access=access)
        objects += routing.endpoint_objects(plan, ON, "clients")
        if secret := routing.clients_secret(plan):
            objects.append({**secret, "metadata": {**secret["metadata"], "name": "clients"}})
    with nginx(tmp_path, objects, behind([servers("iris-1"), servers("wine-1")])) as proxy:
        assert proxy.predict(PREDICT).status == 401
        assert proxy.answers(1, PREDICT.replace("iris/", "wine/")) == {"wine-1": 1}


def test_a_request_that_takes_too_long_is_ended(servers: Servers, route: Route) -> None:
    one = servers("iris-1")
    one.delay_seconds = 3
    proxy = route([one], FIRST, timeoutSeconds=1, retries={"attempts": 0})
    assert proxy.predict(PREDICT).status == 504


def test_a_failed_prediction_is_tried_again_as_often_as_asked(servers: Servers, route: Route) -> None:
    one = servers("iris-1")
    proxy = route([one], FIRST, retries={"attempts": 1})
    one.failures = 1
    assert proxy.answers(1, PREDICT) == {"iris-1": 1}
    assert len(one.received) == 2
    one.received.clear()
    one.failures = 2
    assert proxy.predict(PREDICT).status == 503
    assert len(one.received) == 2


def test_no_attempts_mean_one_try(servers: Servers, route: Route) -> None:
    one = servers("iris-1")
    one.failures = 1
    assert route([one], FIRST, retries={"attempts": 0}).predict(PREDICT).status == 503
    assert len(one.received) == 1


def test_larger_requests_than_allowed_are_refused(servers: Servers, route: Route) -> None:
    proxy = route([servers("iris-1")], FIRST, maxRequestSize="10Ki")
    assert proxy.predict(PREDICT, body=b"x" * 10_240).status == 200
    assert proxy.predict(PREDICT, body=b"x" * 10_241).status == 413


def test_pages_of_allowed_origins_may_call_and_their_preflights_need_no_token(servers: Servers, route: Route) -> None:
    private = {"type": "private", "clients": [{"name": "app", "token": TOKEN}]}
    cors = {"allowOrigins": ["https://a.example.com"], "allowHeaders": ["authorization"], "allowCredentials": True}
    proxy = route([servers("iris-1")], FIRST, cors=cors, access=private)
    preflight = {"Origin": "https://a.example.com", "Access-Control-Request-Method": "POST"}
    answer = proxy.request("OPTIONS", PREDICT, headers=preflight)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, "https://a.example.com")
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization"
    call = {**basic("app", TOKEN), "Origin": "https://a.example.com"}
    assert proxy.predict(PREDICT, headers=call).headers["Access-Control-Allow-Origin"] == "https://a.example.com"
    stranger = {**preflight, "Origin": "https://a.example.com.evil.org"}
    assert "Access-Control-Allow-Origin" not in proxy.request("OPTIONS", PREDICT, headers=stranger).headers


def test_tls_ends_at_nginx(servers: Servers, route: Route) -> None:
    one = servers("iris-1")
    assert route([one], FIRST).answers(1, PREDICT.replace("http://", "https://")) == {"iris-1": 1}


def test_the_example_of_ingress_nginxs_page_on_rewrites_is_followed(servers: Servers, tmp_path: Path) -> None:
    """ingress-nginx, Rewrite: `/something(/|$)(.*)` to `/$2`."""
    one = servers("iris-1")
    annotations = {"nginx.ingress.kubernetes.io/rewrite-target": "/$2"}
    backend = {"service": {"name": "http-svc", "port": {"number": 80}}}
    path = {"path": "/something(/|$)(.*)", "pathType": "ImplementationSpecific", "backend": backend}
    ingress = {
        "kind": "Ingress",
        "metadata": {"name": "rewrite", "annotations": annotations},
        "spec": {"rules": [{"host": "rewrite.bar.com", "http": {"paths": [path]}}]},
    }
    with nginx(tmp_path, [ingress], {"http-svc": [f"{one.address}:{one.port}"]}) as proxy:
        for asked in ("/something", "/something/", "/something/new"):
            proxy.request("GET", f"http://rewrite.bar.com{asked}")
    assert [request.path for request in one.received] == ["/", "/", "/new"]
