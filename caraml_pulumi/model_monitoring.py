"""What watches a model: alerts, recording rules, PodMonitors and a dashboard.

A ModelEndpoint has it by itself, by its argument `monitoring`. Alone it watches versions that no endpoint leads to:

    slow = {"metric": "latency", "severity": "critical", "target": 300}
    ModelMonitoring("iris", versions=[iris_1, iris_2], alerts=[slow])

| argument | default |
|---|---|
| `model`, `project`, `team`, `stream`, `protocol`, `platform` | those of the versions, if they are components |
| `enabled`, `alerts`, `objective`, `dashboard`, `playbook_url` | those of the platform's `monitoring` |
"""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, Unpack, cast, overload

import pulumi

from caraml_pulumi.component import arguments, kubernetes_object, located_in, platform_from, readable
from caraml_pulumi.manifests.monitoring import monitoring_objects
from caraml_pulumi.model.alerts import AlertMetric, AlertSeverity
from caraml_pulumi.model.endpoint import ModelEndpointSpec
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.monitoring import is_watched
from caraml_pulumi.model.monitoring_plan import ModelMonitoringSpec, one_model, plan_monitoring
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.spec import located, parse
from caraml_pulumi.model.traffic import one_protocol
from caraml_pulumi.model_version import CustomModelVersion
from caraml_pulumi.workload_args import MetricsArgs


class AlertArgs(TypedDict):
    """An alert: it fires when the metric has been beyond the target for five minutes (Merlin)."""

    metric: AlertMetric
    """What is watched: throughput, latency, error_rate, cpu or memory (Merlin)."""
    severity: AlertSeverity
    """The alert's label severity: warning or critical (Merlin)."""
    target: NotRequired[float]
    """The last good value: at least so many requests per second; at most so many milliseconds, or percent of the
    requests or of what the replicas ask for (Merlin). Default: that of the alert of the same metric and severity that
    it replaces. Refused: no target where there is no such alert."""
    percentile: NotRequired[float]
    """Of latency: which percentile (Merlin). Default: 95. Refused: for another metric; below 1."""
    enabled: NotRequired[bool]
    """Whether there is this alert; false takes the platform's away (Merlin). Default: true."""


class ObjectiveArgs(TypedDict):
    """How many requests are to succeed."""

    availability: NotRequired[float]
    """How many requests are to succeed. Unit: percent. Default: 99.5."""
    window_days: NotRequired[int]
    """Over which time. Unit: days. Default: 30."""
    enabled: NotRequired[bool]
    """Whether there are alerts on it. Default: true."""


class MonitoringArgs(TypedDict):
    """How an endpoint is watched."""

    enabled: NotRequired[bool]
    """Whether it is watched; false: not at all. Default: the platform's: true."""
    alerts: NotRequired[list[AlertArgs]]
    """Alerts in place of the platform's of the same metric and severity, or besides them. Default: the platform's."""
    objective: NotRequired[ObjectiveArgs]
    """The availability that the model is to have. Default: the platform's, argument by argument:
    99.5 percent over 30 days."""
    dashboard: NotRequired[bool]
    """Whether it has a Grafana dashboard. Default: the platform's: true."""
    playbook_url: NotRequired[str]
    """What to do about its alerts, as their annotation playbook says. Default: the platform's."""


class WatchedVersionArgs(TypedDict):
    """A version to watch."""

    version: int
    """Which version of the model; in Python also the component."""
    weight: NotRequired[int]
    """Its share of the requests, to compare with those that arrive. Unit: percent. Default: not shown."""
    deployment_mode: NotRequired[DeploymentMode]
    """What runs the version, where that is not known from a component. Default: the platform's
    defaultDeploymentMode: SERVERLESS."""
    revision: NotRequired[int]
    """The revision that its objects are named after, where that is not known from a component. Default: none."""
    transformer: NotRequired[bool]
    """Whether it has a transformer, where that is not known from a component. Default: false."""
    metrics: NotRequired[MetricsArgs]
    """Where its metrics are, where that is not known from a component. Default: by the protocol."""


