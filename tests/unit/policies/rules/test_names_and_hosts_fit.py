from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import CRON_JOB, JOB, STATEFUL_SET
from policies.reading import (
    DEPLOYMENT,
    IMAGE_BUILD,
    KNATIVE_SERVICE,
    MODEL_ENDPOINT,
    MODEL_PROJECT,
    MODEL_VERSION,
    NAMESPACE,
    SERVICE,
)
from policies.rules.names_and_hosts_fit import policy
from tests.unit.policies.configured import stack_platform
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
VIRTUAL_SERVICE = "kubernetes:networking.istio.io/v1:VirtualService"
HTTP_ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
DOMAIN_MAPPING = "kubernetes:serving.knative.dev/v1beta1:DomainMapping"
LONG = "a" * 64
NAMED: Properties = {**workload(STATEFUL_SET, pod()), "metadata": {"name": "r" * 53, "namespace": "iris-team"}}
VIOLATION: Resources = [(STATEFUL_SET, "raw", NAMED)]


def named(name: object, **metadata: Any) -> Properties:
    return {"metadata": {"name": name, **metadata}}


def version(model: str = "iris", project: str = "iris-team", number: int = 1, **props: Any) -> Properties:
    return {"model": model, "version": number, "project": project, **props}


def test_the_rule_is_mandatory_and_has_no_settings_of_its_own() -> None:
    assert policy.name == "names-and-hosts-fit"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.MEDIUM)
    assert set(settings_of(policy)) == {"environments", "exemptions"}


@pytest.mark.parametrize(
    ("type_", "props"),
    [
        (MODEL_VERSION, version()),
        (MODEL_VERSION, version("a" * 25, "b" * 50, 999, revision=7, transformer={"image": "ghcr.io/team/t:1"})),
        (MODEL_ENDPOINT, version()),
        (MODEL_PROJECT, {"project": "iris-team"}),
        (IMAGE_BUILD, version()),
    ],
)
def test_components_whose_names_fit_pass(type_: str, props: Properties) -> None:
    assert violations(policy, type_, props) == []


@pytest.mark.parametrize(
    ("type_", "props", "said", "where"),
    [
        (MODEL_VERSION, version("a" * 26), f'model name "{"a" * 26}" has 26 characters', "model"),
        (MODEL_ENDPOINT, version("Iris"), 'model name "Iris" is not a name that Kubernetes takes', "model"),
        (MODEL_PROJECT, {"project": "b" * 51}, f'project name "{"b" * 51}" has 51 characters', "project"),
        (MODEL_PROJECT, {"project": "kube-system"}, 'project name "kube-system" is a namespace of the', "project"),
        (IMAGE_BUILD, version(project="iris_team"), 'project name "iris_team" is not a name that', "project"),
        (MODEL_VERSION, version(number=10**60), f'"iris-1{"0" * 60}", the name of the version\'s', "version"),
        (
            MODEL_VERSION,
            version(number=10**45, transformer={"image": "t"}),
            f'"iris-1{"0" * 45}-transformer", the name',
            "version",
        ),
    ],
)
def test_components_whose_names_do_not_fit_are_refused(type_: str, props: Properties, said: str, where: str) -> None:
    found = violations(policy, type_, {**props, "version": str(props.get("version", 1))})
    assert [line[: len(said)] for line in first_lines(found)] == [said]
    assert places(found) == [where]


@pytest.mark.parametrize(
    ("type_", "longest"),
    [
        (DEPLOYMENT, 253),
        (STATEFUL_SET, 52),
        (CRON_JOB, 52),
        (JOB, 63),
        (SERVICE, 63),
        (NAMESPACE, 63),
        (KNATIVE_SERVICE, 57),
    ],
)
def test_names_of_objects_are_as_long_as_kubernetes_lets_them_be(type_: str, longest: int) -> None:
    assert violations(policy, type_, named("a" * longest)) == []
    found = violations(policy, type_, named("a" * (longest + 1)))
    assert [f"has {longest + 1} characters" in line for line in first_lines(found)] == [True]
    assert f"at most {longest}" in found[0]
    assert places(found) == ["metadata.name"]


@pytest.mark.parametrize("name", ["Iris", "iris_1", "-iris", "iris."])
def test_names_that_kubernetes_refuses_are_refused(name: str) -> None:
    assert len(violations(policy, DEPLOYMENT, named(name))) == 1


