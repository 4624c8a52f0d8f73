"""Kubernetes Gateway API: an HTTPRoute or a GRPCRoute for each version, and one for a model's endpoint.

A rule rewrites for all its backends alike. Versions that need rewrites of their own are reached in two hops: the rule
that divides the requests names the chosen version in a header and sends them back to the gateway, where a rule for that
header rewrites them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.endpoint_plan import EndpointPlan, Route, Share
from caraml_pulumi.model.gateway_api import VERSION_HEADER, answering, in_two_hops, is_grpc_route
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.names import SERVICE_PORT, service_name
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.version_plan import VersionPlan

API_VERSION: Final = "gateway.networking.k8s.io/v1"


def endpoint_objects(endpoint: EndpointPlan, platform: PlatformSpec) -> list[Manifest]:
    """What routes to a model: its route. Other paths than those of predictions have no rule."""
    rules = [rule for route in endpoint.routes for rule in _rules(endpoint, route, platform)]
    is_grpc = endpoint.protocol is Protocol.UPI_V1 and is_grpc_route(endpoint.reached())
    return [_route(endpoint.model, endpoint, platform, "GRPCRoute" if is_grpc else "HTTPRoute", rules)]


def version_objects(version: VersionPlan, platform: PlatformSpec) -> list[Manifest]:
    """What routes to a version: its route, for every path at the version's own host."""
    is_raw = version.mode is DeploymentMode.RAW_DEPLOYMENT
    service = service_name(version.entry.name, version.mode)
    rule = {
        **_filters([] if is_raw else [_rewrite({"hostname": _host_in_cluster(service, version.project)})]),
        "backendRefs": [_backend(service, version.mode, platform)],
        **_timeouts(version.protocol, version.timeout_seconds),
    }
    kind = "GRPCRoute" if is_raw and version.protocol is Protocol.UPI_V1 else "HTTPRoute"
    return [_route(f"{version.full_name}-version", version, platform, kind, [rule], version.annotations)]


def _rules(endpoint: EndpointPlan, route: Route, platform: PlatformSpec) -> Iterator[Manifest]:
    shares = answering(route)
    match = _match(endpoint, route)
    copies_and_answers = [*_mirror(endpoint, platform), *_cors(endpoint)]
    if not in_two_hops(shares):
        yield {
            **_matches(match),
            **_filters([*_rewrites(endpoint, route, shares[0]), *copies_and_answers]),
            "backendRefs": [
                _backend(share.service, share.mode, platform) | {"weight": share.weight} for share in shares
            ],
            **_timeouts(endpoint.protocol, endpoint.timeout_seconds or _longest_timeout(shares)),
        }
        return
    yield {
        **_matches(match),
        **_filters(copies_and_answers),
        "backendRefs": [_back_to_the_gateway(share, platform) for share in shares],
        **_timeouts(endpoint.protocol, endpoint.timeout_seconds),
    }
    for share in shares:
        named = {"type": "Exact", "name": VERSION_HEADER, "value": str(share.version)}
        yield {
            **_matches({**match, "headers": [*match.get("headers", []), named]}),
            **_filters(_rewrites(endpoint, route, share)),
            "backendRefs": [_backend(share.service, share.mode, platform)],
            **_timeouts(endpoint.protocol, share.timeout_seconds),
        }


def _match(endpoint: EndpointPlan, route: Route) -> Manifest:
    match: Manifest = {}
    if endpoint.path is not None:
        path = route.path.prefix if route.path else None
        exact = route.path.exact if route.path else endpoint.path
        match["path"] = {"type": "PathPrefix", "value": path} if path else {"type": "Exact", "value": exact}
    if route.headers:
        match["headers"] = [
            {"type": "Exact", "name": name, "value": header.exact}
            if header.exact
            else {"type": "RegularExpression", "name": name, "value": header.regex}
            for name, header in route.headers.items()
        ]
    return match


def _matches(match: Manifest) -> Manifest:
    return {"matches": [match]} if match else {}


