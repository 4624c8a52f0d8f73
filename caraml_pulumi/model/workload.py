"""A workload of a version, its predictor or its transformer: what a user asks for, and the plan of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import compute, env, labels, names
from caraml_pulumi.model.container import ContainerSettings, SecretKeyRef
from caraml_pulumi.model.deferred import Value, checked
from caraml_pulumi.model.disruption import DisruptionBudget, DisruptionBudgetSettings, plan_disruption_budget
from caraml_pulumi.model.images import image_that_knative_parses
from caraml_pulumi.model.instance_types import InstanceType, find_instance_type
from caraml_pulumi.model.metrics import PUSHGATEWAY_ENV, Metrics, MetricsSettings, plan_metrics
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.placement import (
    Placement,
    PlacementSettings,
    TopologySpread,
    merged_node_selectors,
)
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.probes import Probes, default_liveness, default_readiness, plan_probe
from caraml_pulumi.model.resources import ResourceRequest, Resources
from caraml_pulumi.model.scaling import Scaling, ScalingSettings, plan_scaling
from caraml_pulumi.model.serverless import ContainerConcurrency
from caraml_pulumi.model.spec import rule, within


class WorkloadSettings(ContainerSettings, ScalingSettings, PlacementSettings):
    """A container, its size, its replicas and where they run, as a user asks for them."""

    resource_request: ResourceRequest = ResourceRequest()
    """Requests and replicas. Default: the platform's, property by property."""
    instance_type: Annotated[str, rule(names.dns_name)] | None = None
    """The size by name, of the project's instance types or the platform's. Default: none."""
    container_concurrency: ContainerConcurrency | None = None
    """Requests in flight per replica at most, SERVERLESS: 1 to 1000, or 0 for any. Default: any."""
    metrics: MetricsSettings = MetricsSettings()
    """Where the metrics are. Default: GET /metrics on the port of the predictions (seed: Custom Model)."""
    topology_spread_constraints: TopologySpread | None = None
    """How replicas are spread over zones or nodes. Default: the platform's."""
    pod_disruption_budget: DisruptionBudgetSettings | None = None
    """How many replicas stay while nodes are drained. Default: the platform's."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which version a workload belongs to."""

    served: env.Served
    object_name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a workload shares with the rest of its version."""

    platform: PlatformSpec
    instance_types: Mapping[str, InstanceType]
    """Those of the project."""
    mode: DeploymentMode
    protocol: Protocol
    """What the version speaks."""
    identity: Identity


@dataclass(frozen=True, slots=True)
class Role:
    """What a workload is for."""

    component: str
    protocol: Protocol
    health_path: str
    contract: Mapping[str, Value]
    defaults: ResourceRequest
    """What the environment gives a workload of this kind that does not ask itself."""


@dataclass(frozen=True, slots=True)
class WorkloadPlan:
    """A workload with every value decided: what its manifests are made from."""

    component: str
    """predictor or transformer."""
    name: str
    """The name of its objects."""
    project: str
    mode: DeploymentMode
    protocol: Protocol
    image: Value
    """A reference, possibly deferred."""
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, Value]
    """The variables of the container, the contract's last; values may be deferred."""
    user_env: Sequence[str]
    """Which of them the user gave."""
    secrets: Mapping[str, Value]
    """The variables whose values are kept in the workload's own Secret, which has its name."""
    secret_refs: Mapping[str, SecretKeyRef]
    probes: Probes
    metrics: Metrics | None
    resources: Resources
    scaling: Scaling
    placement: Placement
    disruption_budget: DisruptionBudget | None
    instance_type: str | None
    """What decided the resources, if an instance type did."""
    container_concurrency: int | None
    storage_uri: Value | None
    labels: Mapping[str, str]
    selector: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def port(self) -> int:
        """Where the server listens."""
        return env.PORTS[self.protocol]


