from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.rules.ingress_has_tls import policy
from tests.unit.policies.models import (
    INGRESS,
    Named,
    defaults,
    endpoint,
    raw,
)
from tests.unit.policies.objects import first_lines, places

ISTIO_GATEWAY = "kubernetes:networking.istio.io/v1:Gateway"
GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
HOST = "iris.example.com"


def ingress(*hosts: str, tls: list[dict[str, Any]] | None = None) -> Named:
    spec: dict[str, Any] = {"rules": [{"host": host} for host in hosts]}
    return raw(INGRESS, "iris", {**spec, "tls": tls} if tls else spec)


VIOLATION: list[Named] = [ingress(HOST)]
ENVIRONMENT = "prod"


def judged(resource: Named, stack: str = "prod", **config: Any) -> list[str]:
    type_, name, props = resource
    return violations(policy, type_, props, name=name, stack=stack, config=config)


def test_the_rule_is_mandatory_in_production() -> None:
    assert policy.name == "ingress-has-tls"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert defaults(policy)["environments"] == ["prod", "production"]
    assert "*.svc.cluster.local" in defaults(policy)["private"]


def test_it_holds_in_the_environments_of_the_setting_alone() -> None:
    assert judged(ingress(HOST), stack="dev") == []
    assert len(judged(ingress(HOST), stack="production")) == 1
    assert len(judged(ingress(HOST), stack="dev", environments=["dev"])) == 1


@pytest.mark.parametrize(
    "tls",
    [
        [{"hosts": [HOST], "secretName": "iris"}],
        [{"hosts": ["*.example.com"]}],
        [{"secretName": "default"}],
    ],
)
def test_a_host_that_a_certificate_covers_passes(tls: list[dict[str, Any]]) -> None:
    assert judged(ingress(HOST, tls=tls)) == []


@pytest.mark.parametrize("tls", [None, [{"hosts": ["wine.example.com"]}], [{"hosts": ["*.com"]}]])
def test_a_host_without_a_certificate_is_refused(tls: list[dict[str, Any]] | None) -> None:
    found = judged(ingress(HOST, tls=tls))
    assert first_lines(found) == [f'requests to host "{HOST}" come in without TLS']
    assert places(found) == ["spec.tls"]


def test_every_host_needs_its_own() -> None:
    assert len(judged(ingress(HOST, "a.example.com", "b.example.com", tls=[{"hosts": [HOST]}]))) == 2


def test_an_ingress_for_every_host_needs_a_certificate() -> None:
    everything = raw(INGRESS, "iris", {"defaultBackend": {"service": {"name": "iris"}}})
    assert first_lines(judged(everything)) == ["requests to every host come in without TLS"]
    assert first_lines(judged(raw(INGRESS, "iris", {"rules": [{"http": {}}]}))) == [
        "requests to every host come in without TLS"
    ]


def test_hosts_that_are_reached_inside_alone_need_none() -> None:
    assert judged(ingress("iris.iris-team.svc.cluster.local")) == []
    assert judged(ingress("iris.intranet.example.com"), private=["*.intranet.example.com"]) == []
    assert len(judged(ingress("iris.iris-team.svc.cluster.local"), private=[])) == 1


@pytest.mark.parametrize(
    ("server", "refused"),
    [
        ({"port": {"number": 443, "protocol": "HTTPS", "name": "https"}, "tls": {"mode": "SIMPLE"}}, False),
        ({"port": {"number": 80, "protocol": "HTTP", "name": "http"}}, True),
        ({"port": {"number": 80, "protocol": "HTTP", "name": "http"}, "tls": {"httpsRedirect": True}}, False),
        ({"port": {"number": 9000, "protocol": "GRPC", "name": "http"}}, True),
        ({"port": {"number": 3306, "protocol": "TCP", "name": "tcp"}}, False),
    ],
)
def test_a_server_of_an_istio_gateway_has_tls_or_redirects(server: dict[str, Any], refused: bool) -> None:
    found = judged(raw(ISTIO_GATEWAY, "models", {"servers": [{**server, "hosts": ["*"]}]}))
    assert bool(found) is refused
    if refused:
        assert first_lines(found) == [f'listener "http" takes {server["port"]["protocol"]} without TLS']
        assert places(found) == ["spec.servers[0]"]


def test_gateways_inside_the_cluster_need_none() -> None:
    plain = {"servers": [{"port": {"number": 80, "protocol": "HTTP", "name": "http"}, "hosts": ["*"]}]}
    assert judged(raw(ISTIO_GATEWAY, "knative-local-gateway", plain)) == []
    assert judged(raw(ISTIO_GATEWAY, "inside", plain), private=["iris-team/inside"]) == []
    hosts = {"servers": [{**plain["servers"][0], "hosts": ["iris-team/*.svc.cluster.local"]}]}
    assert judged(raw(ISTIO_GATEWAY, "models", hosts)) == []


def test_a_listener_of_a_gateway_has_one_with_tls_beside_it() -> None:
    def listeners(*given: tuple[str, str]) -> list[str]:
        found = [{"name": f"l{index}", "protocol": one, "hostname": host} for index, (one, host) in enumerate(given)]
        return judged(raw(GATEWAY, "models", {"listeners": found}))

    assert listeners(("HTTPS", HOST)) == []
    assert listeners(("HTTP", HOST), ("HTTPS", HOST)) == []
    assert listeners(("HTTP", HOST), ("HTTPS", "")) == []
    assert listeners(("TCP", "")) == []
    assert listeners(("HTTP", "iris.iris-team.svc.cluster.local")) == []
    assert first_lines(listeners(("HTTP", HOST))) == ['listener "l0" takes HTTP without TLS']
    assert places(listeners(("HTTPS", HOST), ("HTTP", "wine.example.com"))) == ["spec.listeners[1]"]


@pytest.mark.parametrize("backend", ["ISTIO", "GATEWAY_API", "INGRESS"])
def test_an_endpoint_has_the_tls_of_its_platform(backend: str) -> None:
    given: dict[str, Any] = {"environment": "prod", "backend": backend, "host": HOST}
    assert judged(endpoint(100, **given, tls=True)) == []
    found = judged(endpoint(100, **given, tls=False))
    assert first_lines(found) == [f'the endpoint answers at "{HOST}" without TLS']
    assert places(found) == ["platform.routing.tls"]
    assert judged(endpoint(100, **{**given, "host": "iris.internal"}, tls=False)) == []


def test_a_route_of_knative_is_not_judged() -> None:
    assert judged(endpoint(100, environment="prod", backend="KNATIVE", host=HOST, tls=False)) == []


def test_hosts_that_are_not_known_yet_are_not_judged() -> None:
    type_, name, props = ingress(UNKNOWN)  # type: ignore[arg-type]
    found = verdict(policy, type_, props, name=name, stack="prod")
    assert found.violations == []
    assert found.not_applicable