class ModelMonitoringArgs(TypedDict):
    """Which versions of a model are watched, and how."""

    model: str
    """The model's name."""
    project: str
    """The project's name, whose namespace the versions are in."""
    versions: list[WatchedVersionArgs]
    """The versions to watch; in Python also components, or a map from components to weights."""
    protocol: NotRequired[Protocol]
    """What the versions speak. Default: the platform's defaultProtocol: HTTP_JSON."""
    enabled: NotRequired[bool]
    """Whether the model is watched; false: not at all. Default: the platform's: true."""
    alerts: NotRequired[list[AlertArgs]]
    """Alerts in place of the platform's of the same metric and severity, or besides them. Default: the platform's."""
    objective: NotRequired[ObjectiveArgs]
    """The availability that the model is to have. Default: the platform's, argument by argument:
    99.5 percent over 30 days."""
    dashboard: NotRequired[bool]
    """Whether it has a Grafana dashboard. Default: the platform's: true."""
    playbook_url: NotRequired[str]
    """What to do about its alerts, as their annotation playbook says. Default: the platform's."""
    team: NotRequired[str]
    """The team, which alerts have as their label owner (Merlin). Default: the project."""
    stream: NotRequired[str]
    """The stream's label. Default: none."""
    platform: NotRequired[dict[str, Any]]
    """The platform of the environment. Default: the stack's configuration `caraml:platform`."""


class ModelMonitoringKeywords(TypedDict):
    """`ModelMonitoringArgs` with what Python can pass besides: components for versions, and a parsed platform."""

    versions: Sequence[CustomModelVersion] | Mapping[CustomModelVersion, int] | Sequence[Mapping[str, Any]]
    model: NotRequired[str]
    project: NotRequired[str]
    protocol: NotRequired[Protocol]
    enabled: NotRequired[bool]
    alerts: NotRequired[Sequence[AlertArgs]]
    objective: NotRequired[ObjectiveArgs]
    dashboard: NotRequired[bool]
    playbook_url: NotRequired[str]
    team: NotRequired[str]
    stream: NotRequired[str]
    platform: NotRequired[Mapping[str, Any] | PlatformSpec]


