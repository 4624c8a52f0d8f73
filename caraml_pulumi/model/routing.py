"""How traffic is routed: the backends, the addresses they give, and what a route may ask of them."""

import re
import string
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import names
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.quantities import parse_quantity
from caraml_pulumi.model.spec import Spec, as_validation_error, each_once, rule

TEMPLATE_FIELDS: Final = ("name", "project", "domain", "environment")
HTTP_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
LONGEST_REQUEST: Final = 86400
"""A day, in seconds; the Gateway API takes no number of more than five digits."""
DEPLOYMENT_PATH: Final = "/deployment"
"""Seed: Model Deployment: `{url}/deployment/{name}/...`."""

_HEADER = re.compile(r"[A-Za-z0-9_-]+")
_PATH = re.compile(r"/([-A-Za-z0-9._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_ESCAPED = re.compile(r"\\.|\[\^?\]?[^]]*\]")
"""An escaped character, or a class of characters."""
_NOT_IN_RE2 = re.compile(r"\(\?(<?[=!]|>|\(|P=)|[*+?}]\+")
"""Lookaround, atomic groups, conditions, references by name, and possessive quantifiers."""
_BACKREFERENCE = re.compile(r"\\[1-9]")
_ORIGIN = re.compile(r"https?://([A-Za-z0-9-]+\.)*[A-Za-z0-9-]+(:\d{1,5})?")


class RoutingBackend(StrEnum):
    """What routes requests to versions."""

    ISTIO = "ISTIO"
    """VirtualServices at an Istio gateway (Merlin)."""
    GATEWAY_API = "GATEWAY_API"
    """HTTPRoutes and GRPCRoutes at a Gateway of any implementation of the Kubernetes Gateway API."""
    KNATIVE = "KNATIVE"
    """Knative's own Routes: percentages and tags over SERVERLESS versions."""
    INGRESS = "INGRESS"
    """Kubernetes Ingresses under `/deployment/{name}`, for ingress-nginx (PrimeHub)."""


def header_name(value: str) -> str:
    """The name of an HTTP header, in lower case as Envoy and HTTP/2 have it. Raises `CaramlError`."""
    if not _HEADER.fullmatch(value):
        raise CaramlError(f'"{value}" is not the name of a header', allowed="letters, digits, - and _")
    return value.lower()


def matched_header(value: str) -> str:
    """The name of a header that gateways can match. Raises `CaramlError`."""
    name = header_name(value)
    if name == "host":
        raise CaramlError("gateways do not match the header host: it has found the endpoint already")
    return name


def headers_differ(value: Any) -> Any:  # noqa: ANN401 - as it is given
    """Headers whose names differ, whatever their case; nothing is said of what is no map."""
    with as_validation_error():
        known = [str(key).lower() for key in value] if isinstance(value, Mapping) else []
        twice = [name for name in known if known.count(name) > 1]
        if twice:
            raise CaramlError(f"header {twice[0]} is given twice: case does not count", fix="remove one of them")
    return value


def regular_expression(value: str) -> str:
    """A regular expression in RE2's syntax, as far as Python can tell. Raises `CaramlError`."""
    try:
        re.compile(value)
    except re.error as error:
        raise CaramlError(f'"{value}" is not a regular expression: {error}', allowed="RE2 syntax") from None
    if found := _NOT_IN_RE2.search(_ESCAPED.sub("", value)) or _BACKREFERENCE.search(value.replace("\\\\", "")):
        raise CaramlError(
            f'"{value}" has {found[0]}, which RE2 does not know', allowed="RE2 syntax: no lookaround, no references"
        )
    return value


def request_size(value: str) -> str:
    """A size that requests can have. Raises `CaramlError`: to nginx, 0 is no limit."""
    if not parse_quantity(value).value:
        raise CaramlError("no request has 0 bytes", allowed="more than 0", fix="leave it out for the gateway's limit")
    return value


def http_method(value: str) -> str:
    """A method of HTTP, as routes may name it. Raises `CaramlError`."""
    if value not in HTTP_METHODS:
        raise CaramlError(f'"{value}" is not a method', allowed=", ".join(HTTP_METHODS))
    return value


def route_path(value: str) -> str:
    """A path as gateways compare it: percent-encoded, and without what they would normalise. Raises `CaramlError`."""
    segments = value.split("/")
    normalised = "//" not in value and "%2f" not in value.lower() and not {".", ".."} & set(segments)
    if not _PATH.fullmatch(value) or not normalised:
        raise CaramlError(
            f'"{value}" is not a path that a gateway finds in requests',
            allowed="a path that starts with /, percent-encoded, without //, /./, /../ and %2F",
        )
    return value


def origin(value: str) -> str:
    """An origin that browsers name: `*`, or a scheme and a host. Raises `CaramlError`."""
    if value != "*" and not _ORIGIN.fullmatch(value):
        raise CaramlError(f'"{value}" is not an origin', allowed="* or scheme://host, such as https://app.example.com")
    return value


