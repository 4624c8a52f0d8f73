"""Istio: a VirtualService for each version, and one for a model's endpoint over its versions.

An Istio route rewrites paths for all its destinations alike, but versions answer on different paths. So the endpoint
only divides the requests: it sends each back through the ingress gateway under the chosen version's host, and there
the version's own VirtualService rewrites the path.
"""

from collections.abc import Mapping
from typing import Any, Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.endpoint import PREDICT_PATH, EndpointPlan
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.names import SERVICE_PORT, raw_service_name
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.version_plan import VersionPlan

API_VERSION: Final = "networking.istio.io/v1"
_NO_CONTENT_TYPE: Final[Manifest] = {"withoutHeaders": {"content-type": {}}}
_JSON: Final[Manifest] = {"request": {"set": {"Content-Type": "application/json"}}}


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
    if version.timeout_seconds is not None and not is_serverless:
        routes = [one | {"timeout": f"{version.timeout_seconds}s"} for one in routes]
    return _virtual_service(
        f"{version.full_name}-vs",
        version.project,
        dict(version.labels),
        platform,
        host=version.host,
        routes=routes,
        annotations=version.annotations,
    )


def endpoint_virtual_service(endpoint: EndpointPlan, platform: PlatformSpec) -> Manifest:
    """The route to a model: `POST /v1/predict` at the model's host, divided over its versions by weight.

    Over gRPC every request is divided, whatever its path (Merlin).
    """
    match = {} if endpoint.protocol is Protocol.UPI_V1 else {"match": [{"uri": {"exact": PREDICT_PATH}}]}
    destination = {"host": platform.istio.ingress_host, "port": {"number": SERVICE_PORT}}
    return _virtual_service(
        endpoint.model,
        endpoint.project,
        dict(endpoint.labels),
        platform,
        host=endpoint.host,
        routes=[
            {
                "name": "predict",
                **match,
                "route": [
                    {"destination": destination, "headers": _host(share.host), "weight": share.weight}
                    for share in endpoint.shares
                ],
            }
        ],
    )


def _host(host: str) -> Manifest:
    return {"request": {"set": {"Host": host}}}


def _virtual_service(
    name: str,
    namespace: str,
    labels: dict[str, str],
    platform: PlatformSpec,
    *,
    host: str,
    routes: list[Any],
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    annotated = {"annotations": dict(annotations)} if annotations else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, **annotated},
        "spec": {"hosts": [host], "gateways": [platform.istio.gateway], "http": routes},
    }
