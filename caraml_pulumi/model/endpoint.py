"""A model endpoint: one address of a model, and the versions that answer there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from caraml_pulumi.model import gateway_api, ingress_nginx, labels, names, traffic
from caraml_pulumi.model.address import address
from caraml_pulumi.model.alerts import decided_alerts
from caraml_pulumi.model.backends import Feature, can_do
from caraml_pulumi.model.clients import Access, AccessType
from caraml_pulumi.model.endpoint_plan import PREDICT_PATH, EndpointPlan, Route, Share
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.monitoring import Monitoring, MonitoringSettings
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.resources import MemoryText
from caraml_pulumi.model.routing import (
    LONGEST_REQUEST,
    Cors,
    Mirror,
    PathMatch,
    Retries,
    RoutingBackend,
    TextMatch,
    headers_differ,
    matched_header,
    request_size,
)
from caraml_pulumi.model.spec import Path, Spec, as_validation_error, rule, within
from caraml_pulumi.model.version import LabelMap
from caraml_pulumi.model.version_plan import VersionPlan, predict_path

VersionNumber = Annotated[WholeNumber, rule(names.version_number)]


class VersionTraffic(Spec):
    """A version and its share of the traffic.

    How a version of another stack is deployed is said here; of one that is at hand it is known.
    """

    version: VersionNumber
    """Which version of the endpoint's model."""
    weight: WholeNumber
    """Percent of the requests."""
    deployment_mode: DeploymentMode | None = None
    """What runs the version. Default: the platform's `defaultDeploymentMode`."""
    revision: Annotated[WholeNumber, rule(names.revision_number)] | None = None
    """The revision that its objects are named after. Default: none."""
    transformer: bool = False
    """Whether the version has a transformer, where its requests enter."""


Traffic = Annotated[list[VersionTraffic], Field(min_length=1)]


class TrafficMatch(Spec):
    """Requests that are routed before all others."""

    headers: Annotated[dict[Annotated[str, rule(matched_header)], TextMatch], BeforeValidator(headers_differ)] = Field(
        default_factory=dict
    )
    """Headers that a request must have, all of them."""
    path: PathMatch | None = None
    """A path that asks for predictions besides the endpoint's own. Default: the endpoint's path."""
    traffic: Traffic
    """One or two versions; the weights sum to 100."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "TrafficMatch":
        with as_validation_error():
            traffic.match_says_what(bool(self.headers or self.path))
        return self


class EndpointSettings(Spec):
    """Everything about an endpoint but whose it is."""

    traffic: Traffic
    """One or two versions; the weights sum to 100."""
    matches: list[TrafficMatch] = Field(default_factory=list)
    """Requests that are routed before all others, by their headers or path; the first that fits decides."""
    mirror: Mirror | None = None
    """A version that gets copies of the requests. Default: none."""
    backend: RoutingBackend | None = None
    """What routes the requests. Default: the platform's."""
    timeout_seconds: Annotated[WholeNumber, Field(ge=1, le=LONGEST_REQUEST)] | None = None
    """How long a request may take, tries included. Default: as long as the versions and gateways allow."""
    retries: Retries | None = None
    """How often a request that failed is tried again. Default: as the gateway does by itself."""
    cors: Cors | None = None
    """Which pages of other origins may call. Default: none."""
    max_request_size: Annotated[MemoryText, rule(request_size)] | None = None
    """The largest body of a request. Default: the gateway's limit."""
    access: Access = Access()
    """Who may call. Default: anybody who reaches the gateway."""
    monitoring: Monitoring = MonitoringSettings()
    """How the model is watched. Default: as the platform says."""
    labels: LabelMap = Field(default_factory=dict)
    """Labels of the route, besides the platform's."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "EndpointSettings":
        for path, shares in self.divisions():
            with as_validation_error(*path):
                traffic.versions_are_unique([share.version for share in shares], "in the traffic")
                traffic.weights_sum_to_100([share.weight for share in shares])
        for index, match in enumerate(self.matches):
            with as_validation_error("matches", index):
                traffic.match_is_reached(
                    index, [(one.headers, one.path) for one in self.matches].index((match.headers, match.path))
                )
        if self.mirror:
            with as_validation_error("mirror", "version"):
                traffic.mirror_is_apart(self.mirror.version, self.weighted)
        if self.retries and self.timeout_seconds:
            with as_validation_error("retries", "per_try_timeout_seconds"):
                traffic.a_try_fits(self.retries.per_try_timeout_seconds, self.timeout_seconds)
        return self

    def divisions(self) -> Iterator[tuple[Path, list[VersionTraffic]]]:
        """Each division of traffic over versions, and where it stands: the default route's, then those of matches."""
        yield ("traffic",), self.traffic
        for index, match in enumerate(self.matches):
            yield ("matches", index, "traffic"), match.traffic

    @property
    def versions(self) -> frozenset[int]:
        """The versions that the endpoint sends requests to, or copies of them."""
        mirrored = {self.mirror.version} if self.mirror else set()
        return frozenset({share.version for _, shares in self.divisions() for share in shares} | mirrored)

    @property
    def weighted(self) -> frozenset[int]:
        """The versions that answer requests."""
        return frozenset(share.version for _, shares in self.divisions() for share in shares if share.weight)