def plan_workload(
    settings: WorkloadSettings,
    image: Value,
    around: Surroundings,
    role: Role,
    *,
    storage_uri: Value | None = None,
    own_env: Mapping[str, str] | None = None,
) -> WorkloadPlan:
    """Decide every value of a workload; `own_env` are variables of its kind that a user may override.

    Raises `CaramlError` for the first rule that is broken, with the property's path in `settings`.
    """
    platform, mode, asked = around.platform, around.mode, settings.resource_request
    identity = around.identity
    selector = labels.selector(identity.object_name, role.component)
    with within("instance_type"):
        instance_type = _instance_type(settings.instance_type, around)
    with within("resource_request"):
        resources, nodes = compute.plan_resources(asked, role.defaults, instance_type, platform)
    scaling = plan_scaling(
        settings,
        asked,
        role.defaults,
        mode=mode,
        ceiling=platform.max_allowed_replica,
        memory_request=resources.memory_request,
        zero_initial_scale=platform.knative.allow_zero_initial_scale,
        default_policy=platform.autoscaling_of(mode),
    )
    variables = _variables(settings, around, role, instance_type, own_env or {})
    if mode is DeploymentMode.SERVERLESS:
        with within("image"):
            image = checked(image, image_that_knative_parses)
    elif settings.container_concurrency is not None:
        with within("container_concurrency"):
            raise CaramlError("containerConcurrency is Knative's", fix="deploy as SERVERLESS, or remove it")
    with within("metrics"):
        metrics = plan_metrics(settings.metrics, role.protocol, mode, env.PORTS[role.protocol])
    return WorkloadPlan(
        component=role.component,
        name=names.workload_name(identity.object_name, role.component),
        project=identity.served.project,
        mode=mode,
        protocol=role.protocol,
        image=image,
        command=tuple(settings.command or ()),
        args=tuple(settings.args or ()),
        env=variables,
        user_env=tuple(settings.env),
        secrets=settings.secrets,
        secret_refs=settings.secret_refs,
        probes=_probes(settings, role),
        metrics=metrics,
        resources=resources,
        scaling=scaling,
        placement=_placement(settings, nodes, instance_type, platform),
        disruption_budget=plan_disruption_budget(
            settings.pod_disruption_budget or platform.pod_disruption_budget, scaling.min_replica
        ),
        instance_type=settings.instance_type,
        container_concurrency=settings.container_concurrency,
        storage_uri=storage_uri,
        labels={**identity.labels, **selector},
        selector=selector,
        annotations=identity.annotations,
    )


def _instance_type(name: str | None, around: Surroundings) -> InstanceType | None:
    if name is None:
        return None
    return find_instance_type(name, of_project=around.instance_types, of_platform=around.platform.instance_types)


def _variables(
    settings: WorkloadSettings,
    around: Surroundings,
    role: Role,
    instance_type: InstanceType | None,
    own_env: Mapping[str, str],
) -> dict[str, Value]:
    """The container's variables; a user's own win over the platform's defaults, and the contract's are nobody's."""
    for name, given in (("env", settings.env), ("secrets", settings.secrets), ("secret_refs", settings.secret_refs)):
        with within(name):
            env.env_names_free_in_mode(given, around.mode)
            env.env_names_free(given, role.contract)
    constant_limit = compute.gets_constant_cpu_limit(
        settings.resource_request, role.defaults, instance_type, around.platform
    )
    defaults = {
        **(around.platform.limits.env_without_cpu_factor if constant_limit else {}),
        **own_env,
        **({PUSHGATEWAY_ENV: url} if (url := settings.metrics.pushgateway_url) else {}),
    }
    elsewhere = {*settings.secrets, *settings.secret_refs}
    defaults = {name: value for name, value in defaults.items() if name not in elsewhere}
    return {**defaults, **settings.env, **role.contract}


def _probes(settings: WorkloadSettings, role: Role) -> Probes:
    protocol = role.protocol
    with within("env"):
        wanted = env.liveness_wanted(settings.env) and not settings.disable_liveness_probe
    with within("liveness_probe"):
        liveness = plan_probe(default_liveness(protocol), settings.liveness_probe, restarts=True)
    readiness_default = default_readiness(protocol, role.health_path)
    with within("readiness_probe"):
        readiness = plan_probe(readiness_default, settings.readiness_probe, restarts=False)
    if settings.startup_probe is None:
        return Probes(liveness if wanted else None, readiness, None)
    with within("startup_probe"):
        startup = plan_probe(readiness, settings.startup_probe, restarts=True)
    return Probes(liveness if wanted else None, readiness, startup)


def _placement(
    settings: WorkloadSettings, of_gpu: compute.Nodes, instance_type: InstanceType | None, platform: PlatformSpec
) -> Placement:
    """Where replicas run: what the user, the GPU and the instance type say, together."""
    of_type = (instance_type.node_selector, instance_type.tolerations) if instance_type else ({}, [])
    with within("node_selector"):
        selector = merged_node_selectors(
            [("the GPU type", of_gpu[0]), ("the instance type", of_type[0]), ("nodeSelector", settings.node_selector)]
        )
    tolerations = [*of_gpu[1], *of_type[1], *settings.tolerations]
    spread = settings.topology_spread_constraints
    return Placement(
        node_selector=selector,
        tolerations=tuple(toleration for i, toleration in enumerate(tolerations) if toleration not in tolerations[:i]),
        affinity=settings.affinity,
        priority_class_name=settings.priority_class_name,
        runtime_class_name=settings.runtime_class_name,
        topology_spread=tuple(platform.topology_spread_constraints if spread is None else spread),
    )
