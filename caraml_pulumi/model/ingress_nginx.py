"""What ingress-nginx's annotations can say of an endpoint.

A second Ingress, the canary, takes a percentage of the requests of the main one, and those with one header besides. It
inherits everything else from the main one, and there is one canary at most (ingress-nginx, Annotations: Canary).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.clients import AccessType
from caraml_pulumi.model.endpoint_plan import EndpointPlan, Route, Share
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.routing import RoutingBackend, TextMatch
from caraml_pulumi.model.spec import within

_VALUE = re.compile(r"[-A-Za-z0-9._~/: ]+")
_PATTERN = re.compile(r"[-A-Za-z0-9._~/:^$\[\](){}*+?|&=\\]+")
_NEXT_UPSTREAM: Final = {
    "5xx": ("error", "timeout", "http_500", "http_502", "http_503", "http_504"),
    "gateway-error": ("timeout", "http_502", "http_503", "http_504"),
    "connect-failure": ("error",),
    "refused-stream": ("error",),
    "reset": ("error",),
    **{status: (f"http_{status}",) for status in ("403", "404", "429", "500", "502", "503", "504")},
}
"""Envoy's conditions in nginx's words (ngx_http_proxy_module, proxy_next_upstream)."""


@dataclass(frozen=True, slots=True)
class Canary:
    """The version of the second Ingress."""

    share: Share
    weight: int
    """Percent of the requests."""
    header: str | None = None
    """A header with which requests go there in any case."""
    match: TextMatch | None = None
    """How that header must be."""


def admit(endpoint: EndpointPlan) -> None:
    """Refuse what no annotation says. Raises `CaramlError`."""
    division(endpoint.routes)
    if endpoint.retries:
        with within("retries"):
            next_upstream(endpoint.retries.retry_on)


def doubts(endpoint: EndpointPlan, platform: PlatformSpec) -> list[str]:
    """What surprises about a private endpoint: its versions may have addresses that ask for nobody's token."""
    of_versions = platform.routing.backend is not RoutingBackend.INGRESS or platform.ingress.version_addresses
    if endpoint.access.type is AccessType.PUBLIC or not of_versions:
        return []
    return [
        f"version {share.full_name} has an address of its own, where everybody is let in: "
        "clients are asked for their tokens at the endpoint alone"
        for share in endpoint.reached()
    ]


def division(routes: Sequence[Route]) -> tuple[Share, Canary | None]:
    """The version of the main Ingress, and that of the canary. Raises `CaramlError` for what a canary cannot say."""
    matched, default = routes[:-1], [share for share in routes[-1].shares if share.weight]
    if not matched:
        main, *rest = default
        return main, Canary(rest[0], rest[0].weight) if rest else None
    if len(matched) > 1:
        with within("matches", 1):
            raise CaramlError("an Ingress has one canary", allowed="one match", fix="remove the other matches")
    with within("matches", 0):
        target, name, match = _target(matched[0])
    others = [share for share in default if share.version != target.version]
    if not others:
        return target, None
    weight = sum(share.weight for share in default if share.version == target.version)
    return others[0], Canary(target, weight, name, match)


def _target(route: Route) -> tuple[Share, str, TextMatch]:
    """The version that all requests with a header go to, and the header."""
    answering = [share for share in route.shares if share.weight]
    if len(answering) > 1:
        with within("traffic"):
            raise CaramlError("a canary Ingress takes all requests with its header", allowed="one version")
    if len(route.headers) != 1:
        with within("headers"):
            raise CaramlError(
                f"a canary Ingress matches one header, not {len(route.headers)}", fix="match one header alone"
            )
    ((name, match),) = route.headers.items()
    value, allowed = (match.exact, _VALUE) if match.exact else (match.regex, _PATTERN)
    if value and not allowed.fullmatch(value):
        with within("headers", name):
            raise CaramlError(
                f'ingress-nginx does not take "{value}" in an annotation',
                allowed="letters, digits, spaces and . _ - ~ / :"
                if match.exact
                else "the characters of " + _PATTERN.pattern,
            )
    return answering[0], name, match


def next_upstream(conditions: Sequence[str]) -> list[str]:
    """What nginx tries again on, requests that change something included, as predictions are POSTs.

    Raises `CaramlError` for a condition that it does not know.
    """
    for index, condition in enumerate(conditions):
        if condition not in _NEXT_UPSTREAM:
            with within("retry_on", index):
                raise CaramlError(f'nginx cannot try again on "{condition}"', allowed=", ".join(_NEXT_UPSTREAM))
    words = [word for condition in conditions for word in _NEXT_UPSTREAM[condition]]
    return [*dict.fromkeys(words), "non_idempotent"]
