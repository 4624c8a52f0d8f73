"""Instance types as arguments: sizes of replicas that a platform or a project offers by name."""

from typing import NotRequired, TypedDict

from caraml_pulumi.model.placement import TaintEffect, TolerationOperator


class InstanceLimitsArgs(TypedDict):
    """What a replica of an instance type may use."""

    cpu: str
    """CPU cores as a Kubernetes quantity."""
    memory: str
    """Memory in bytes as a Kubernetes quantity."""
    gpu: NotRequired[int]
    """Whole GPUs. Default: none."""


class InstanceRequestsArgs(TypedDict, total=False):
    """What a replica of an instance type asks for."""

    cpu: str
    """CPU cores as a Kubernetes quantity. Default: the limit."""
    memory: str
    """Memory in bytes as a Kubernetes quantity. Default: the limit."""


class TolerationArgs(TypedDict, total=False):
    """A taint that replicas tolerate, as Kubernetes has it."""

    key: str
    """The taint's key. Default: every key, with the operator Exists."""
    operator: TolerationOperator
    """Exists, or Equal to `value`. Default: Equal."""
    value: str
    """The taint's value, for Equal. Default: none."""
    effect: TaintEffect
    """NoSchedule, PreferNoSchedule or NoExecute. Default: every effect."""
    toleration_seconds: int
    """Seconds until a replica leaves, for NoExecute. Default: never."""


class InstanceTypeArgs(TypedDict):
    """A size of replicas that versions ask for by name."""

    limits: InstanceLimitsArgs
    """What a replica may use."""
    requests: NotRequired[InstanceRequestsArgs]
    """What a replica asks for. Default: the limits."""
    gpu_resource_name: NotRequired[str]
    """What the GPU is called in Kubernetes. Default: nvidia.com/gpu."""
    node_selector: NotRequired[dict[str, str]]
    """Labels of the nodes that replicas run on. Default: none."""
    tolerations: NotRequired[list[TolerationArgs]]
    """Taints of those nodes that replicas tolerate. Default: none."""
    display_name: NotRequired[str]
    """What people call it. Default: its name."""
    description: NotRequired[str]
    """What it is for. Default: nothing."""
