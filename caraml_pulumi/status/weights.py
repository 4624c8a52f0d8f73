"""The weights that a model's route has in the cluster, whichever backend it is of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from caraml_pulumi.model.gateway_api import VERSION_HEADER
from caraml_pulumi.observed.objects import Object, at, items_at, number_at, text_at

CANARY: Final = "nginx.ingress.kubernetes.io/canary"
ROUTES: Final = frozenset(("GRPCRoute", "HTTPRoute", "Ingress", "Route", "VirtualService"))
"""Kinds that route a model's requests; Route is Knative's."""


def live_weights(routes: Sequence[Object], names: Mapping[int, frozenset[str]]) -> dict[int, int] | None:
    """Percent of the requests by version, as `routes` divide those that no match takes; None if they do not say.

    `names` are the names by which a route may send requests to each version: of its objects, and its host.
    """
    shares = [share for route in routes for share in _shares(route)]
    canaries = sum(weight for _, weight in shares if weight >= 0)
    weighed = [(target, weight if weight >= 0 else 100 - canaries) for target, weight in shares]
    total = sum(weight for _, weight in weighed)
    if total <= 0:
        return None
    found = dict.fromkeys(names, 0)
    for target, weight in weighed:
        for version, known in names.items():
            if known & {target, target.partition(".")[0]}:
                found[version] += round(100 * weight / total)
    return found


def _shares(route: Object) -> Iterator[tuple[str, int]]:
    """Where a route sends requests and with which weight; -1 stands for what the others leave."""
    kind = route.get("kind")
    if kind == "VirtualService":
        destinations = _last(route, "http", "route")
        alone = len(destinations) == 1
        for one in destinations:
            host = text_at(one, "headers", "request", "set", "Host") or text_at(one, "destination", "host")
            yield host, number_at(one, "weight", default=100 if alone else 0)
    elif kind in ("HTTPRoute", "GRPCRoute"):
        rules = [rule for rule in items_at(route, "spec", "rules") if not _is_second_hop(rule)]
        for one in items_at(rules[-1], "backendRefs") if rules else []:
            rewritten = (text_at(item, "urlRewrite", "hostname") for item in items_at(rules[-1], "filters"))
            target = _named_version(route, one) or next(filter(None, rewritten), text_at(one, "name"))
            yield target, number_at(one, "weight", default=1)
    elif kind == "Route":
        for one in items_at(route, "spec", "traffic"):
            target = text_at(one, "configurationName") or text_at(one, "revisionName")
            yield target, number_at(one, "percent")
    elif kind == "Ingress":
        annotations = at(route, "metadata", "annotations")
        weight = text_at(annotations, f"{CANARY}-weight")
        canary = text_at(annotations, CANARY) == "true"
        if canary and not weight.isdigit():
            return
        for rule in items_at(route, "spec", "rules")[:1]:
            for path in items_at(rule, "http", "paths")[:1]:
                yield text_at(path, "backend", "service", "name"), int(weight) if canary else -1


def _is_second_hop(rule: Object) -> bool:
    """Whether a rule is for the requests that another one has given to a version already."""
    return any(
        text_at(header, "name") == VERSION_HEADER
        for match in items_at(rule, "matches")
        for header in items_at(match, "headers")
    )


def _named_version(route: Object, backend: Object) -> str:
    """The full name of the version that requests are given to on their first hop; empty where there is but one."""
    named = (
        text_at(header, "value")
        for one in items_at(backend, "filters")
        for header in items_at(one, "requestHeaderModifier", "set")
        if text_at(header, "name") == VERSION_HEADER
    )
    version = next(named, "")
    return version and f"{text_at(route, 'metadata', 'name')}-{version}"


def _last(route: Object, rules: str, targets: str) -> list[Object]:
    """The targets of the last rule that has any: the default one, after those with matches."""
    return next(filter(None, (items_at(rule, targets) for rule in reversed(items_at(route, "spec", rules)))), [])