def tells_models_apart(value: str) -> str:
    """A template of hosts that tells models and projects apart. Raises `CaramlError`."""
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(value) if field is not None]
    except ValueError as error:
        raise CaramlError(f'"{value}" is not a host template: {error}', allowed=names.HOST_TEMPLATE) from None
    unknown = [field for field in fields if field not in TEMPLATE_FIELDS]
    if unknown:
        raise CaramlError(
            f'"{{{unknown[0]}}}" is not known in a host template',
            allowed=", ".join(f"{{{field}}}" for field in TEMPLATE_FIELDS),
        )
    lacking = [field for field in ("name", "project") if field not in fields]
    if lacking:
        raise CaramlError(
            f'host template "{value}" has no {{{lacking[0]}}}: hosts of different models would be the same',
            fix=f"use {names.HOST_TEMPLATE}",
        )
    names.domain_name(value.format(**dict.fromkeys(TEMPLATE_FIELDS, "x")))
    return value


def retry_condition(value: str) -> str:
    """When to try again, as Envoy names it or as an HTTP status. Raises `CaramlError`."""
    if value not in RETRY_CONDITIONS and not re.fullmatch(r"[45]\d\d", value):
        raise CaramlError(
            f'"{value}" is not a condition to retry on', allowed=f"{', '.join(RETRY_CONDITIONS)}, or a status from 400"
        )
    return value


RETRY_CONDITIONS: Final = (
    "5xx",
    "gateway-error",
    "reset",
    "connect-failure",
    "refused-stream",
    "retriable-4xx",
    "cancelled",
    "deadline-exceeded",
    "resource-exhausted",
    "unavailable",
)
"""Envoy's conditions of x-envoy-retry-on and x-envoy-retry-grpc-on."""


class TextMatch(Spec):
    """How a text must be; one of the three."""

    exact: Annotated[str, Field(min_length=1)] | None = None
    """The whole text."""
    prefix: Annotated[str, Field(min_length=1)] | None = None
    """What it starts with."""
    regex: Annotated[str, Field(min_length=1), rule(regular_expression)] | None = None
    """What all of it matches, in RE2's syntax."""

    @model_validator(mode="after")
    def _one(self) -> "TextMatch":
        with as_validation_error():
            if len(self.model_dump(exclude_none=True)) != 1:
                raise CaramlError("a match says how in one way", allowed="one of exact, prefix, regex")
        return self


class PathMatch(Spec):
    """How a path must be; one of the two."""

    exact: Annotated[str, rule(route_path)] | None = None
    """The whole path."""
    prefix: Annotated[str, rule(route_path)] | None = None
    """What it starts with."""

    @model_validator(mode="after")
    def _one(self) -> "PathMatch":
        with as_validation_error():
            if len(self.model_dump(exclude_none=True)) != 1:
                raise CaramlError("a match says how in one way", allowed="one of exact, prefix")
        return self


class Mirror(Spec):
    """A version that gets copies of the requests; its answers are dropped."""

    version: Annotated[WholeNumber, rule(names.version_number)]
    """Which version of the endpoint's model."""
    percentage: Annotated[WholeNumber, Field(ge=1, le=100)] = 100
    """How many of the requests are copied."""


class Retries(Spec):
    """How often a request that failed is tried again."""

    attempts: Annotated[WholeNumber, Field(ge=0, le=10)]
    """How often at most; 0: never."""
    per_try_timeout_seconds: Annotated[WholeNumber, Field(ge=1, le=LONGEST_REQUEST)] | None = None
    """How long one try may take."""
    retry_on: Annotated[list[Annotated[str, rule(retry_condition)]], Field(min_length=1), rule(each_once)] = Field(
        default_factory=lambda: ["gateway-error", "connect-failure", "refused-stream"]
    )
    """On what; the default is what Seldon's endpoints retry on."""


class Cors(Spec):
    """Which pages of other origins may call the endpoint from a browser."""

    allow_origins: Annotated[list[Annotated[str, rule(origin)]], Field(min_length=1), rule(each_once)]
    """The origins; `*`: all."""
    allow_methods: Annotated[list[Annotated[str, rule(http_method)]], Field(min_length=1), rule(each_once)] = Field(
        default_factory=lambda: ["POST", "OPTIONS"]
    )
    """The methods."""
    allow_headers: Annotated[list[Annotated[str, rule(header_name)]], rule(each_once)] = Field(
        default_factory=lambda: ["content-type"]
    )
    """The headers that a request may have."""
    expose_headers: Annotated[list[Annotated[str, rule(header_name)]], rule(each_once)] = Field(default_factory=list)
    """The headers that the page may read."""
    allow_credentials: bool = False
    """Whether cookies and authorization may be sent."""
    max_age_seconds: Annotated[WholeNumber, Field(ge=1)] = 86400
    """How long a browser may keep the answer to its preflight."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "Cors":
        with as_validation_error("allow_credentials"):
            if self.allow_credentials and "*" in self.allow_origins:
                raise CaramlError(
                    "credentials cannot be allowed to every origin: browsers refuse it", fix="list the origins"
                )
        return self


class Tls(Spec):
    """Addresses start with https."""

    secret_name: Annotated[str, Field(min_length=1)] | None = None
    """The Secret with the certificate, in the namespace of each project, for Ingresses. Default: the controller's own
    certificate. Gateways of Istio and the Gateway API have theirs in their listeners."""


class RoutingSpec(Spec):
    """How models are reached."""

    backend: RoutingBackend = RoutingBackend.ISTIO
    """What routes requests to versions, and to endpoints that name no other."""
    host_template: Annotated[str, rule(tells_models_apart)] = names.HOST_TEMPLATE
    """The host of a model or version; besides name, project and domain there is ``{environment}``."""
    tls: Tls | None = None
    """Where TLS ends. Default: addresses start with http."""
