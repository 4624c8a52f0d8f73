"""A model version: what a user asks for, and how every value of it is decided."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import artifacts, env, labels, names
from caraml_pulumi.model.address import version_address
from caraml_pulumi.model.backends import Feature, can_do
from caraml_pulumi.model.images import image_reference
from caraml_pulumi.model.instance_types import InstanceType
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.pod import PodSettings
from caraml_pulumi.model.rollout import RollingUpdate
from caraml_pulumi.model.serverless import (
    KnativeFeature,
    QueueProxySpec,
    TimeoutSeconds,
    knative_features_missing,
)
from caraml_pulumi.model.spec import deferrable, rule, within
from caraml_pulumi.model.storage import PVC_SCHEME, resolved_storage_uri
from caraml_pulumi.model.transformer import TransformerSettings, predictor_protocol, standard_env, transformer_image
from caraml_pulumi.model.version_plan import VersionPlan, health_path
from caraml_pulumi.model.workload import Identity, Role, Surroundings, WorkloadPlan, WorkloadSettings, plan_workload

LabelMap = dict[Annotated[str, rule(labels.label_key)], Annotated[str, rule(labels.label_value)]]
AnnotationMap = dict[Annotated[str, rule(labels.label_key)], str]


class VersionSettings(WorkloadSettings, PodSettings):
    """Everything about a version but which one it is."""

    image: Annotated[str, rule(image_reference), deferrable(image_reference)]
    """The image of the model's web service; best by digest."""
    protocol: Protocol | None = None
    """What its server speaks. Default: the platform's `defaultProtocol`."""
    deployment_mode: DeploymentMode | None = None
    """How it is deployed. Default: the platform's `defaultDeploymentMode`."""
    storage_uri: Annotated[str, rule(artifacts.storage_uri), deferrable(resolved_storage_uri)] | None = None
    """Where the artifacts are: s3://, gs://, https:// and what else a storage initializer downloads. Default: none."""
    timeout_seconds: TimeoutSeconds | None = None
    """How long a request may take: 1 to 600. Default: 300 in SERVERLESS, any in RAW_DEPLOYMENT."""
    queue_proxy: QueueProxySpec | None = None
    """Resources of Knative's container beside the model's, SERVERLESS. Default: the platform's."""
    rolling_update: RollingUpdate | None = None
    """How a RAW_DEPLOYMENT replaces its replicas. Default: a quarter more and a quarter fewer (KServe)."""
    transformer: TransformerSettings | None = None
    """What stands before the model. Default: none."""
    revision: Annotated[WholeNumber, rule(names.revision_number)] | None = None
    """Counts redeployments, whose objects are there before the old ones go. Default: objects are updated in place."""
    stopped: bool = False
    """Whether nothing runs; the address stays, and the version counts as terminated (PrimeHub)."""
    labels: LabelMap = Field(default_factory=dict)
    """Labels of all objects, besides the platform's."""
    annotations: AnnotationMap = Field(default_factory=dict)
    """Annotations of all objects, besides the platform's."""


class ModelVersionSpec(VersionSettings):
    """A version of a model in a project, as a user asks for it."""

    model: Annotated[str, rule(names.model_name)]
    version: Annotated[WholeNumber, rule(names.version_number)]
    project: Annotated[str, rule(names.project_name)]
    team: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None
    stream: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None


def plan_version(
    spec: ModelVersionSpec, platform: PlatformSpec, *, instance_types: Mapping[str, InstanceType] | None = None
) -> VersionPlan:
    """Decide every value of `spec` on `platform`; `instance_types` are those of its project.

    Raises `CaramlError` for the first rule that is broken.
    """
    served = env.Served(spec.model, spec.version, names.full_name(spec.model, spec.version), spec.project)
    object_name = names.object_name(served.full_name, spec.revision)
    shared_labels = {**_labels(spec, platform), labels.INFERENCE_SERVICE: object_name}
    identity = Identity(served, object_name, shared_labels, spec.annotations)
    mode = spec.deployment_mode or platform.default_deployment_mode
    protocol = spec.protocol or platform.default_protocol
    around = Surroundings(platform, instance_types or {}, mode, protocol, identity)
    predictor = _predictor(spec, around)
    transformer = None
    if spec.transformer is not None:
        with within("transformer"):
            transformer = _transformer(spec, spec.transformer, around, predictor)
    backend = platform.routing.backend
    entry = (transformer or predictor).name
    plan = VersionPlan(
        model=spec.model,
        version=spec.version,
        revision=spec.revision,
        project=spec.project,
        environment=platform.environment,
        full_name=served.full_name,
        object_name=object_name,
        address=version_address(platform, served.full_name, entry, spec.project, protocol, mode),
        protocol=protocol,
        mode=mode,
        stopped=spec.stopped,
        predictor=predictor,
        transformer=transformer,
        pod=PodSettings.model_validate({name: getattr(spec, name) for name in PodSettings.model_fields}),
        timeout_seconds=spec.timeout_seconds,
        queue_proxy=spec.queue_proxy or platform.queue_proxy,
        rolling_update=spec.rolling_update or RollingUpdate(),
        labels=shared_labels,
        annotations=spec.annotations,
    )
    _settings_of_the_mode(spec, mode)
    if plan.mode is DeploymentMode.RAW_DEPLOYMENT:
        can_do(backend, [(Feature.RAW_DEPLOYMENT, ("deployment_mode",))])
        if protocol is Protocol.UPI_V1 and spec.timeout_seconds is not None:
            can_do(backend, [(Feature.GRPC_TIMEOUT, ("timeout_seconds",))])
    if plan.mode is DeploymentMode.SERVERLESS:
        for workload in plan.workloads:
            with within(*(["transformer"] if workload is transformer else [])):
                _features_enabled(plan, workload, platform)
    return plan


