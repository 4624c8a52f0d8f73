"""Ingress: paths under `/deployment/{name}` on one host, by the annotations of ingress-nginx (PrimeHub).

A second version is a second Ingress with canary annotations. What a canary cannot say is refused before it gets here.
"""

from typing import Any, Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.address import Address
from caraml_pulumi.model.clients import AccessType, tokens_are_long_enough
from caraml_pulumi.model.deferred import Value, when_known
from caraml_pulumi.model.endpoint_plan import EndpointPlan, Share
from caraml_pulumi.model.htpasswd import htpasswd
from caraml_pulumi.model.ingress_nginx import Canary, division, next_upstream
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.names import SERVICE_PORT, service_name
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.quantities import parse_quantity
from caraml_pulumi.model.spec import within
from caraml_pulumi.model.version_plan import VersionPlan

PREFIX: Final = "nginx.ingress.kubernetes.io"
REALM: Final = "Authentication Required"
"""PrimeHub's."""
Annotations = dict[str, Value]


def endpoint_objects(
    endpoint: EndpointPlan, platform: PlatformSpec, secret_name: Value | None = None
) -> list[Manifest]:
    """What routes to a model: its Ingress, and that of the canary; `secret_name` is that of a private one's clients."""
    main, canary = division(endpoint.routes)
    annotations = {
        **_to_version(endpoint.protocol, main.mode, main.service, endpoint.project),
        **_rewrite(endpoint, main),
        **_timeouts(endpoint, main),
        **_cors(endpoint),
        **_request_size(endpoint),
        **_basic_authentication(endpoint, secret_name),
    }
    made = [_endpoint_ingress(endpoint, platform, endpoint.model, main, annotations)]
    if canary:
        name = f"{endpoint.model}-canary"
        made.append(_endpoint_ingress(endpoint, platform, name, canary.share, _canary(canary)))
    return made


def version_objects(version: VersionPlan, platform: PlatformSpec) -> list[Manifest]:
    """What routes to a version, if the platform gives versions addresses: an Ingress that passes every path on."""
    if not platform.ingress.version_addresses:
        return []
    service = service_name(version.entry.name, version.mode)
    annotations = _to_version(version.protocol, version.mode, service, version.project)
    if version.address.prefix:
        annotations[f"{PREFIX}/rewrite-target"] = "/$1"
    if version.timeout_seconds is not None:
        annotations[f"{PREFIX}/proxy-read-timeout"] = str(version.timeout_seconds)
    metadata = {
        "name": f"{version.full_name}-version",
        "namespace": version.project,
        "labels": dict(version.labels),
        "annotations": _annotations(platform, {**version.annotations, **annotations}),
    }
    return [_ingress(metadata, platform, version.address, _all_below(version.address), service)]


def clients_secret(endpoint: EndpointPlan) -> Manifest | None:
    """The Secret with the clients of a private endpoint, as nginx reads them, hashed; nothing for a public one.

    Raises `CaramlError` for a token that is too short; if it is not known yet, when it is.

    Pulumi names it: other tokens make another Secret, and the Ingress goes over to it before the old one is deleted.
    """
    if endpoint.access.type is AccessType.PUBLIC:
        return None
    tokens = {client.name: client.token for client in endpoint.access.clients}
    realm = f"{endpoint.project}/{endpoint.model}"

    def auth(known: dict[str, str]) -> str:
        with within("access", "clients"):
            tokens_are_long_enough(known)
        return htpasswd(known, realm)

    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": endpoint.project, "labels": dict(endpoint.labels)},
        "type": "Opaque",
        "stringData": {"auth": when_known(tokens, auth)},
    }


def _endpoint_ingress(
    endpoint: EndpointPlan, platform: PlatformSpec, name: str, share: Share, annotations: Annotations
) -> Manifest:
    metadata = {
        "name": name,
        "namespace": endpoint.project,
        "labels": dict(endpoint.labels),
        "annotations": _annotations(platform, annotations),
    }
    # A rewrite makes the path a regular expression; without its end, longer paths would fit.
    predictions = f"{endpoint.address.prefix}{endpoint.path}$"
    path = predictions if endpoint.protocol is Protocol.HTTP_JSON else _all_below(endpoint.address)
    return _ingress(metadata, platform, endpoint.address, path, share.service)


def _all_below(address: Address) -> str:
    return f"{address.prefix}/(.+)" if address.prefix else "/"


