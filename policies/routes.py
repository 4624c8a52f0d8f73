"""Routes, whatever makes them: how each divides requests, and over what.

Istio's VirtualServices, HTTPRoutes and GRPCRoutes of the Gateway API, Knative's Routes and Services, and Ingresses.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from caraml_pulumi.model.spec import Path
from policies.reading import KNATIVE_SERVICE, Properties, at
from policies.resource import Resource

ISTIO: Final = tuple(f"kubernetes:networking.istio.io/{version}:" for version in ("v1", "v1beta1", "v1alpha3"))
GATEWAY_API: Final = tuple(
    f"kubernetes:gateway.networking.k8s.io/{version}:" for version in ("v1", "v1beta1", "v1alpha2")
)
VIRTUAL_SERVICES: Final = tuple(f"{api}VirtualService" for api in ISTIO)
GATEWAY_ROUTES: Final = tuple(f"{api}{kind}" for api in GATEWAY_API for kind in ("HTTPRoute", "GRPCRoute"))
KNATIVE_ROUTE: Final = "kubernetes:serving.knative.dev/v1:Route"
INGRESS: Final = "kubernetes:networking.k8s.io/v1:Ingress"
INGRESS_NGINX: Final = "nginx.ingress.kubernetes.io"


class Target(NamedTuple):
    """What gets requests of a route."""

    kind: str
    """Service, Configuration or Revision."""
    name: str
    namespace: str
    """Empty for a host outside the cluster, or one whose place is not known."""
    weight: float = 1
    """Its share; 0: it gets none."""
    subset: str = ""
    host: str = ""
    """Under which host requests go on, where the route rewrites it."""

    @property
    def place(self) -> str:
        """Which it is, for people: whatever its weight."""
        subset = f", subset {self.subset}" if self.subset else ""
        return f"{self.kind} {self.namespace}/{self.name}{subset}" if self.namespace else f"{self.name}{subset}"


class Division(NamedTuple):
    """Requests, and what they are divided over."""

    path: Path
    """Where in the route it is said."""
    targets: Sequence[Target]
    mirrors: Sequence[Target] = ()
    """What gets copies of the requests."""


def divisions(route: Resource) -> Iterator[Division]:
    """Each division of requests in a resource of `ROUTE_TYPES`."""
    return _READERS[route.type](at(route.props, "spec"), namespace_of(route.props))


def namespace_of(props: Properties) -> str:
    """The namespace of an object."""
    return str(at(props, "metadata", "namespace") or "default")


def canary_weight(ingress: Resource) -> tuple[str, str] | None:
    """The weight of an Ingress that is a canary, and what it is counted to; None if it has none."""
    annotations = at(ingress.props, "metadata", "annotations")
    weight = at(annotations, f"{INGRESS_NGINX}/canary-weight")
    if at(annotations, f"{INGRESS_NGINX}/canary") != "true" or not isinstance(weight, str):
        return None
    return weight, str(at(annotations, f"{INGRESS_NGINX}/canary-weight-total") or 100)


def _of_virtual_service(spec: Properties, namespace: str) -> Iterator[Division]:
    for protocol in ("http", "tls", "tcp"):
        for index, one in enumerate(at(spec, protocol)):
            given = list(at(one, "route"))
            alone = 1 if len(given) == 1 else 0
            mirrors = [at(one, "mirror"), *(at(mirror, "destination") for mirror in at(one, "mirrors"))]
            yield Division(
                ("spec", protocol, index, "route"),
                [
                    _destination(
                        at(target, "destination"),
                        namespace,
                        weight=_number(at(target, "weight"), alone),
                        host=_rewritten(target) or _rewritten(one),
                    )
                    for target in given
                ],
                [_destination(mirror, namespace) for mirror in mirrors if mirror],
            )


def _destination(destination: Properties, namespace: str, *, weight: float = 1, host: str = "") -> Target:
    name, place = _service(str(at(destination, "host") or ""), namespace)
    return Target("Service", name, place, weight, str(at(destination, "subset") or ""), host)


def _service(host: str, namespace: str) -> tuple[str, str]:
    """The Service that a host stands for: of Istio a short name means the namespace of the VirtualService."""
    labels = host.split(".")
    if len(labels) == 1:
        return host, namespace
    return (labels[0], labels[1]) if labels[2:3] == ["svc"] else (host, "")


def _rewritten(holder: Properties) -> str:
    headers = at(holder, "headers", "request", "set")
    return next((str(value) for name, value in _items(headers) if name.lower() in ("host", ":authority")), "")


def _of_gateway_api(spec: Properties, namespace: str) -> Iterator[Division]:
    for index, rule in enumerate(at(spec, "rules")):
        filters = [*at(rule, "filters")]
        mirrors = [at(one, "requestMirror", "backendRef") for one in filters]
        hosts = [host for one in filters if isinstance(host := at(one, "urlRewrite", "hostname"), str)]
        yield Division(
            ("spec", "rules", index, "backendRefs"),
            [_backend(one, namespace, *hosts[:1]) for one in at(rule, "backendRefs")],
            [_backend(one, namespace) for one in mirrors if one],
        )


def _backend(reference: Properties, namespace: str, host: str = "") -> Target:
    kind = str(at(reference, "kind") or "Service")
    place = str(at(reference, "namespace") or namespace)
    return Target(kind, str(at(reference, "name") or ""), place, _number(at(reference, "weight"), 1), host=host)


def _of_knative(spec: Properties, namespace: str) -> Iterator[Division]:
    targets = []
    for one in at(spec, "traffic"):
        revision = at(one, "revisionName")
        kind, name = ("Revision", revision) if revision else ("Configuration", at(one, "configurationName"))
        targets.append(Target(kind, str(name or ""), namespace, _number(at(one, "percent"), 0)))
    if targets:
        yield Division(("spec", "traffic"), targets)


def _of_ingress(spec: Properties, namespace: str) -> Iterator[Division]:
    for index, rule in enumerate(at(spec, "rules")):
        for number, path in enumerate(at(rule, "http", "paths")):
            if name := at(path, "backend", "service", "name"):
                where = ("spec", "rules", index, "http", "paths", number, "backend")
                yield Division(where, [Target("Service", str(name), namespace)])
    if name := at(spec, "defaultBackend", "service", "name"):
        yield Division(("spec", "defaultBackend"), [Target("Service", str(name), namespace)])


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


def _items(mapping: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - as Kubernetes has it
    return list(mapping.items()) if isinstance(mapping, Mapping) else []


_READERS: Final[Mapping[str, Callable[[Properties, str], Iterator[Division]]]] = {
    **dict.fromkeys(VIRTUAL_SERVICES, _of_virtual_service),
    **dict.fromkeys(GATEWAY_ROUTES, _of_gateway_api),
    **dict.fromkeys((KNATIVE_ROUTE, KNATIVE_SERVICE), _of_knative),
    INGRESS: _of_ingress,
}
ROUTE_TYPES: Final = tuple(_READERS)
"""All that divides requests."""