class ModelEndpointSpec(EndpointSettings):
    """The endpoint of a model in a project, as a user asks for it."""

    model: Annotated[str, rule(names.model_name)]
    project: Annotated[str, rule(names.project_name)]
    protocol: Protocol | None = None
    """What the versions speak. Default: the platform's `defaultProtocol`."""
    team: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None
    stream: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None


def plan_endpoint(
    spec: ModelEndpointSpec, platform: PlatformSpec, versions: Sequence[VersionPlan] = ()
) -> EndpointPlan:
    """Decide every value of `spec` on `platform`; `versions` are those that are at hand.

    Raises `CaramlError` for the first rule that is broken, and for what the backend cannot do.
    """
    with within("traffic"):
        traffic.at_most_two_deployed_versions(spec.versions, model=spec.model, environment=platform.environment)
    with within("labels"):
        labels.labels_are_free(spec.labels, platform.label_prefix)
    with within("monitoring", "alerts"):
        decided_alerts(spec.monitoring.alerts, platform.monitoring.alerts)
    own_labels = labels.platform_labels(
        platform.label_prefix,
        component=labels.MODEL_ENDPOINT,
        model=spec.model,
        environment=platform.environment,
        team=spec.team,
        stream=spec.stream,
    )
    backend = spec.backend or platform.routing.backend
    with within("backend"):
        traffic.backend_reaches_versions(backend, platform.routing.backend)
    protocol = spec.protocol or platform.default_protocol
    deployed = {version.version: version for version in versions}
    shares: dict[Path, list[Share]] = {}
    for path, given in spec.divisions():
        for index, one in enumerate(given):
            with within(*path, index):
                shares.setdefault(path, []).append(_share(spec, protocol, one, platform, deployed))
    can_do(backend, _wanted(spec, protocol, shares))
    default = shares.pop(("traffic",))
    routes = [
        Route(dict(match.headers), match.path, matched)
        for match, matched in zip(spec.matches, shares.values(), strict=True)
    ]
    mirrored = None
    if spec.mirror:
        known = next((share for share in default if share.version == spec.mirror.version), None)
        target = VersionTraffic(version=spec.mirror.version, weight=0)
        mirrored = known or _share(spec, protocol, target, platform, deployed)
        if mirrored.mode is DeploymentMode.SERVERLESS:
            can_do(backend, [(Feature.MIRROR_SERVERLESS, ("mirror", "version"))])
    plan = EndpointPlan(
        model=spec.model,
        project=spec.project,
        environment=platform.environment,
        backend=backend,
        address=address(platform, backend, spec.model, spec.project, protocol),
        path=_path(protocol, backend, default),
        protocol=protocol,
        routes=[*routes, Route({}, None, default)],
        mirror=mirrored,
        mirror_percentage=spec.mirror.percentage if spec.mirror else 0,
        timeout_seconds=spec.timeout_seconds,
        retries=spec.retries,
        cors=spec.cors,
        max_request_size=spec.max_request_size,
        access=spec.access,
        labels={**spec.labels, **own_labels},
    )
    if backend is RoutingBackend.GATEWAY_API:
        gateway_api.admit(plan, platform)
    if backend is RoutingBackend.INGRESS:
        ingress_nginx.admit(plan)
    return plan


