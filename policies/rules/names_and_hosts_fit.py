"""Names and hosts are short enough for Kubernetes, Knative and DNS, and written as these take them.

A model's name has 3 to 25 characters and a project's 3 to 50: lower-case letters, digits and dashes (CaraML). What no
component made is held to what Kubernetes, Knative and DNS take: a label in DNS has at most 63 characters and a host at
most 253, a Knative Service leaves room for the suffix of its revisions, a StatefulSet and a CronJob for those of what
they make. Hosts are those of Ingresses, VirtualServices, routes and Gateways of the Gateway API, DomainMappings, and of
a Knative Service that is reached from outside, `{name}.{namespace}.{domain}` with the domain of the stack's
`caraml:platform`. A server-side dry run finds some of it, the rest shows only when a revision or a pod cannot be made.

    # refused: 64 characters before the first dot
    rules: [{host: iris-....example.com}]
    # passes
    rules: [{host: iris.team.models.example.com}]
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import names, object_names
from caraml_pulumi.model.labels import KNATIVE_VISIBILITY, PREDICTOR, TRANSFORMER
from caraml_pulumi.model.spec import Path, within
from policies.platform_config import platform
from policies.pods import POD_TYPES
from policies.reading import (
    IMAGE_BUILD,
    KNATIVE_SERVICE,
    MODEL_ENDPOINT,
    MODEL_PROJECT,
    MODEL_VERSION,
    NAMESPACE,
    SERVICE,
    Properties,
    at,
    broken,
)
from policies.resource import Resource
from policies.rule import resource_rule

DOMAIN_MAPPING: Final = "kubernetes:serving.knative.dev/v1beta1:DomainMapping"
Hosts = Iterator[tuple[Path, str]]


def _of_component(component: Resource) -> Iterator[CaramlError]:
    checks = {"model": names.model_name, "project": names.project_name}
    for name, check in checks.items():
        if name in component.props:
            yield from broken(within(name)(check), component.props[name])


def _of_version(version: Resource) -> Iterator[CaramlError]:
    yield from _of_component(version)
    props, revision = version.props, version.props.get("revision")
    if "model" not in props or "version" not in props:
        return
    full_name = names.full_name(props["model"], int(props["version"]))
    name = names.object_name(full_name, None if revision is None else int(revision))
    component = TRANSFORMER if props.get("transformer") else PREDICTOR
    yield from broken(within("version")(names.workload_name), name, component)


def _of_object(object_: Resource) -> Iterator[CaramlError]:
    if name := at(object_.props, "metadata", "name"):
        kind = object_.type.rpartition(":")[2]
        yield from broken(within("metadata", "name")(object_names.object_fits), kind, name)


def _of_knative_service(service: Resource) -> Iterator[CaramlError]:
    if name := at(service.props, "metadata", "name"):
        inside = at(service.props, "metadata", "labels", KNATIVE_VISIBILITY) == "cluster-local"
        configured = None if inside else platform()
        namespace = at(service.props, "metadata", "namespace") or "default"
        rule = within("metadata", "name")(object_names.knative_service_fits)
        yield from broken(rule, name, namespace, configured.domain if configured else None)


def _of_hosts(route: Resource) -> Iterator[CaramlError]:
    for path, host in _HOSTS[route.type](route.props):
        yield from broken(within(*path)(object_names.host_fits), host)


def _of_ingress(props: Properties) -> Hosts:
    for index, rule in enumerate(at(props, "spec", "rules")):
        if host := at(rule, "host"):
            yield ("spec", "rules", index, "host"), host
    for index, tls in enumerate(at(props, "spec", "tls")):
        for place, host in enumerate(at(tls, "hosts")):
            yield ("spec", "tls", index, "hosts", place), host


def _listed(name: str) -> Callable[[Properties], Hosts]:
    def hosts(props: Properties) -> Hosts:
        for index, host in enumerate(at(props, "spec", name)):
            yield ("spec", name, index), host

    return hosts


def _of_gateway(props: Properties) -> Hosts:
    for index, listener in enumerate(at(props, "spec", "listeners")):
        if host := at(listener, "hostname"):
            yield ("spec", "listeners", index, "hostname"), host


def _of_mapping(props: Properties) -> Hosts:
    if name := at(props, "metadata", "name"):
        yield ("metadata", "name"), name


_HOSTS: Final[Mapping[str, Callable[[Properties], Hosts]]] = {
    "kubernetes:networking.k8s.io/v1:Ingress": _of_ingress,
    **{f"kubernetes:networking.istio.io/{v}:VirtualService": _listed("hosts") for v in ("v1", "v1beta1", "v1alpha3")},
    **{
        f"kubernetes:gateway.networking.k8s.io/{version}:{kind}": _listed("hostnames")
        for version in ("v1", "v1beta1", "v1alpha2")
        for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute")
    },
    **{f"kubernetes:gateway.networking.k8s.io/{version}:Gateway": _of_gateway for version in ("v1", "v1beta1")},
    DOMAIN_MAPPING: _of_mapping,
}

policy = resource_rule(
    "names-and-hosts-fit",
    "Names and hosts are such that Kubernetes, Knative and DNS take them.",
    doc=__doc__,
    severity=Severity.MEDIUM,
    tags=("names",),
    steps="Shorten the name or the domain; use lower-case letters, digits and dashes.",
    judges={
        MODEL_VERSION: _of_version,
        **dict.fromkeys((MODEL_ENDPOINT, MODEL_PROJECT, IMAGE_BUILD), _of_component),
        **dict.fromkeys((*POD_TYPES, SERVICE, NAMESPACE), _of_object),
        KNATIVE_SERVICE: _of_knative_service,
        **dict.fromkeys(_HOSTS, _of_hosts),
    },
)
