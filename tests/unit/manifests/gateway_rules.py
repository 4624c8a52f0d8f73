"""HTTPRoutes followed as the Gateway API documents it, up to the backends that a request may reach.

The most specific rule takes a request: an exact path, then the longest prefix, then the most headers, then the first
(HTTPRouteRule.matches). Its filters rewrite the request; each of its backends gets some by weight.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

MOST_HOPS = 5


@dataclass(frozen=True)
class Request:
    """A request as a gateway sees it."""

    path: str
    headers: tuple[tuple[str, str], ...] = ()
    host: str = "iris.iris-team.models.example.com"


@dataclass(frozen=True)
class Arrival:
    """What a backend gets of the requests, and how many of them."""

    backend: str
    request: Request
    share: float


def rule_for(route: dict[str, Any], request: Request) -> dict[str, Any] | None:
    """The rule that takes `request`."""
    fitting = [
        (rank(match), -position, rule)
        for position, rule in enumerate(route["spec"]["rules"])
        for match in rule.get("matches", [{}])
        if fits(match, request)
    ]
    return max(fitting, key=lambda found: found[:2])[2] if fitting else None


def rank(match: dict[str, Any]) -> tuple[bool, int, int]:
    """How specific a match is."""
    path = match.get("path", {"type": "PathPrefix", "value": "/"})
    return path["type"] == "Exact", len(path["value"]), len(match.get("headers", []))


def fits(match: dict[str, Any], request: Request) -> bool:
    """Whether a request has the path and all headers of a match."""
    path = match.get("path", {"type": "PathPrefix", "value": "/"})
    value, headers = path["value"], dict(request.headers)
    below = request.path == value or request.path.startswith(value.rstrip("/") + "/")
    return (request.path == value if path["type"] == "Exact" else below) and all(
        header["name"] in headers
        and (
            headers[header["name"]] == header["value"]
            if header["type"] == "Exact"
            else re.fullmatch(header["value"], headers[header["name"]])
        )
        for header in match.get("headers", [])
    )


def follow(route: dict[str, Any], request: Request, gateway: str, hops: int = 0) -> Iterator[Arrival]:
    """Where `request` arrives; what goes back to the `gateway` is followed further."""
    assert hops < MOST_HOPS, "the request goes round in circles"
    rule = rule_for(route, request)
    if rule is None:
        return
    request = rewritten(request, rule.get("filters", []))
    whole = sum(backend.get("weight", 1) for backend in rule["backendRefs"])
    for backend in rule["backendRefs"]:
        sent = rewritten(request, backend.get("filters", []))
        share = backend.get("weight", 1) / whole
        name = f"{backend['namespace']}/{backend['name']}" if "namespace" in backend else backend["name"]
        if name == gateway:
            for arrival in follow(route, sent, gateway, hops + 1):
                yield replace(arrival, share=arrival.share * share)
        else:
            yield Arrival(name, sent, share)


def rewritten(request: Request, filters: list[dict[str, Any]]) -> Request:
    """A request after the filters that change it."""
    for one in filters:
        if rewrite := one.get("urlRewrite"):
            path = rewrite.get("path", {}).get("replaceFullPath", request.path)
            request = replace(request, path=path, host=rewrite.get("hostname", request.host))
        if modified := one.get("requestHeaderModifier"):
            added = {header["name"]: header["value"] for header in modified["set"]}
            request = replace(request, headers=tuple(sorted({**dict(request.headers), **added}.items())))
    return request