def test_a_dot_is_in_the_name_of_a_deployment_but_not_of_a_service() -> None:
    assert violations(policy, DEPLOYMENT, named("iris.v1")) == []
    assert first_lines(violations(policy, SERVICE, named("iris.v1"))) == ['Service "iris.v1" has a dot']
    assert first_lines(violations(policy, KNATIVE_SERVICE, named("iris.v1"))) == ['Service "iris.v1" has a dot']


def test_an_object_that_pulumi_names_is_not_judged() -> None:
    assert violations(policy, DEPLOYMENT, {"metadata": {"namespace": "iris-team"}}) == []
    assert violations(policy, KNATIVE_SERVICE, {"spec": {}}) == []


def test_a_knative_service_whose_host_is_too_long_is_refused_by_the_domain_of_the_stack() -> None:
    inside = {"networking.knative.dev/visibility": "cluster-local"}
    with stack_platform(domain=".".join(["d" * 60] * 3)):
        assert violations(policy, KNATIVE_SERVICE, named("iris", namespace="iris-team")) == []
        (said,) = first_lines(violations(policy, KNATIVE_SERVICE, named("i" * 50, namespace="n" * 50)))
        assert violations(policy, KNATIVE_SERVICE, named("i" * 50, namespace="n" * 50, labels=inside)) == []
    assert said.startswith('host "iii')
    assert said.endswith("has 284 characters")


def test_a_knative_service_without_a_configured_platform_is_judged_by_its_name_alone() -> None:
    assert violations(policy, KNATIVE_SERVICE, named("i" * 57, namespace="n" * 63)) == []


def ingress(host: str) -> Properties:
    return {"spec": {"rules": [{"host": host}, {}]}}


def routes(host: object) -> list[tuple[str, Properties, str]]:
    return [
        (INGRESS, {"spec": {"rules": [{}, {"host": host}]}}, "spec.rules[1].host"),
        (INGRESS, {"spec": {"tls": [{"hosts": ["a.example.com", host]}]}}, "spec.tls[0].hosts[1]"),
        (VIRTUAL_SERVICE, {"spec": {"hosts": [host]}}, "spec.hosts[0]"),
        (HTTP_ROUTE, {"spec": {"hostnames": [host]}}, "spec.hostnames[0]"),
        (GATEWAY, {"spec": {"listeners": [{"name": "http"}, {"hostname": host}]}}, "spec.listeners[1].hostname"),
        (DOMAIN_MAPPING, {"metadata": {"name": host}}, "metadata.name"),
    ]


@pytest.mark.parametrize(
    "host", ["iris.team.models.example.com", "*.models.example.com", "*", "10.0.0.1", ".".join(["a" * 63] * 3)]
)
def test_hosts_that_dns_takes_pass(host: str) -> None:
    assert [violations(policy, type_, props) for type_, props, _ in routes(host)] == [[]] * 6


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (f"{LONG}.example.com", f'"{LONG}" in host "{LONG}.example.com" has 64 characters'),
        (".".join(["a" * 63] * 4), f'host "{".".join(["a" * 63] * 4)}" has 255 characters'),
        ("Iris.example.com", 'domain "Iris.example.com" is not a DNS name'),
        ("iris_1.example.com", 'domain "iris_1.example.com" is not a DNS name'),
        ("iris..example.com", 'domain "iris..example.com" is not a DNS name'),
        ("iris.*.com", 'domain "iris.*.com" is not a DNS name'),
    ],
)
def test_hosts_that_dns_does_not_take_are_refused_where_they_are(host: str, said: str) -> None:
    for type_, props, where in routes(host):
        found = violations(policy, type_, props)
        assert first_lines(found) == [said]
        assert places(found) == [where]


def test_every_host_of_a_route_is_judged() -> None:
    assert len(violations(policy, VIRTUAL_SERVICE, {"spec": {"hosts": ["A", "b", "C"]}})) == 2


def test_a_name_that_is_not_known_yet_is_judged_at_the_update() -> None:
    for type_, props in ((SERVICE, named(UNKNOWN)), (HTTP_ROUTE, {"spec": {"hostnames": [UNKNOWN]}})):
        said = verdict(policy, type_, props)
        assert said.messages == []
        assert said.not_applicable
