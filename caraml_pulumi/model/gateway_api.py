"""What the Kubernetes Gateway API asks of an endpoint's routes.

Its routes rewrite paths and hosts for all their backends alike; rewrites of a single backend are in its schema, but
Istio refuses them and Envoy Gateway ignored them until 1.7. Versions whose paths or hosts differ are therefore reached
in two hops: the first sends a request back to the gateway with a header that names the chosen version, the second
rewrites it for that version.
"""

from collections.abc import Sequence
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.endpoint_plan import EndpointPlan, Route, Share
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.spec import within

VERSION_HEADER: Final = "x-caraml-version"
"""Names the version that a request was given to on its first hop."""
MOST_RULES: Final = 16
"""How many rules a route may have (Gateway API)."""


def answering(route: Route) -> list[Share]:
    """The versions that get some of the requests."""
    return [share for share in route.shares if share.weight]


def in_two_hops(shares: Sequence[Share]) -> bool:
    """Whether the versions need rewrites of their own: their paths differ, or their hosts, by which Knative routes."""
    rewrites = {
        (share.predict_path, share.service if share.mode is DeploymentMode.SERVERLESS else None) for share in shares
    }
    return len(rewrites) > 1


def admit(endpoint: EndpointPlan, platform: PlatformSpec) -> None:
    """Refuse what no route of the Gateway API says. Raises `CaramlError`."""
    for index, route in enumerate(endpoint.routes):
        if VERSION_HEADER in route.headers:
            with within("matches", index, "headers"):
                raise CaramlError(f"header {VERSION_HEADER} is set by the endpoint itself", fix="match another header")
        _is_tried_after_earlier_ones(endpoint, index)
    shares = [answering(route) for route in endpoint.routes]
    divided = any(in_two_hops(one) for one in shares)
    if divided and platform.gateway_api.service is None:
        with within("traffic"):
            raise CaramlError(
                "the versions' paths or hosts differ, and the Gateway API rewrites them in a second hop alone",
                fix="set gatewayApi.service of the platform to the Gateway's own Service, as namespace/name",
            )
    rules = sum(1 + len(one) if in_two_hops(one) else 1 for one in shares)
    if rules > MOST_RULES:
        with within("matches"):
            raise CaramlError(f"the endpoint would have {rules} rules", allowed=f"at most {MOST_RULES} (Gateway API)")


def _is_tried_after_earlier_ones(endpoint: EndpointPlan, index: int) -> None:
    """Refuse a match that the Gateway API tries before an earlier one that takes the same requests.

    It tries the most specific rule first: an exact path, then the longest prefix, then the most headers; between equals
    the order counts.
    """
    later = endpoint.routes[index]
    for position, earlier in enumerate(endpoint.routes[:index]):
        if not _may_overlap(endpoint, earlier, later) or _rank(endpoint, later) <= _rank(endpoint, earlier):
            continue
        name, fix = f"match {index + 1}", f"put it before match {position + 1}"
        if later.is_default:
            name, fix = f"path {endpoint.path}", "match paths beside it, or headers alone"
        with within("matches", position):
            raise CaramlError(
                f"{name} is more specific than match {position + 1}, and the Gateway API tries it first",
                allowed="matches that become less specific",
                fix=fix,
            )


def _rank(endpoint: EndpointPlan, route: Route) -> tuple[bool, int, int]:
    exact, path = _path(endpoint, route)
    return exact, len(path), len(route.headers)


def _path(endpoint: EndpointPlan, route: Route) -> tuple[bool, str]:
    """Whether the path is exact, and the path."""
    if route.path is None:
        return endpoint.path is not None, endpoint.path or ""
    return route.path.exact is not None, route.path.exact or route.path.prefix or ""


def _may_overlap(endpoint: EndpointPlan, one: Route, other: Route) -> bool:
    """Whether a request may fit both."""
    (one_exact, one_path), (other_exact, other_path) = _path(endpoint, one), _path(endpoint, other)
    if one_exact and other_exact:
        paths_meet = one_path == other_path
    elif one_exact or other_exact:
        exact, prefix = (one_path, other_path) if one_exact else (other_path, one_path)
        paths_meet = exact.startswith(prefix)
    else:
        paths_meet = one_path.startswith(other_path) or other_path.startswith(one_path)
    exacts = [
        (one.headers[name].exact, other.headers[name].exact) for name in one.headers.keys() & other.headers.keys()
    ]
    return paths_meet and not any(a and b and a != b for a, b in exacts)


def is_grpc_route(shares: Sequence[Share]) -> bool:
    """Whether gRPC calls are routed by a GRPCRoute.

    It rewrites no hosts, by which Knative routes; calls to a SERVERLESS version are routed by an HTTPRoute.
    """
    return all(share.mode is DeploymentMode.RAW_DEPLOYMENT for share in shares)