def _ingress(metadata: Manifest, platform: PlatformSpec, address: Address, path: str, service: str) -> Manifest:
    backend = {"service": {"name": service, "port": {"number": SERVICE_PORT}}}
    rule = {"path": path, "pathType": "ImplementationSpecific", "backend": backend}
    spec: dict[str, Any] = {
        "ingressClassName": platform.ingress.class_name,
        "rules": [{"host": address.host, "http": {"paths": [rule]}}],
    }
    if tls := platform.routing.tls:
        spec["tls"] = [{"hosts": [address.host], **({"secretName": tls.secret_name} if tls.secret_name else {})}]
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


def _annotations(platform: PlatformSpec, own: Annotations) -> Annotations:
    """All annotations of an Ingress; Pulumi does not wait for an address, which not every controller writes."""
    return {**platform.ingress.annotations, **own, "pulumi.com/skipAwait": "true"}


def _to_version(protocol: Protocol, mode: DeploymentMode, service: str, project: str) -> Annotations:
    """How nginx speaks to a version; Knative finds a SERVERLESS one by its host inside the cluster."""
    found = {f"{PREFIX}/backend-protocol": "GRPC" if protocol is Protocol.UPI_V1 else "HTTP"}
    if mode is DeploymentMode.SERVERLESS:
        found[f"{PREFIX}/upstream-vhost"] = f"{service}.{project}.svc.cluster.local"
    return found


def _rewrite(endpoint: EndpointPlan, share: Share) -> Annotations:
    if endpoint.protocol is Protocol.UPI_V1:
        return {}
    target = share.predict_path if endpoint.protocol is Protocol.HTTP_JSON else "/$1"
    return {f"{PREFIX}/rewrite-target": str(target)}


def _timeouts(endpoint: EndpointPlan, share: Share) -> Annotations:
    """The time of one try, and apart from it the time in which it is tried again, as nginx counts."""
    timeout, retries = endpoint.timeout_seconds or share.timeout_seconds, endpoint.retries
    of_try = (retries.per_try_timeout_seconds if retries else None) or timeout
    found: dict[str, str | int | None] = {"proxy-read-timeout": of_try}
    if retries:
        found |= {
            "proxy-next-upstream": " ".join(next_upstream(retries.retry_on)) if retries.attempts else "off",
            "proxy-next-upstream-tries": retries.attempts + 1,
            "proxy-next-upstream-timeout": timeout,
        }
    return {f"{PREFIX}/{name}": str(value) for name, value in found.items() if value is not None}


def _cors(endpoint: EndpointPlan) -> Annotations:
    cors = endpoint.cors
    if cors is None:
        return {}
    found = {
        "enable-cors": "true",
        "cors-allow-origin": ",".join(cors.allow_origins),
        "cors-allow-methods": ",".join(cors.allow_methods),
        "cors-allow-headers": ",".join(cors.allow_headers),
        "cors-expose-headers": ",".join(cors.expose_headers),
        "cors-allow-credentials": str(cors.allow_credentials).lower(),
        "cors-max-age": str(cors.max_age_seconds),
    }
    return {f"{PREFIX}/{name}": value for name, value in found.items() if value}


def _request_size(endpoint: EndpointPlan) -> Annotations:
    if endpoint.max_request_size is None:
        return {}
    return {f"{PREFIX}/proxy-body-size": str(int(parse_quantity(endpoint.max_request_size).value))}


def _basic_authentication(endpoint: EndpointPlan, secret_name: Value | None) -> Annotations:
    """How nginx asks for clients; a private endpoint without its Secret lets nobody in."""
    if endpoint.access.type is AccessType.PUBLIC:
        return {}
    return {
        f"{PREFIX}/auth-type": "basic",
        f"{PREFIX}/auth-secret": secret_name,
        f"{PREFIX}/auth-secret-type": "auth-file",
        f"{PREFIX}/auth-realm": REALM,
    }


def _canary(canary: Canary) -> Annotations:
    found = {f"{PREFIX}/canary": "true", f"{PREFIX}/canary-weight": str(canary.weight)}
    if canary.header and canary.match:
        found[f"{PREFIX}/canary-by-header"] = canary.header
        if canary.match.exact:
            found[f"{PREFIX}/canary-by-header-value"] = canary.match.exact
        else:
            found[f"{PREFIX}/canary-by-header-pattern"] = f"^(?:{canary.match.regex})$"
    return found
