"""The monitoring of a model: what a user asks for, and every value of it decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import env, labels, names, traffic
from caraml_pulumi.model.alerts import AlertSpec, decided_alerts
from caraml_pulumi.model.labels import PREDICTOR, TRANSFORMER
from caraml_pulumi.model.metrics import MetricsSettings, plan_metrics
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.monitoring import MonitoringSettings, MonitoringSpec, is_watched
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.objective import Objective, decided_objective
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.request_series import Telemetry, telemetry
from caraml_pulumi.model.routing import RoutingBackend
from caraml_pulumi.model.spec import Spec, as_validation_error, plain, rule, within
from caraml_pulumi.model.version_plan import VersionPlan
from caraml_pulumi.model.watched import Scraped, WatchedVersion, scraped, watched_version


class WatchedVersionSpec(Spec):
    """A version to watch. How a version of another stack is deployed is said here; of a component it is known."""

    version: Annotated[WholeNumber, rule(names.version_number)]
    """Which version of the model."""
    weight: Annotated[WholeNumber, Field(ge=0, le=100)] | None = None
    """Percent of the requests that an endpoint gives it."""
    deployment_mode: DeploymentMode | None = None
    """What runs the version. Default: the platform's `defaultDeploymentMode`."""
    revision: Annotated[WholeNumber, rule(names.revision_number)] | None = None
    """The revision that its objects are named after."""
    transformer: bool = False
    """Whether the version has a transformer, where its requests enter."""
    metrics: MetricsSettings = MetricsSettings()
    """Where the metrics of its predictor are."""


class ModelMonitoringSpec(MonitoringSettings):
    """The monitoring of a model in a project, as a user asks for it."""

    model: Annotated[str, rule(names.model_name)]
    project: Annotated[str, rule(names.project_name)]
    versions: Annotated[list[WatchedVersionSpec], Field(min_length=1)]
    protocol: Protocol | None = None
    """What the versions speak. Default: the platform's `defaultProtocol`."""
    team: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None
    stream: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None

    @model_validator(mode="after")
    def _hold_rules(self) -> "ModelMonitoringSpec":
        with as_validation_error("versions"):
            traffic.versions_are_unique([version.version for version in self.versions], "watched")
        return self


@dataclass(frozen=True, slots=True)
class MonitoringPlan:
    """The monitoring of a model with every value decided: what its manifests are made from."""

    model: str
    project: str
    environment: str
    owner: str
    """The team, which alerts are for."""
    protocol: Protocol
    enabled: bool
    versions: Sequence[WatchedVersion]
    telemetry: Telemetry
    alerts: Sequence[AlertSpec]
    """Each with its target."""
    objective: Objective | None
    dashboard: bool
    playbook_url: str | None
    platform: MonitoringSpec
    labels: Mapping[str, str]
    """The labels of every object."""

    @property
    def service(self) -> str:
        """Merlin's name of a model's alerts: `merlin_{project}_{model}_{environment}`."""
        return f"merlin_{self.project}_{self.model}_{self.environment}"

    @property
    def dashboard_uid(self) -> str:
        """The id of the model's dashboard in Grafana, which takes 40 characters; it never changes."""
        return f"caraml-{sha256(self.service.encode()).hexdigest()[:16]}"

    def monitoring_url(self, version: WatchedVersion | None = None) -> str | None:
        """The dashboard of the model or of one version, with Merlin's variables; none where no Grafana is known."""
        address = self.platform.monitoring_base_url
        if address is None and self.dashboard and self.platform.grafana_url:
            address = f"{self.platform.grafana_url}/d/{self.dashboard_uid}"
        if address is None:
            return None
        variables = {
            "var-cluster": self.telemetry.cluster_name,
            "var-project": self.project,
            "var-model": self.model,
            "var-model_version": version and version.full_name,
        }
        parts = urlsplit(address)
        query = [*parse_qsl(parts.query), *((name, value) for name, value in variables.items() if value)]
        return urlunsplit(parts._replace(query=urlencode(query)))

    def props(self) -> dict[str, Any]:
        """The decided values in camelCase, as policies and previews read them."""
        return {
            "model": self.model,
            "project": self.project,
            "environment": self.environment,
            "protocol": self.protocol.value,
            "enabled": self.enabled,
            "versions": [version.props() for version in self.versions],
            "alerts": [plain(alert) for alert in self.alerts],
            **({"objective": self.objective.props()} if self.objective else {}),
            "dashboard": self.dashboard,
            "labels": dict(self.labels),
        }


def one_model(of_versions: Iterable[tuple[str, str]]) -> None:
    """Refuse to watch versions of several models as one; each is a model and its project. Raises `CaramlError`."""
    distinct = list(dict.fromkeys(of_versions))
    if len(distinct) > 1:
        listed = " and ".join(f'"{model}" in {project}' for model, project in distinct)
        raise CaramlError(
            f"the versions are of {listed}", allowed="versions of one model", fix="add a ModelMonitoring for each"
        )


def plan_monitoring(
    spec: ModelMonitoringSpec, platform: PlatformSpec, versions: Sequence[VersionPlan] = ()
) -> MonitoringPlan:
    """Decide every value of `spec` on `platform`; `versions` are those that are at hand.

    Raises `CaramlError` for the first rule that is broken.
    """
    at_hand = {plan.version: plan for plan in versions}
    watched = []
    for index, version in enumerate(spec.versions):
        with within("versions", index):
            plan = at_hand.get(version.version)
            watched.append(watched_version(plan, version.weight) if plan else _watched(spec, version, platform))
    monitoring = platform.monitoring
    with within("alerts"):
        alerts = decided_alerts(spec.alerts, monitoring.alerts)
    return MonitoringPlan(
        model=spec.model,
        project=spec.project,
        environment=platform.environment,
        owner=spec.team or spec.project,
        protocol=spec.protocol or platform.default_protocol,
        enabled=is_watched(spec, monitoring),
        versions=watched,
        telemetry=telemetry(monitoring, routed_by_istio=platform.routing.backend is RoutingBackend.ISTIO),
        alerts=alerts,
        objective=decided_objective(monitoring.objective, spec.objective),
        dashboard=monitoring.dashboards if spec.dashboard is None else spec.dashboard,
        playbook_url=spec.playbook_url or monitoring.playbook_url,
        platform=monitoring,
        labels=labels.platform_labels(
            platform.label_prefix,
            component=labels.MODEL_MONITORING,
            model=spec.model,
            environment=platform.environment,
            team=spec.team,
            stream=spec.stream,
        ),
    )


def _watched(spec: ModelMonitoringSpec, version: WatchedVersionSpec, platform: PlatformSpec) -> WatchedVersion:
    """A version that is not at hand, as it is described."""
    protocol = spec.protocol or platform.default_protocol
    mode = version.deployment_mode or platform.default_deployment_mode
    return WatchedVersion(
        model=spec.model,
        version=version.version,
        project=spec.project,
        protocol=protocol,
        mode=mode,
        object_name=names.object_name(names.full_name(spec.model, version.version), version.revision),
        transformer=version.transformer,
        weight=version.weight,
        scraped=_scraped(version, protocol, mode),
    )


def _scraped(version: WatchedVersionSpec, protocol: Protocol, mode: DeploymentMode) -> dict[str, Scraped]:
    settings = {PREDICTOR: version.metrics} | ({TRANSFORMER: MetricsSettings()} if version.transformer else {})
    with within("metrics"):
        found = {
            component: plan_metrics(one, protocol, mode, env.PORTS[protocol]) for component, one in settings.items()
        }
    return {component: scraped(metrics, protocol) for component, metrics in found.items() if metrics}
