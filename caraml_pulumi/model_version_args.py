"""What a CustomModelVersion is told."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi

from caraml_pulumi.autoscaling_policy import AutoscalingPolicy, AutoscalingPolicyArgs
from caraml_pulumi.instance_type import TolerationArgs
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model_project import ModelProject
from caraml_pulumi.transformer import TransformerArgs
from caraml_pulumi.workload_args import (
    DisruptionBudgetArgs,
    MetricsArgs,
    ProbeArgs,
    QueueProxyArgs,
    ResourceRequestArgs,
    RollingUpdateArgs,
    SecretKeyRefArgs,
    SecurityContextArgs,
    TopologySpreadConstraintArgs,
)


class CustomModelVersionArgs(TypedDict):
    """What to deploy, and how."""

    model: str
    """The model's name: 3 to 25 lower-case letters, digits and dashes, a letter first (Merlin)."""
    version: int
    """The version: a whole number from 1."""
    project: str
    """The project's name, whose namespace the version is deployed to; in Python also the ModelProject, whose team,
    instance types and quota then hold."""
    image: pulumi.Input[str]
    """The image of the web service: [registry/]repository[:tag][@digest] (seed: Custom Model)."""
    command: NotRequired[list[str]]
    """The command; in Python also a text, split as a shell does (seed: Custom Model). Default: the image's."""
    args: NotRequired[list[str]]
    """The command's arguments; in Python also a text, split as a shell does (seed: Custom Model). Default: the
    image's."""
    env: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables, besides the platform's CARAML_*. CARAML_DISABLE_LIVENESS_PROBE or
    MERLIN_DISABLE_LIVENESS_PROBE set to true turns the liveness probe off (seed: Deploying a Model Version).
    Default: none."""
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables whose values are kept in a Secret of the version's own; replicas are replaced when one
    changes (Merlin). Default: none."""
    secret_refs: NotRequired[dict[str, SecretKeyRefArgs]]
    """Environment variables from Secrets that exist. Default: none."""
    storage_uri: NotRequired[pulumi.Input[str]]
    """Where the artifacts are: s3://, gs://, https:// and whatever else KServe's storage initializer downloads; found
    in CARAML_ARTIFACT_LOCATION before the server starts (seed: Custom Model). Give the uri of a ModelArtifact to upload
    a directory. Default: none."""
    protocol: NotRequired[Protocol]
    """What the web service speaks: HTTP_JSON, UPI_V1 (seed: Custom Model) or SELDON (seed: Model Deployment).
    Default: the platform's defaultProtocol: HTTP_JSON."""
    deployment_mode: NotRequired[DeploymentMode]
    """SERVERLESS or RAW_DEPLOYMENT (seed: Deploying a Model Version). Default: the platform's defaultDeploymentMode:
    SERVERLESS. Refused: a change while the version runs (Merlin)."""
    resource_request: NotRequired[ResourceRequestArgs]
    """Requests and replicas. Default: the platform's defaultDeploymentConfig, property by property."""
    instance_type: NotRequired[str]
    """The size by name, instead of amounts: one of the project's instance types, else of the platform's (PrimeHub).
    Default: none."""
    replicas: NotRequired[int]
    """A fixed number of replicas, without an autoscaler (PrimeHub). Default: scaled."""
    autoscaling_policy: NotRequired[AutoscalingPolicyArgs]
    """What the version is scaled on (seed: Deploying a Model Version). Default: the platform's defaultAutoscaling:
    concurrency 1 in SERVERLESS, 50 % of the CPU request in RAW_DEPLOYMENT."""
    initial_scale: NotRequired[int]
    """Replicas that a SERVERLESS revision starts with. Default: the cluster's, 1."""
    container_concurrency: NotRequired[int]
    """Requests in flight per replica at most, SERVERLESS: 1 to 1000, or 0 for any (Knative). Default: any. Refused: in
    RAW_DEPLOYMENT."""
    timeout_seconds: NotRequired[int]
    """How long a request may take: 1 to 600 (Knative). Unit: seconds. Default: 300 in SERVERLESS, any in
    RAW_DEPLOYMENT."""
    disable_liveness_probe: NotRequired[bool]
    """Turns the liveness probe off, as CARAML_DISABLE_LIVENESS_PROBE does. Default: false."""
    liveness_probe: NotRequired[ProbeArgs]
    """Changes of the liveness probe. Default: GET / (seed: Custom Model); gRPC's health check; SELDON: TCP."""
    readiness_probe: NotRequired[ProbeArgs]
    """Changes of the readiness probe. Default: GET /v1/models/{full_name} (seed: Custom Model); gRPC's health check;
    SELDON: TCP."""
    startup_probe: NotRequired[ProbeArgs]
    """A startup probe, for models that load slowly: like the readiness probe but for what is given. Default: none."""
    metrics: NotRequired[MetricsArgs]
    """Where the metrics are. Default: GET /metrics on the port of the predictions (seed: Custom Model)."""
    node_selector: NotRequired[dict[str, str]]
    """Labels that nodes must have, besides those of the GPU or instance type. Default: none."""
    tolerations: NotRequired[list[TolerationArgs]]
    """Taints that replicas tolerate, besides those of the GPU or instance type. Default: none."""
    affinity: NotRequired[dict[str, Any]]
    """A Kubernetes Affinity, as it is. Default: none."""
    priority_class_name: NotRequired[str]
    """The PriorityClass of the pods. Default: the cluster's."""
    runtime_class_name: NotRequired[str]
    """The RuntimeClass of the pods. Default: the cluster's."""
    topology_spread_constraints: NotRequired[list[TopologySpreadConstraintArgs]]
    """How replicas are spread over zones or nodes. Default: the platform's."""
    pod_disruption_budget: NotRequired[DisruptionBudgetArgs]
    """How many replicas stay while nodes are drained. Default: the platform's."""
    queue_proxy: NotRequired[QueueProxyArgs]
    """Resources of Knative's container beside the model's, SERVERLESS. Default: the platform's."""
    rolling_update: NotRequired[RollingUpdateArgs]
    """How a RAW_DEPLOYMENT replaces its replicas. Default: a quarter more and a quarter fewer (KServe)."""
    service_account_name: NotRequired[str]
    """The ServiceAccount of the pods. Default: the namespace's default."""
    image_pull_secrets: NotRequired[list[str]]
    """Secrets with the credentials of the image's registry, by name. Default: none."""
    security_context: NotRequired[SecurityContextArgs]
    """What the container may do. Default: the cluster's."""
    transformer: NotRequired[TransformerArgs]
    """What stands before the model. Default: none."""
    revision: NotRequired[int]
    """Counts redeployments: the objects are named {model}-{version}-r{revision}, and new ones are there before the old
    ones go (Merlin). Default: objects are updated in place."""
    stopped: NotRequired[bool]
    """Runs nothing, and keeps the address; the version counts as terminated (PrimeHub). Default: false."""
    adopt: NotRequired[list[str]]
    """Kinds of which the version's object exists already and is taken over: Deployment, GRPCRoute, HTTPRoute,
    HorizontalPodAutoscaler, Ingress, PodDisruptionBudget, Service, VirtualService. Remove it once they are. Default:
    none."""
    labels: NotRequired[dict[str, str]]
    """Labels of all objects, besides the platform's. Default: none."""
    annotations: NotRequired[dict[str, str]]
    """Annotations of all objects, besides the platform's. Default: none."""
    team: NotRequired[str]
    """The team's label. Default: that of the ModelProject, else none."""
    stream: NotRequired[str]
    """The stream's label. Default: that of the ModelProject, else none."""
    platform: NotRequired[dict[str, Any]]
    """The platform of the environment. Default: the stack's configuration `caraml:platform`."""


class CustomModelVersionKeywords(CustomModelVersionArgs):
    """`CustomModelVersionArgs` with what Python can pass besides: components, and commands as texts."""

    project: str | ModelProject  # type: ignore[misc]
    command: NotRequired[str | list[str]]  # type: ignore[misc]
    args: NotRequired[str | list[str]]  # type: ignore[misc]
    env: NotRequired[Mapping[str, pulumi.Input[str]]]  # type: ignore[misc]
    autoscaling_policy: NotRequired[AutoscalingPolicyArgs | AutoscalingPolicy]  # type: ignore[misc]
    labels: NotRequired[Mapping[str, str]]  # type: ignore[misc]
    platform: NotRequired[Mapping[str, Any] | PlatformSpec]  # type: ignore[misc]
