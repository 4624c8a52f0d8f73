"""What a ModelEndpoint is told."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from caraml_pulumi.model.clients import AccessType
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.routing import RoutingBackend
from caraml_pulumi.model_monitoring import MonitoringArgs
from caraml_pulumi.model_version import CustomModelVersion
from caraml_pulumi.workload_args import SecretKeyRefArgs


class VersionTrafficArgs(TypedDict):
    """A version and its share of the traffic."""

    version: int
    """Which version of the endpoint's model."""
    weight: int
    """The version's share of the requests. Unit: percent. Refused: weights that do not sum to 100; a weight above 0 for
    a version that is not ready."""
    deployment_mode: NotRequired[DeploymentMode]
    """What runs the version, where that is not known from a component. Default: the platform's
    defaultDeploymentMode: SERVERLESS."""
    revision: NotRequired[int]
    """The revision that its objects are named after, where that is not known from a component. Default: none."""
    transformer: NotRequired[bool]
    """Whether it has a transformer, where that is not known from a component. Default: false."""


class TextMatchArgs(TypedDict):
    """How a text must be; one of the three."""

    exact: NotRequired[str]
    """The whole text. Default: not asked."""
    prefix: NotRequired[str]
    """What it starts with. Default: not asked."""
    regex: NotRequired[str]
    """What all of it matches, in RE2's syntax. Default: not asked."""


class PathMatchArgs(TypedDict):
    """How a path must be; one of the two."""

    exact: NotRequired[str]
    """The whole path. Default: not asked."""
    prefix: NotRequired[str]
    """What it starts with. Default: not asked."""


class TrafficMatchArgs(TypedDict):
    """Requests that are routed before all others."""

    headers: NotRequired[dict[str, TextMatchArgs]]
    """Headers that a request must have, all of them. Default: any."""
    path: NotRequired[PathMatchArgs]
    """A path that asks for predictions besides the endpoint's own. Default: the endpoint's path."""
    traffic: list[VersionTrafficArgs]
    """One or two versions; in Python also a map from components to weights."""


class MirrorArgs(TypedDict):
    """A version that gets copies of the requests; its answers are dropped."""

    version: int
    """Which version of the model; in Python also the component. Refused: a version that has a weight."""
    percentage: NotRequired[int]
    """How many of the requests are copied. Unit: percent. Default: 100."""


class RetriesArgs(TypedDict):
    """How often a request that failed is tried again."""

    attempts: int
    """How often at most, up to 10; 0: never."""
    per_try_timeout_seconds: NotRequired[int]
    """How long one try may take. Unit: seconds. Default: the endpoint's timeout. Refused: more than that."""
    retry_on: NotRequired[list[str]]
    """Envoy's conditions, or statuses from 400. Default: gateway-error, connect-failure, refused-stream (Seldon)."""


class CorsArgs(TypedDict):
    """Which pages of other origins may call the endpoint from a browser."""

    allow_origins: list[str]
    """The origins, such as https://app.example.com; *: all."""
    allow_methods: NotRequired[list[str]]
    """The methods. Default: POST, OPTIONS."""
    allow_headers: NotRequired[list[str]]
    """The headers that a request may have. Default: content-type."""
    expose_headers: NotRequired[list[str]]
    """The headers that the page may read. Default: none."""
    allow_credentials: NotRequired[bool]
    """Whether cookies and authorization may be sent. Default: false. Refused: to every origin."""
    max_age_seconds: NotRequired[int]
    """How long a browser may keep the answer to its preflight. Unit: seconds. Default: 86400."""


class EndpointClientArgs(TypedDict):
    """A client of a private endpoint."""

    name: str
    """Its user name in HTTP's basic authentication."""
    token: NotRequired[pulumi.Input[str]]
    """Its password, 8 characters or more; only a hash leaves the program. Default: from tokenRef."""
    token_ref: NotRequired[SecretKeyRefArgs]
    """Where the token is: a Secret of the ModelProject and its key. Default: from token."""


class AccessArgs(TypedDict):
    """Who may call an endpoint."""

    type: NotRequired[AccessType]
    """public: anybody who reaches it; private: the clients (seed: Model Deployment). Default: public."""
    clients: NotRequired[list[EndpointClientArgs]]
    """The clients of a private endpoint. Default: none."""


class ModelEndpointArgs(TypedDict):
    """Which versions answer for a model, and how requests reach them."""

    model: str
    """The model's name."""
    project: str
    """The project's name, whose namespace the versions are in."""
    traffic: list[VersionTrafficArgs]
    """One or two versions of the model. Refused: versions that do not all speak one protocol (Merlin)."""
    matches: NotRequired[list[TrafficMatchArgs]]
    """Requests that are routed before all others, by their headers or path; the first that fits decides. Default:
    none."""
    mirror: NotRequired[MirrorArgs]
    """A version that gets copies of the requests. Default: none."""
    backend: NotRequired[RoutingBackend]
    """What routes the requests: ISTIO, GATEWAY_API, KNATIVE or INGRESS. Default: the platform's."""
    timeout_seconds: NotRequired[int]
    """How long a request may take, tries included. Unit: seconds. Default: as long as versions and gateways allow.
    Refused: more than a day."""
    retries: NotRequired[RetriesArgs]
    """How often a request that failed is tried again. Default: as the gateway does by itself."""
    cors: NotRequired[CorsArgs]
    """Which pages of other origins may call from a browser. Default: none."""
    max_request_size: NotRequired[str]
    """The largest body of a request, such as 10Mi. Default: the gateway's limit."""
    access: NotRequired[AccessArgs]
    """Who may call. Default: anybody who reaches the gateway."""
    monitoring: NotRequired[MonitoringArgs]
    """How the model is watched: alerts, recording rules, PodMonitors and a dashboard, as a ModelMonitoring makes them;
    in Python false turns it off. Default: as the platform says: watched."""
    protocol: NotRequired[Protocol]
    """What the versions speak. Default: the platform's defaultProtocol: HTTP_JSON."""
    labels: NotRequired[dict[str, str]]
    """Labels of the route, besides the platform's. Default: none."""
    team: NotRequired[str]
    """The team's label. Default: none."""
    stream: NotRequired[str]
    """The stream's label. Default: none."""
    platform: NotRequired[dict[str, Any]]
    """The platform of the environment. Default: the stack's configuration `caraml:platform`."""


class ModelEndpointKeywords(TypedDict):
    """`ModelEndpointArgs` with what Python can pass besides.

    Components for versions, in place of their numbers or, in `versions`, besides them; and a parsed platform.
    """

    versions: NotRequired[Sequence[CustomModelVersion]]
    model: NotRequired[str]
    project: NotRequired[str]
    traffic: Mapping[CustomModelVersion, int] | Sequence[VersionTrafficArgs]
    matches: NotRequired[Sequence[Mapping[str, Any]]]
    mirror: NotRequired[Mapping[str, Any]]
    backend: NotRequired[RoutingBackend]
    timeout_seconds: NotRequired[int]
    retries: NotRequired[RetriesArgs]
    cors: NotRequired[CorsArgs]
    max_request_size: NotRequired[str]
    access: NotRequired[AccessArgs]
    monitoring: NotRequired[MonitoringArgs | bool]
    protocol: NotRequired[Protocol]
    labels: NotRequired[Mapping[str, str]]
    team: NotRequired[str]
    stream: NotRequired[str]
    platform: NotRequired[Mapping[str, Any] | PlatformSpec]
