"""What lets requests in from outside in production has TLS.

A ModelEndpoint has it where the platform's `routing.tls` is set; its Ingress then lists its host under `spec.tls`.
Routes of Knative have TLS by Knative's own configuration and are not judged.

Of objects that no component made: every host of an Ingress is covered by an entry of `spec.tls`, of which one without
hosts is the controller's own certificate; every server of an Istio Gateway that takes HTTP redirects to HTTPS; and
every HTTP listener of a Gateway of the Gateway API has a listener with TLS beside it for the same host, to which its
routes can redirect.

Hosts and gateways that are reached inside alone are named in the setting `private`: by host, or a gateway as
namespace/name.

Refused in production:

```yaml
kind: Ingress
spec:
  rules:
    - host: iris.example.com
```
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.routing import RoutingBackend
from caraml_pulumi.model.spec import within
from caraml_pulumi.model.tls import address_has_tls, host_has_tls, is_private, listener_has_tls
from policies.reading import MODEL_ENDPOINT, Properties, at, broken
from policies.resource import Resource
from policies.routes import GATEWAY_API, INGRESS, ISTIO, namespace_of
from policies.rule import PRODUCTION, resource_rule

PRIVATE = "private"
_PLAIN = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")
"""Istio's protocols of requests without TLS."""


def _of_endpoint(endpoint: Resource) -> Iterator[CaramlError]:
    if endpoint.props["backend"] != RoutingBackend.KNATIVE and not _is_private(endpoint, endpoint.props["host"]):
        rule = within("platform", "routing", "tls")(address_has_tls)
        yield from broken(rule, endpoint.props["host"], secured=bool(endpoint.props["tls"]))


def _of_ingress(ingress: Resource) -> Iterator[CaramlError]:
    spec = at(ingress.props, "spec")
    secured = {host for entry in at(spec, "tls") for host in (at(entry, "hosts") or ("*",))}
    hosts = dict.fromkeys(str(at(rule, "host") or "") for rule in at(spec, "rules"))
    if not hosts and at(spec, "defaultBackend"):
        hosts = {"": None}
    for host in hosts:
        if not _is_private(ingress, host):
            yield from broken(within("spec", "tls")(host_has_tls), host, secured)


def _of_istio_gateway(gateway: Resource) -> Iterator[CaramlError]:
    for index, server in enumerate(at(gateway.props, "spec", "servers")):
        protocol = str(at(server, "port", "protocol") or "HTTP").upper()
        hosts = [str(host).rpartition("/")[2] for host in at(server, "hosts")]
        if protocol in _PLAIN and not _is_private(gateway, *hosts):
            name = str(at(server, "port", "name") or index)
            redirects = at(server, "tls", "httpsRedirect") is True
            yield from broken(within("spec", "servers", index)(listener_has_tls), name, protocol, secured=redirects)


def _of_gateway(gateway: Resource) -> Iterator[CaramlError]:
    listeners = list(at(gateway.props, "spec", "listeners"))
    secured = {_hostname(one) for one in listeners if at(one, "protocol") in ("HTTPS", "TLS")}
    for index, listener in enumerate(listeners):
        host = _hostname(listener)
        if at(listener, "protocol") == "HTTP" and not _is_private(gateway, host):
            rule = within("spec", "listeners", index)(listener_has_tls)
            beside = host in secured or "" in secured
            yield from broken(rule, str(at(listener, "name") or index), "HTTP", secured=beside)


def _hostname(listener: Properties) -> str:
    return str(at(listener, "hostname") or "")


def _is_private(resource: Resource, *hosts: str) -> bool:
    private = resource.settings[PRIVATE]
    name = f"{namespace_of(resource.props)}/{at(resource.props, 'metadata', 'name')}"
    return is_private(name, private) or (bool(hosts) and all(is_private(host, private) for host in hosts))


policy = resource_rule(
    "ingress-has-tls",
    "What lets requests in has TLS.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("security", "traffic"),
    steps="Set routing.tls of the platform; of an Ingress, add its hosts to spec.tls.",
    settings={
        PRIVATE: {
            "type": "array",
            "items": {"type": "string"},
            "default": [
                "*.svc",
                "*.svc.cluster.local",
                "*.local",
                "*.internal",
                "localhost",
                "*/knative-local-gateway",
                "*/cluster-local-gateway",
            ],
            "description": "Hosts, and gateways as namespace/name, that are reached inside alone; patterns with *.",
        },
    },
    environments=PRODUCTION,
    judges={
        MODEL_ENDPOINT: _of_endpoint,
        INGRESS: _of_ingress,
        **dict.fromkeys((f"{api}Gateway" for api in ISTIO), _of_istio_gateway),
        **dict.fromkeys((f"{api}Gateway" for api in GATEWAY_API), _of_gateway),
    },
)
