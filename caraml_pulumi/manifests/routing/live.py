"""What the routes of a model say in the cluster, whichever backend they are of: weights, and why one is not taken."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from caraml_pulumi.manifests.routing.ingress import PREFIX
from caraml_pulumi.model.gateway_api import VERSION_HEADER
from caraml_pulumi.observed.objects import (
    Object,
    at,
    condition,
    items_at,
    number_at,
    observed,
    reason_and_message,
    text_at,
)
from caraml_pulumi.observed.troubles import one_line

KINDS: Final = frozenset(("GRPCRoute", "HTTPRoute", "Ingress", "Route", "VirtualService"))
"""Kinds that route the requests of a model; Route is Knative's."""
_REST: Final = -1
"""The weight of what gets all that the others leave."""


def live_weights(routes: Sequence[Object], names: Mapping[int, frozenset[str]]) -> dict[int, int] | None:
    """Percent of the requests by version, as `routes` divide those that no match takes; None if they do not say.

    `names` are the names by which a route may send requests to each version: its host, and those of its objects.
    """
    shares = [share for route in routes for share in _shares(route)]
    taken = sum(weight for _, weight in shares if weight != _REST)
    weighed = [(target, 100 - taken if weight == _REST else weight) for target, weight in shares]
    whole = sum(weight for _, weight in weighed)
    if whole <= 0:
        return None
    found = dict.fromkeys(names, 0)
    for target, weight in weighed:
        for version, known in names.items():
            if known & {target, target.partition(".")[0]} or target == _numbered(version):
                found[version] += round(100 * weight / whole)
    return found


def not_taken(route: Object) -> str:
    """Why a route is not in force, in its controller's words; empty if it is, or if no controller says."""
    statuses = [{"status": parent} for parent in items_at(route, "status", "parents")] or [route]
    for status in statuses:
        for type_ in ("Accepted", "ResolvedRefs", "Ready"):
            found = condition(status, type_)
            if found is not None and found.get("status") == "False" and observed(route, found):
                return one_line(reason_and_message(found))
    return ""


def _shares(route: Object) -> Iterator[tuple[str, int]]:
    """Where a route sends requests, and with which weight."""
    match route.get("kind"):
        case "VirtualService":
            yield from _of_virtual_service(route)
        case "HTTPRoute" | "GRPCRoute":
            yield from _of_gateway_api(route)
        case "Route":
            for one in items_at(route, "spec", "traffic"):
                yield text_at(one, "configurationName") or text_at(one, "revisionName"), number_at(one, "percent")
        case "Ingress":
            yield from _of_ingress(route)


def _of_virtual_service(route: Object) -> Iterator[tuple[str, int]]:
    targets = next(filter(None, (items_at(one, "route") for one in reversed(items_at(route, "spec", "http")))), [])
    for one in targets:
        host = text_at(one, "headers", "request", "set", "Host") or text_at(one, "destination", "host")
        yield host, number_at(one, "weight", default=100 if len(targets) == 1 else 0)


def _of_gateway_api(route: Object) -> Iterator[tuple[str, int]]:
    """The default rule is the last that no request is sent back to under the name of a version."""
    rules = [one for one in items_at(route, "spec", "rules") if not _is_second_hop(one)]
    for rule in rules[-1:]:
        hosts = [host for one in items_at(rule, "filters") if (host := text_at(one, "urlRewrite", "hostname"))]
        for one in items_at(rule, "backendRefs"):
            version = [
                f"{VERSION_HEADER}={text_at(header, 'value')}"
                for modified in items_at(one, "filters")
                for header in items_at(modified, "requestHeaderModifier", "set")
                if header.get("name") == VERSION_HEADER
            ]
            yield [*version, *hosts, text_at(one, "name")][0], number_at(one, "weight", default=1)


def _is_second_hop(rule: Object) -> bool:
    headers = [header for match in items_at(rule, "matches") for header in items_at(match, "headers")]
    return any(header.get("name") == VERSION_HEADER for header in headers)


def _numbered(version: int) -> str:
    return f"{VERSION_HEADER}={version}"


def _of_ingress(route: Object) -> Iterator[tuple[str, int]]:
    annotations = at(route, "metadata", "annotations")
    canary = text_at(annotations, f"{PREFIX}/canary") == "true"
    weight = text_at(annotations, f"{PREFIX}/canary-weight")
    if canary and not weight.isdecimal():
        return
    for rule in items_at(route, "spec", "rules")[:1]:
        for path in items_at(rule, "http", "paths")[:1]:
            yield text_at(path, "backend", "service", "name"), int(weight) if canary else _REST