def _share(
    spec: ModelEndpointSpec,
    protocol: Protocol,
    given: VersionTraffic,
    platform: PlatformSpec,
    deployed: Mapping[int, VersionPlan],
) -> Share:
    full_name = names.full_name(spec.model, given.version)
    if version := deployed.get(given.version):
        with within("deployment_mode"):
            traffic.mode_is_the_versions(given.deployment_mode, version.mode)
        mode, workload = version.mode, version.entry.name
    else:
        mode = given.deployment_mode or platform.default_deployment_mode
        component = labels.TRANSFORMER if given.transformer else labels.PREDICTOR
        workload = names.workload_name(names.object_name(full_name, given.revision), component)
    return Share(
        version=given.version,
        weight=given.weight,
        full_name=full_name,
        workload=workload,
        mode=mode,
        host=address(platform, platform.routing.backend, full_name, spec.project, protocol).host,
        predict_path=predict_path(protocol, full_name),
        timeout_seconds=version.timeout_seconds if version else None,
    )


def _path(protocol: Protocol, backend: RoutingBackend, shares: Sequence[Share]) -> str | None:
    """The path of predictions at the endpoint: Merlin's, but the versions' own where it is not rewritten to theirs."""
    if protocol is Protocol.UPI_V1:
        return None
    keeps_paths = backend is RoutingBackend.KNATIVE or (
        backend in (RoutingBackend.INGRESS, RoutingBackend.GATEWAY_API) and protocol is Protocol.SELDON
    )
    return next(share.predict_path for share in shares if share.weight) if keeps_paths else PREDICT_PATH


def _wanted(
    spec: ModelEndpointSpec, protocol: Protocol, shares: Mapping[Path, Sequence[Share]]
) -> Iterator[tuple[Feature, Path]]:
    """What the endpoint asks of its backend, and where."""
    grpc = protocol is Protocol.UPI_V1
    reached: set[int] = set()
    for path, division in shares.items():
        reached |= {share.version for share in division if share.weight}
        if len(reached) > 1 and protocol is Protocol.HTTP_JSON:
            yield Feature.SPLIT_HTTP_JSON, path
        for index, share in enumerate(division):
            if share.mode is DeploymentMode.RAW_DEPLOYMENT:
                yield Feature.RAW_DEPLOYMENT, (*path, index)
            if len(reached) > 1 and share.mode is DeploymentMode.SERVERLESS:
                yield Feature.SPLIT_SERVERLESS, path
                if grpc:
                    yield Feature.SPLIT_GRPC_SERVERLESS, path
    for index, match in enumerate(spec.matches):
        yield Feature.MATCHES, ("matches", index)
        if any(header.prefix for header in match.headers.values()):
            yield Feature.HEADER_PREFIX, ("matches", index, "headers")
        if match.path:
            yield Feature.GRPC_PATHS if grpc else Feature.PATHS, ("matches", index, "path")
    if spec.mirror and protocol is Protocol.HTTP_JSON:
        yield Feature.MIRROR_HTTP_JSON, ("mirror",)
    if grpc and spec.timeout_seconds:
        yield Feature.GRPC_TIMEOUT, ("timeout_seconds",)
    if grpc and spec.cors:
        yield Feature.GRPC_CORS, ("cors",)
    asked = {
        "mirror": (spec.mirror, Feature.MIRROR),
        "timeout_seconds": (spec.timeout_seconds, Feature.TIMEOUT),
        "retries": (spec.retries, Feature.RETRIES),
        "cors": (spec.cors, Feature.CORS),
        "max_request_size": (spec.max_request_size, Feature.REQUEST_SIZE),
        "access": (spec.access.type is AccessType.PRIVATE, Feature.PRIVATE_ACCESS),
    }
    for name, (given, feature) in asked.items():
        if given:
            yield feature, (name,)
