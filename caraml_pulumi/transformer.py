"""A transformer: what stands before a version's model, and changes what goes in and what comes out.

    CustomModelVersion("iris-1", ..., transformer={"image": "ghcr.io/team/iris-transformer:1.0"})
    CustomModelVersion("iris-1", ..., transformer={"type": TransformerType.STANDARD, "config": "{...}"})

The version's traffic enters through it, and it finds the model at `CARAML_PREDICTOR_HOST` (Merlin: Transformer).
"""

from typing import Any, NotRequired, TypedDict

import pulumi

from caraml_pulumi.autoscaling_policy import AutoscalingPolicyArgs
from caraml_pulumi.instance_type import TolerationArgs
from caraml_pulumi.model.transformer import TransformerType
from caraml_pulumi.workload_args import (
    DisruptionBudgetArgs,
    MetricsArgs,
    ProbeArgs,
    ResourceRequestArgs,
    SecretKeyRefArgs,
    TopologySpreadConstraintArgs,
)


class TransformerArgs(TypedDict):
    """A transformer of a version; it runs in the version's mode and speaks its protocol."""

    type: NotRequired[TransformerType]
    """custom, an image of yours, or standard, the platform's image and a config. Default: custom."""
    image: NotRequired[pulumi.Input[str]]
    """The image of a custom transformer, which must have one (Merlin). Default: none. Refused: for a standard one,
    whose image is the platform's."""
    config: NotRequired[str]
    """The configuration of the standard transformer, which must have one, as JSON; in Python also a map (Merlin).
    Default: none."""
    command: NotRequired[list[str]]
    """The command, instead of the image's. Default: the image's."""
    args: NotRequired[list[str]]
    """The command's arguments, instead of the image's. Default: the image's."""
    env: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables, besides the platform's. Default: none."""
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables kept in a Secret. Default: none."""
    secret_refs: NotRequired[dict[str, SecretKeyRefArgs]]
    """Environment variables from Secrets that exist. Default: none."""
    resource_request: NotRequired[ResourceRequestArgs]
    """Requests and replicas. Default: the platform's defaultTransformerConfig, property by property."""
    instance_type: NotRequired[str]
    """The size by name, instead of amounts. Default: none."""
    replicas: NotRequired[int]
    """A fixed number of replicas. Default: scaled."""
    autoscaling_policy: NotRequired[AutoscalingPolicyArgs]
    """What it is scaled on. Default: as a version's."""
    initial_scale: NotRequired[int]
    """Replicas that a SERVERLESS revision starts with. Default: the cluster's, 1."""
    container_concurrency: NotRequired[int]
    """Requests in flight per replica at most, SERVERLESS. Default: any."""
    disable_liveness_probe: NotRequired[bool]
    """Turns the liveness probe off, as CARAML_DISABLE_LIVENESS_PROBE does. Default: false."""
    liveness_probe: NotRequired[ProbeArgs]
    """Changes of the liveness probe. Default: GET /, or gRPC's health check."""
    readiness_probe: NotRequired[ProbeArgs]
    """Changes of the readiness probe. Default: GET /, or gRPC's health check."""
    startup_probe: NotRequired[ProbeArgs]
    """A startup probe, like the readiness probe but for what is given. Default: none."""
    metrics: NotRequired[MetricsArgs]
    """Where the metrics are. Default: by the protocol."""
    node_selector: NotRequired[dict[str, str]]
    """Labels that nodes must have. Default: none."""
    tolerations: NotRequired[list[TolerationArgs]]
    """Taints that replicas tolerate. Default: none."""
    affinity: NotRequired[dict[str, Any]]
    """A Kubernetes Affinity, as it is. Default: none."""
    priority_class_name: NotRequired[str]
    """The PriorityClass of the pods. Default: the cluster's."""
    runtime_class_name: NotRequired[str]
    """The RuntimeClass of the pods. Default: the cluster's."""
    topology_spread_constraints: NotRequired[list[TopologySpreadConstraintArgs]]
    """How replicas are spread. Default: the platform's."""
    pod_disruption_budget: NotRequired[DisruptionBudgetArgs]
    """How many replicas stay while nodes are drained. Default: the platform's."""
