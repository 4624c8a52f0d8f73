"""The platform of an environment: where models are reachable, what they get by default and may ask for."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from caraml_pulumi.model import autoscaling, labels
from caraml_pulumi.model.autoscaling import AutoscalingSpec
from caraml_pulumi.model.deferred import Value
from caraml_pulumi.model.disruption import DisruptionBudgetSettings
from caraml_pulumi.model.env import env_name
from caraml_pulumi.model.gpu import GpuType
from caraml_pulumi.model.group import GroupQuota
from caraml_pulumi.model.images import image_reference
from caraml_pulumi.model.instance_types import InstanceTypes
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.monitoring import MonitoringSpec, switch_or_settings
from caraml_pulumi.model.names import domain_name, environment_name, gateway_name
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.placement import TopologySpread
from caraml_pulumi.model.resources import MemoryText, QuantityText, ResourceRequest
from caraml_pulumi.model.routing import RoutingSpec
from caraml_pulumi.model.serverless import KnativeSpec, QueueProxySpec
from caraml_pulumi.model.spec import Locate, Spec, as_validation_error, parse, prepared, rule, within
from caraml_pulumi.model.storage import StorageInitializerSpec
from caraml_pulumi.model.target_cluster import ClusterSpec

MERLIN_DEFAULT_REQUEST = ResourceRequest(min_replica=0, max_replica=1, cpu_request="500m", memory_request="500Mi")
"""What Merlin's sample environment gives a version that asks for nothing."""


class ComputeLimits(Spec):
    """How limits follow from requests, where a version does not set its own; the defaults are Merlin's."""

    cpu_factor: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """CPU limit = request x factor; 0: the constant `defaultCpu` instead."""
    default_cpu: QuantityText = "8"
    """CPU limit of versions that no factor applies to."""
    memory_factor: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 2
    """Memory limit = request x factor; 0: no limit."""
    env_without_cpu_factor: dict[Annotated[str, rule(env_name)], str] = Field(default_factory=dict)
    """Environment variables of versions that get the constant limit, such as thread counts; a version's own win."""


class IstioSpec(Spec):
    """Where traffic enters; the defaults are those of Knative's and Istio's own installations."""

    gateway: Annotated[str, rule(gateway_name)] = "knative-serving/knative-ingress-gateway"
    """The Gateway that routes are attached to, as ``namespace/name``."""
    ingress_host: Annotated[str, rule(domain_name)] = "istio-ingressgateway.istio-system.svc.cluster.local"
    """The Service of the ingress gateway, through which an endpoint reaches its versions."""
    local_gateway_host: Annotated[str, rule(domain_name)] = "knative-local-gateway.istio-system.svc.cluster.local"
    """The Service of Knative's gateway inside the cluster, behind which SERVERLESS versions are."""
    local_gateway: Annotated[str, rule(gateway_name)] = "knative-serving/knative-local-gateway"
    """That gateway, as ``namespace/name``: where copies of requests are told from the requests themselves."""


class GatewayApiSpec(Spec):
    """The Gateway of the Kubernetes Gateway API that routes are attached to."""

    gateway: Annotated[str, rule(gateway_name)] = "istio-system/gateway"
    """The Gateway, as ``namespace/name``."""
    section_name: Annotated[str, Field(min_length=1)] | None = None
    """Its listener. Default: all that admit the route."""
    service: Annotated[str, rule(gateway_name)] | None = None
    """The Gateway's own Service, as ``namespace/name``, through whose port 80 an endpoint reaches versions that answer
    on different paths. A ReferenceGrant there must let routes of the projects lead to it. Default: traffic goes to one
    such version at a time."""
    local_gateway: Annotated[str, rule(gateway_name)] = "istio-system/knative-local-gateway"
    """The Service of Knative's gateway inside the cluster, behind which SERVERLESS versions are, as ``namespace/name``.
    A ReferenceGrant there must let routes of the projects lead to it."""


class IngressSpec(Spec):
    """The Ingress controller, one that reads ingress-nginx's annotations (PrimeHub)."""

    class_name: Annotated[str, Field(min_length=1)] = "nginx"
    """The IngressClass."""
    host: Annotated[str, rule(domain_name)] | None = None
    """The host that all models share, whose names must then differ. Default: ``{project}.{domain}``."""
    version_addresses: bool = False
    """Whether each version has an address of its own outside the cluster. Everybody may call it, whoever the clients of
    a private endpoint are."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of every Ingress; the platform's own win."""


class StandardTransformerSpec(Spec):
    """Merlin's standard transformer."""

    image: Annotated[str, rule(image_reference)]
    """Its image."""
    env: dict[Annotated[str, rule(env_name)], str] = Field(default_factory=dict)
    """Its variables, such as ``DEFAULT_FEAST_SOURCE`` and ``FEAST_STORAGE_CONFIGS``; a transformer's own win."""