class ModelMonitoring(pulumi.ComponentResource):
    """Alerts on a model, what they are made of, and a dashboard of it.

    A PrometheusRule with Merlin's alerts, what is recorded of each version, and alerts on the objective; a PodMonitor
    for each workload that has metrics; a ConfigMap with the dashboard.
    """

    monitoring_url: pulumi.Output[str]
    """The model's dashboard, with Merlin's variables; empty where the platform names no Grafana."""
    version_urls: pulumi.Output[dict[str, str]]
    """The same for each version, by its full name; none where the platform names no Grafana."""

    @overload
    def __init__(self, name: str, args: ModelMonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(
        self, name: str, *, opts: pulumi.ResourceOptions | None = None, **keywords: Unpack[ModelMonitoringKeywords]
    ) -> None: ...

    def __init__(
        self,
        name: str,
        args: ModelMonitoringArgs = cast(ModelMonitoringArgs, {}),  # noqa: B008 - never changed
        opts: pulumi.ResourceOptions | None = None,
        **keywords: Any,
    ) -> None:
        """Raises `CaramlError` for arguments that break a rule."""
        locate = located_in("ModelMonitoring", name)
        with readable():
            given = arguments(args, keywords, locate)
            with located(locate, given):
                given, versions = _without_components(given)
            platform = platform_from(given.pop("platform", None))
            spec = parse(ModelMonitoringSpec, given, locate=locate)
            with located(locate, given):
                plan = plan_monitoring(spec, platform, [version.plan for version in versions])
        super().__init__("caraml:index:ModelMonitoring", name, plan.props(), opts)

        for manifest in monitoring_objects(plan):
            kind, own = manifest["kind"], manifest["metadata"]["name"]
            logical = f"{name}-{own.removeprefix(f'{plan.model}-')}" if kind == "PodMonitor" else name
            kubernetes_object(logical, manifest, parent=self, depends_on=versions)

        found = {version.full_name: plan.monitoring_url(version) for version in plan.versions}
        urls = {name: url for name, url in found.items() if url}
        url = plan.monitoring_url() or ""
        self.monitoring_url = pulumi.Output.from_input(url)
        self.version_urls = pulumi.Output.from_input(urls)
        self.register_outputs({"monitoringUrl": url, "versionUrls": urls})


def _without_components(given: dict[str, Any]) -> tuple[dict[str, Any], list[CustomModelVersion]]:
    """The arguments with versions replaced by their numbers, and the versions to wait for."""
    listed = given.get("versions")
    if isinstance(listed, Mapping) and all(isinstance(one, CustomModelVersion) for one in listed):
        listed = [{"version": version, "weight": weight} for version, weight in listed.items()]
    if not isinstance(listed, list):
        return given, []
    entries = [{"version": one} if isinstance(one, CustomModelVersion) else one for one in listed]
    components = [
        one["version"]
        for one in entries
        if isinstance(one, Mapping) and isinstance(one.get("version"), CustomModelVersion)
    ]
    numbered = [
        {**one, "version": one["version"].spec.version}
        if isinstance(one, Mapping) and one.get("version") in components
        else one
        for one in entries
    ]
    return {**_inherited(components), **given, "versions": numbered}, components


def _inherited(versions: Sequence[CustomModelVersion]) -> dict[str, Any]:
    """What the components say, so that it need not be repeated. Raises `CaramlError` if they do not fit together."""
    if not versions:
        return {}
    specs = [version.spec for version in versions]
    one_model((spec.model, spec.project) for spec in specs)
    protocols = [version.plan.protocol for version in versions]
    one_protocol(protocols)
    first = specs[0]
    found = {
        "model": first.model,
        "project": first.project,
        "protocol": protocols[0],
        "team": first.team,
        "stream": first.stream,
        "platform": versions[0].platform,
    }
    return {name: value for name, value in found.items() if value is not None}


def watch_endpoint(
    name: str,
    endpoint: ModelEndpointSpec,
    platform: PlatformSpec,
    versions: Sequence[CustomModelVersion],
    parent: pulumi.Resource,
) -> ModelMonitoring | None:
    """The monitoring of an endpoint's versions, under the endpoint; none if it is switched off.

    `versions` are those of its versions that are components. The weights are those of its default route.
    """
    if not is_watched(endpoint.monitoring, platform.monitoring):
        return None
    components = {version.spec.version: version for version in versions}
    weights = {share.version: share.weight for share in endpoint.traffic}
    described = {share.version: share for _, shares in endpoint.divisions() for share in shares}
    watched: list[dict[str, Any]] = []
    for number in sorted(endpoint.versions):
        entry: dict[str, Any] = {"version": components.get(number, number), "weight": weights.get(number)}
        if number in described and number not in components:
            share = described[number]
            entry |= {
                "deployment_mode": share.deployment_mode,
                "revision": share.revision,
                "transformer": share.transformer,
            }
        watched.append({key: value for key, value in entry.items() if value is not None})
    args: dict[str, Any] = {
        "model": endpoint.model,
        "project": endpoint.project,
        "protocol": endpoint.protocol,
        "team": endpoint.team,
        "stream": endpoint.stream,
        "platform": platform,
        "versions": watched,
        **endpoint.monitoring.given(),
    }
    # Versions that were watched by themselves, before there was an endpoint, stay watched by the same objects.
    alone = pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)
    return ModelMonitoring(
        name, cast(ModelMonitoringArgs, args), pulumi.ResourceOptions(parent=parent, aliases=[alone])
    )
