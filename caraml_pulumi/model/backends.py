"""What each routing backend can do, and the refusal of what it cannot."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.routing import RoutingBackend
from caraml_pulumi.model.spec import Path, within


class Feature(StrEnum):
    """Something that an endpoint may ask of its backend; the values are words for messages."""

    RAW_DEPLOYMENT = "route to a RAW_DEPLOYMENT version"
    SPLIT_HTTP_JSON = "divide HTTP_JSON requests over two versions"
    SPLIT_SERVERLESS = "divide requests over SERVERLESS versions"
    SPLIT_GRPC_SERVERLESS = "divide gRPC calls over SERVERLESS versions"
    MATCHES = "match requests before the default route"
    HEADER_PREFIX = "match a header by its prefix"
    PATHS = "match the path of a request"
    GRPC_PATHS = "match the path of a gRPC call"
    MIRROR = "mirror requests"
    MIRROR_HTTP_JSON = "mirror HTTP_JSON requests"
    MIRROR_SERVERLESS = "mirror requests to a SERVERLESS version"
    TIMEOUT = "end requests that take too long"
    GRPC_TIMEOUT = "end gRPC calls that take too long"
    RETRIES = "try failed requests again"
    CORS = "answer pages of other origins"
    GRPC_CORS = "answer gRPC calls of other origins"
    REQUEST_SIZE = "limit the size of requests"
    PRIVATE_ACCESS = "ask clients for their tokens"


_ISTIO: Final = {
    Feature.REQUEST_SIZE: "a VirtualService has no such limit",
    Feature.PRIVATE_ACCESS: "a VirtualService knows no passwords; Istio has RequestAuthentication for JWTs",
    Feature.GRPC_PATHS: "its versions are found by host alone",
}
_GATEWAY_API: Final = {
    Feature.SPLIT_GRPC_SERVERLESS: "a GRPCRoute rewrites no hosts, by which Knative routes",
    Feature.HEADER_PREFIX: "an HTTPRoute matches headers exactly or by a regular expression",
    Feature.GRPC_PATHS: "a GRPCRoute matches services and methods",
    Feature.MIRROR_HTTP_JSON: "copies are not rewritten, and each version answers on its own path",
    Feature.MIRROR_SERVERLESS: "copies are not rewritten, and Knative routes by host",
    Feature.GRPC_TIMEOUT: "a GRPCRoute has no timeouts",
    Feature.RETRIES: "retries are in its experimental channel alone",
    Feature.GRPC_CORS: "a GRPCRoute answers no preflights",
    Feature.REQUEST_SIZE: "an HTTPRoute has no such limit",
    Feature.PRIVATE_ACCESS: "an HTTPRoute has no passwords",
}
_WEIGHTS_ALONE: Final = "a Knative Route has weights alone"
_KNATIVE: Final = {
    Feature.RAW_DEPLOYMENT: "a Knative Route leads to Knative Services alone",
    Feature.SPLIT_HTTP_JSON: "a Knative Route keeps paths as they are, and each version answers on its own",
    Feature.MATCHES: _WEIGHTS_ALONE,
    Feature.HEADER_PREFIX: _WEIGHTS_ALONE,
    Feature.PATHS: _WEIGHTS_ALONE,
    Feature.GRPC_PATHS: _WEIGHTS_ALONE,
    Feature.MIRROR: _WEIGHTS_ALONE,
    Feature.MIRROR_HTTP_JSON: _WEIGHTS_ALONE,
    Feature.MIRROR_SERVERLESS: _WEIGHTS_ALONE,
    Feature.TIMEOUT: "a Knative Route has no timeout; the version's timeoutSeconds holds",
    Feature.GRPC_TIMEOUT: "a Knative Route has no timeout; the version's timeoutSeconds holds",
    Feature.RETRIES: _WEIGHTS_ALONE,
    Feature.CORS: _WEIGHTS_ALONE,
    Feature.GRPC_CORS: _WEIGHTS_ALONE,
    Feature.REQUEST_SIZE: _WEIGHTS_ALONE,
    Feature.PRIVATE_ACCESS: _WEIGHTS_ALONE,
}
_MIRRORS_TO_AN_ADDRESS: Final = "ingress-nginx copies all requests, to one address and path"
_INGRESS: Final = {
    Feature.SPLIT_HTTP_JSON: "a canary Ingress has the path of the main one, and each version answers on its own",
    Feature.SPLIT_SERVERLESS: "a canary Ingress has the upstream host of the main one, and Knative routes by host",
    Feature.SPLIT_GRPC_SERVERLESS: "a canary Ingress has the upstream host of the main one, and Knative routes by host",
    Feature.HEADER_PREFIX: "a canary Ingress matches a header exactly or by a regular expression",
    Feature.PATHS: "the Ingresses of an endpoint have one path",
    Feature.GRPC_PATHS: "the Ingresses of an endpoint have one path",
    Feature.MIRROR: _MIRRORS_TO_AN_ADDRESS,
    Feature.MIRROR_HTTP_JSON: _MIRRORS_TO_AN_ADDRESS,
    Feature.MIRROR_SERVERLESS: _MIRRORS_TO_AN_ADDRESS,
}
LACKS: Final[Mapping[RoutingBackend, Mapping[Feature, str]]] = {
    RoutingBackend.ISTIO: _ISTIO,
    RoutingBackend.GATEWAY_API: _GATEWAY_API,
    RoutingBackend.KNATIVE: _KNATIVE,
    RoutingBackend.INGRESS: _INGRESS,
}
"""What each backend cannot do, and why."""


def can_do(backend: RoutingBackend, wanted: Iterable[tuple[Feature, Path]]) -> None:
    """Refuse what `backend` cannot do; `wanted` are features and the properties that ask for them.

    Raises `CaramlError` for the first.
    """
    for feature, path in wanted:
        reason = LACKS[backend].get(feature)
        if reason is None:
            continue
        able = [str(other) for other in RoutingBackend if feature not in LACKS[other]]
        with within(*path):
            raise CaramlError(
                f"backend {backend} cannot {feature.value}: {reason}",
                allowed=f"with backend {' or '.join(able)}" if able else "with no backend",
            )