class PlatformSpec(Spec):
    """The platform of one environment, from the stack's configuration `caraml:platform`."""

    environment: Annotated[str, rule(environment_name)]
    """The environment's name. Default: the stack's."""
    domain: Annotated[str, rule(domain_name)]
    """The domain under which models are reachable: ``{model}.{project}.{domain}``."""
    cluster: ClusterSpec = ClusterSpec()
    """The cluster that the environment is deployed to, and no other."""
    label_prefix: Annotated[str, rule(labels.label_prefix)] = labels.DEFAULT_PREFIX
    """Prefix of the labels of every object."""
    namespace_label_prefix: Annotated[str, rule(labels.label_prefix)] = "caraml.dev/"
    """Prefix of the label ``managed`` of the namespaces of projects."""
    deployment_timeout_seconds: Annotated[WholeNumber, Field(ge=1)] = 600
    """How long a version may take to become ready."""
    namespace_timeout_seconds: Annotated[WholeNumber, Field(ge=1)] | None = None
    """How long the namespace of a project may take to be made, or to be gone (Merlin). Default: as long as Pulumi
    waits, 10 minutes."""
    default_deployment_mode: DeploymentMode = DeploymentMode.SERVERLESS
    """How a version is deployed that does not say itself."""
    default_protocol: Protocol = Protocol.HTTP_JSON
    """What a version speaks that does not say itself."""
    default_autoscaling: dict[DeploymentMode, AutoscalingSpec] = Field(default_factory=dict)
    """On what a version or transformer is scaled that does not say itself, by its deployment mode. Default: concurrency
    1 (SERVERLESS), 50 % of the CPU request (RAW_DEPLOYMENT)."""
    default_quota: GroupQuota = GroupQuota()
    """What all versions of a project may use together that does not say itself, property by property. Default: no
    limits."""
    default_deployment_config: ResourceRequest = MERLIN_DEFAULT_REQUEST
    """What a version gets that does not ask itself; what is left out here is Merlin's sample value."""
    default_transformer_config: ResourceRequest = MERLIN_DEFAULT_REQUEST
    """What a transformer gets that does not ask itself; what is left out here is Merlin's sample value."""
    limits: ComputeLimits = ComputeLimits()
    """How limits follow from requests."""
    max_cpu: QuantityText | None = None
    """Most CPU a replica may ask for. Default: no ceiling."""
    max_memory: MemoryText | None = None
    """Most memory a replica may ask for. Default: no ceiling."""
    max_allowed_replica: Annotated[WholeNumber, Field(ge=1)] | None = None
    """Most replicas a version may have. Default: no ceiling."""
    gpus: list[GpuType] = Field(default_factory=list)
    """The types of GPU that versions may ask for by name. Default: none."""
    instance_types: InstanceTypes = Field(default_factory=dict)
    """The instance types of every project, by name; a project's own come first. Default: none."""
    topology_spread_constraints: TopologySpread = Field(default_factory=list)
    """How replicas are spread over zones or nodes. Default: not."""
    pod_disruption_budget: DisruptionBudgetSettings | None = None
    """How many replicas stay while nodes are drained. Default: no budgets."""
    queue_proxy: QueueProxySpec = QueueProxySpec()
    """Resources of Knative's container beside a SERVERLESS model. Default: Knative's."""
    knative: KnativeSpec = KnativeSpec()
    """How Knative is installed."""
    storage_initializer: StorageInitializerSpec = StorageInitializerSpec()
    """What brings artifacts to replicas."""
    standard_transformer: StandardTransformerSpec | None = None
    """Merlin's standard transformer. Default: not offered."""
    legacy_env: bool = False
    """Whether models also get the variables that Merlin deprecated: ``MERLIN_PREDICTOR_PORT`` and so on."""
    monitoring: Annotated[MonitoringSpec, prepared(switch_or_settings)] = MonitoringSpec()
    """How models are watched."""
    routing: RoutingSpec = RoutingSpec()
    """How models are reached."""
    istio: IstioSpec = IstioSpec()
    """Where traffic enters with Istio."""
    gateway_api: GatewayApiSpec = GatewayApiSpec()
    """Where traffic enters with the Gateway API."""
    ingress: IngressSpec = IngressSpec()
    """Where traffic enters with Ingresses."""

    @model_validator(mode="after")
    def _complete_defaults(self) -> "PlatformSpec":
        if self.monitoring.cluster_name is None and self.cluster.name is not None:
            named = self.monitoring.model_copy(update={"cluster_name": self.cluster.name})
            object.__setattr__(self, "monitoring", named)
        for name in ("default_deployment_config", "default_transformer_config"):
            given = getattr(self, name).model_dump(exclude_none=True)
            object.__setattr__(self, name, MERLIN_DEFAULT_REQUEST.model_copy(update=given))
        return self

    @model_validator(mode="after")
    def _hold_rules(self) -> "PlatformSpec":
        for mode, policy in self.default_autoscaling.items():
            with as_validation_error("default_autoscaling", mode.value):
                with within("metric"):
                    autoscaling.autoscaling_metric_allowed_in_mode(policy.metric, mode)
                autoscaling.autoscaling_settings_are_followed(policy, (mode,))
        return self

    def autoscaling_of(self, mode: DeploymentMode) -> AutoscalingSpec:
        """On what a version in `mode` is scaled that does not say itself."""
        return self.default_autoscaling.get(mode, autoscaling.DEFAULTS[mode])


def parse_platform(settings: Value, *, environment: str, locate: Locate) -> PlatformSpec:
    """The platform in the configuration `settings`; `environment` is its name unless the settings have one."""
    if isinstance(settings, Mapping):
        settings = {"environment": environment, **settings}
    return parse(PlatformSpec, settings, locate=locate)