def _filters(filters: list[Manifest]) -> Manifest:
    return {"filters": filters} if filters else {}


def _rewrites(endpoint: EndpointPlan, route: Route, share: Share) -> list[Manifest]:
    """The rewrite to the version's own path, and for Knative to its host inside the cluster; none where none is due."""
    rewrite: Manifest = {}
    if share.mode is DeploymentMode.SERVERLESS:
        rewrite["hostname"] = _host_in_cluster(share.service, endpoint.project)
    if share.predict_path and (route.path or endpoint.path != share.predict_path):
        rewrite["path"] = {"type": "ReplaceFullPath", "replaceFullPath": share.predict_path}
    return [_rewrite(rewrite)] if rewrite else []


def _rewrite(to: Manifest) -> Manifest:
    return {"type": "URLRewrite", "urlRewrite": to}


def _host_in_cluster(service: str, project: str) -> str:
    return f"{service}.{project}.svc.cluster.local"


def _mirror(endpoint: EndpointPlan, platform: PlatformSpec) -> list[Manifest]:
    mirror = endpoint.mirror
    if mirror is None:
        return []
    to = {"backendRef": _backend(mirror.service, mirror.mode, platform), "percent": endpoint.mirror_percentage}
    return [{"type": "RequestMirror", "requestMirror": to}]


def _cors(endpoint: EndpointPlan) -> list[Manifest]:
    cors = endpoint.cors
    if cors is None:
        return []
    allowed: Manifest = {
        "allowOrigins": cors.allow_origins,
        "allowMethods": cors.allow_methods,
        "allowHeaders": cors.allow_headers,
        "exposeHeaders": cors.expose_headers,
        "allowCredentials": cors.allow_credentials,
        "maxAge": cors.max_age_seconds,
    }
    return [{"type": "CORS", "cors": {name: value for name, value in allowed.items() if value != []}}]


def _timeouts(protocol: Protocol, seconds: int | None) -> Manifest:
    """When a request is ended; a GRPCRoute has no such limit, and Knative ends the calls of SERVERLESS versions."""
    if seconds is None or protocol is Protocol.UPI_V1:
        return {}
    return {"timeouts": {"request": f"{seconds}s"}}


def _longest_timeout(shares: list[Share]) -> int | None:
    """The longest timeout of the versions; none if one of them has none."""
    of_versions = [share.timeout_seconds for share in shares if share.timeout_seconds]
    return max(of_versions) if len(of_versions) == len(shares) else None


def _backend(service: str, mode: DeploymentMode, platform: PlatformSpec) -> Manifest:
    """Where a version is reached: its Service, or Knative's gateway inside the cluster."""
    if mode is DeploymentMode.RAW_DEPLOYMENT:
        return {"kind": "Service", "name": service, "port": SERVICE_PORT}
    return _service(platform.gateway_api.local_gateway)


def _back_to_the_gateway(share: Share, platform: PlatformSpec) -> Manifest:
    named = {"set": [{"name": VERSION_HEADER, "value": str(share.version)}]}
    return {
        **_service(str(platform.gateway_api.service)),
        "weight": share.weight,
        "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": named}],
    }


def _service(reference: str) -> Manifest:
    namespace, _, name = reference.partition("/")
    return {"kind": "Service", "namespace": namespace, "name": name, "port": SERVICE_PORT}


def _route(
    name: str,
    of: EndpointPlan | VersionPlan,
    platform: PlatformSpec,
    kind: str,
    rules: list[Any],
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    gateway = platform.gateway_api
    namespace, _, gateway_name = gateway.gateway.partition("/")
    section = {"sectionName": gateway.section_name} if gateway.section_name else {}
    parent = {
        "group": "gateway.networking.k8s.io",
        "kind": "Gateway",
        "namespace": namespace,
        "name": gateway_name,
        **section,
    }
    annotated = {"annotations": dict(annotations)} if annotations else {}
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "namespace": of.project, "labels": dict(of.labels), **annotated},
        "spec": {"parentRefs": [parent], "hostnames": [of.host], "rules": rules},
    }