def _labels(spec: ModelVersionSpec, platform: PlatformSpec) -> dict[str, str]:
    with within("labels"):
        labels.labels_are_free(spec.labels, platform.label_prefix)
    with within("annotations"):
        labels.annotations_are_free(spec.annotations)
    own = labels.platform_labels(
        platform.label_prefix,
        component=labels.MODEL_VERSION,
        model=spec.model,
        environment=platform.environment,
        team=spec.team,
        stream=spec.stream,
        version=spec.version,
    )
    return {**spec.labels, **own}


def _predictor(spec: ModelVersionSpec, around: Surroundings) -> WorkloadPlan:
    protocol = predictor_protocol(around.protocol, spec.transformer)
    platform, served = around.platform, around.identity.served
    contract = env.model_contract(
        served, protocol, image=spec.image, storage_uri=spec.storage_uri, legacy=platform.legacy_env
    )
    predictor = Role(
        labels.PREDICTOR, protocol, health_path(served.full_name), contract, platform.default_deployment_config
    )
    return plan_workload(spec, spec.image, around, predictor, storage_uri=spec.storage_uri)


def _transformer(
    spec: ModelVersionSpec, settings: TransformerSettings, around: Surroundings, predictor: WorkloadPlan
) -> WorkloadPlan:
    protocol = around.protocol
    if protocol is Protocol.SELDON:
        raise CaramlError("a transformer speaks HTTP_JSON or UPI_V1, not SELDON", fix="remove it")
    platform = around.platform
    with within("image"):
        image = transformer_image(settings, platform)
    host = names.service_host(predictor.name, spec.project, around.mode)
    contract = env.transformer_contract(
        around.identity.served, protocol, predictor_host=host, legacy=platform.legacy_env
    )
    transformer = Role(labels.TRANSFORMER, protocol, "/", contract, platform.default_transformer_config)
    own_env = standard_env(settings, platform, protocol, project=spec.project, model=spec.model)
    return plan_workload(settings, image, around, transformer, own_env=own_env)


def _settings_of_the_mode(spec: ModelVersionSpec, mode: DeploymentMode) -> None:
    """Refuse settings that the mode could not follow."""
    serverless = mode is DeploymentMode.SERVERLESS
    if serverless and spec.rolling_update is not None:
        with within("rolling_update"):
            raise CaramlError(
                "SERVERLESS replaces a whole revision at a time", fix="remove it, or deploy as RAW_DEPLOYMENT"
            )
    if not serverless and spec.queue_proxy is not None:
        with within("queue_proxy"):
            raise CaramlError("RAW_DEPLOYMENT has no queue-proxy", fix="remove it, or deploy as SERVERLESS")


def _features_enabled(version: VersionPlan, workload: WorkloadPlan, platform: PlatformSpec) -> None:
    """Refuse `workload` if Knative would, with the first property that needs a feature as the place."""
    placement, uri, security = workload.placement, workload.storage_uri, version.pod.security_context
    on_claim = isinstance(uri, str) and uri.startswith(PVC_SCHEME)
    needs = {
        KnativeFeature.NODE_SELECTOR: ("node_selector", placement.node_selector),
        KnativeFeature.TOLERATIONS: ("tolerations", placement.tolerations),
        KnativeFeature.AFFINITY: ("affinity", placement.affinity),
        KnativeFeature.TOPOLOGY_SPREAD: ("topology_spread_constraints", placement.topology_spread),
        KnativeFeature.PRIORITY_CLASS: ("priority_class_name", placement.priority_class_name),
        KnativeFeature.RUNTIME_CLASS: ("runtime_class_name", placement.runtime_class_name),
        KnativeFeature.INIT_CONTAINERS: ("storage_uri", uri is not None),
        KnativeFeature.PVC: ("storage_uri", on_claim),
        KnativeFeature.SECURITY_CONTEXT: ("security_context", security.fs_group is not None),
        KnativeFeature.ADD_CAPABILITIES: ("security_context", security.capabilities and security.capabilities.add),
    }
    needed = {feature: name for feature, (name, found) in needs.items() if found}
    missing = [feature for feature in needed if feature not in platform.knative.features]
    if missing:
        with within(needed[missing[0]]):
            raise knative_features_missing(missing)
