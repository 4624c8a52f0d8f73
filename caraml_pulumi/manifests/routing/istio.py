"""Istio: a VirtualService for each version, and one for a model's endpoint over its versions.

An Istio route rewrites paths for all its destinations alike, but versions answer on different paths. So the endpoint
only divides the requests: it sends each back through the ingress gateway under the chosen version's host, and there
the version's own VirtualService rewrites the path.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.endpoint_plan import PREDICT_PATH, EndpointPlan, Route
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.names import SERVICE_PORT, raw_service_name
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.version_plan import VersionPlan

API_VERSION: Final = "networking.istio.io/v1"
_NO_CONTENT_TYPE: Final[Manifest] = {"withoutHeaders": {"content-type": {}}}
_JSON: Final[Manifest] = {"request": {"set": {"Content-Type": "application/json"}}}
_UNSEEN: Final[Manifest] = {"retries": {"attempts": 2, "retryOn": "connect-failure,refused-stream"}}
"""Tries again what did not reach the version. Istio's own default tries failed gRPC calls again as well, on each hop,
and so more often than an endpoint asks for."""


def version_virtual_service(version: VersionPlan, platform: PlatformSpec) -> Manifest:
    """The route to `version`, at its own host, which leads to its transformer if it has one.

    The endpoint's path is rewritten to the version's; a prediction that names no content type is JSON (Merlin); every
    other path is passed on, and over gRPC all of them. Knative finds a SERVERLESS version by its host inside the
    cluster, and ends requests that take too long by itself.
    """
    is_serverless = version.mode is DeploymentMode.SERVERLESS
    name = version.entry.name
    in_cluster = f"{name if is_serverless else raw_service_name(name)}.{version.project}.svc.cluster.local"
    to = platform.istio.local_gateway_host if is_serverless else in_cluster
    route = [{"destination": {"host": to, "port": {"number": SERVICE_PORT}}, "headers": _host(in_cluster)}]
    routes: list[Manifest] = [{"name": "version", "route": route}]
    if version.predict_path:
        rewrite = {"uri": version.predict_path}
        endpoint, own = {"uri": {"exact": PREDICT_PATH}}, {"uri": {"exact": version.predict_path}}
        routes = [
            {
                "name": "endpoint-json",
                "match": [endpoint | _NO_CONTENT_TYPE],
                "rewrite": rewrite,
                "headers": _JSON,
                "route": route,
            },
            {"name": "endpoint", "match": [endpoint], "rewrite": rewrite, "route": route},
            {"name": "predict-json", "match": [own | _NO_CONTENT_TYPE], "headers": _JSON, "route": route},
            *routes,
        ]
    is_ended_here = version.timeout_seconds is not None and not is_serverless
    timeout = {"timeout": f"{version.timeout_seconds}s"} if is_ended_here else {}
    routes = [one | timeout | _UNSEEN for one in routes]
    return _virtual_service(
        f"{version.full_name}-vs",
        version.project,
        dict(version.labels),
        platform,
        hosts=[version.host],
        routes=routes,
        annotations=version.annotations,
    )


def endpoint_virtual_service(endpoint: EndpointPlan, platform: PlatformSpec) -> Manifest:
    """The route to a model: `POST /v1/predict` at the model's host, divided over its versions by weight.

    Over gRPC every request is divided, whatever its path (Merlin). A request on a matched path goes on as one for
    predictions.
    """
    routes = [_endpoint_route(endpoint, route, platform) for route in endpoint.routes]
    return _virtual_service(
        endpoint.model, endpoint.project, dict(endpoint.labels), platform, hosts=[endpoint.host], routes=routes
    )


def mirror_virtual_service(endpoint: EndpointPlan, platform: PlatformSpec) -> Manifest | None:
    """The route of the copies to the version that gets them, or nothing.

    A copy has the host and the path of the request that is answered, so at the ingress gateway it would be answered
    by the same version again. Copies therefore go to the gateway inside the cluster, where that host means the version
    that is mirrored to. Istio before 1.28, or with `DISABLE_SHADOW_HOST_SUFFIX=false`, adds `-shadow` to their host.
    """
    if endpoint.mirror is None:
        return None
    answering = sorted({share.host for route in endpoint.routes for share in route.shares if share.weight})
    route = {"name": "mirror", "route": [_hop(endpoint.mirror.host, platform)], **_UNSEEN}
    return _virtual_service(
        f"{endpoint.model}-mirror",
        endpoint.project,
        dict(endpoint.labels),
        platform,
        hosts=[*answering, *(f"{host}-shadow" for host in answering)],
        routes=[route],
        gateway=platform.istio.local_gateway,
    )


def endpoint_objects(endpoint: EndpointPlan, platform: PlatformSpec) -> list[Manifest]:
    """What routes to a model: its VirtualService, and that of the copies if there is a mirror."""
    mirror = mirror_virtual_service(endpoint, platform)
    return [endpoint_virtual_service(endpoint, platform), *([mirror] if mirror else [])]


def version_objects(version: VersionPlan, platform: PlatformSpec) -> list[Manifest]:
    """What routes to a version: its VirtualService."""
    return [version_virtual_service(version, platform)]


def _endpoint_route(endpoint: EndpointPlan, route: Route, platform: PlatformSpec) -> Manifest:
    match: Manifest = {}
    if endpoint.path is not None:
        match["uri"] = route.path.props() if route.path else {"exact": endpoint.path}
    if route.headers:
        match["headers"] = {name: header.props() for name, header in route.headers.items()}
    made: Manifest = {"name": "predict", **({"match": [match]} if match else {})}
    if route.path:
        # `uri` would replace a matched prefix alone.
        made["rewrite"] = {"uriRegexRewrite": {"match": "^/.*", "rewrite": endpoint.path}}
    hops = [_hop(share.host, platform) | {"weight": share.weight} for share in route.shares]
    return {**made, "route": hops, **_extras(endpoint, platform)}


def _hop(host: str, platform: PlatformSpec) -> Manifest:
    """Back through the ingress gateway, under another host."""
    destination = {"host": platform.istio.ingress_host, "port": {"number": SERVICE_PORT}}
    return {"destination": destination, "headers": _host(host)}


def _extras(endpoint: EndpointPlan, platform: PlatformSpec) -> Manifest:
    """What an endpoint asks for besides routes."""
    extras: Manifest = {}
    if endpoint.mirror:
        extras["mirror"] = {"host": platform.istio.local_gateway_host, "port": {"number": SERVICE_PORT}}
        extras["mirrorPercentage"] = {"value": endpoint.mirror_percentage}
    if endpoint.timeout_seconds:
        extras["timeout"] = f"{endpoint.timeout_seconds}s"
    if retries := endpoint.retries:
        per_try = retries.per_try_timeout_seconds
        extras["retries"] = {
            "attempts": retries.attempts,
            **({"perTryTimeout": f"{per_try}s"} if per_try else {}),
            "retryOn": ",".join(retries.retry_on),
        }
    if cors := endpoint.cors:
        extras["corsPolicy"] = {
            "allowOrigins": [{"regex": ".*"} if one == "*" else {"exact": one} for one in cors.allow_origins],
            "allowMethods": cors.allow_methods,
            "allowHeaders": cors.allow_headers,
            **({"exposeHeaders": cors.expose_headers} if cors.expose_headers else {}),
            "allowCredentials": cors.allow_credentials,
            "maxAge": f"{cors.max_age_seconds}s",
        }
    return extras


def _host(host: str) -> Manifest:
    return {"request": {"set": {"Host": host}}}


def _virtual_service(
    name: str,
    namespace: str,
    labels: dict[str, str],
    platform: PlatformSpec,
    *,
    routes: list[Any],
    hosts: Sequence[str],
    gateway: str | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    annotated = {"annotations": dict(annotations)} if annotations else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, **annotated},
        "spec": {"hosts": list(hosts), "gateways": [gateway or platform.istio.gateway], "http": routes},
    }
