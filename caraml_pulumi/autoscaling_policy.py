"""A policy by which versions are scaled: a metric and its target for each replica.

    CustomModelVersion("iris-1", ..., autoscaling_policy=AutoscalingPolicy.concurrency(2, window_seconds=30))

    bursty = AutoscalingPolicy("bursty", metric=AutoscalingMetric.RPS, target=50)  # shared by name
    CustomModelVersion("iris-1", ..., autoscaling_policy=bursty)

Without a policy, a SERVERLESS version is scaled on concurrency 1 and a RAW_DEPLOYMENT on 50 % of its CPU request. A
setting that a policy leaves out is the cluster's; these are the ones that Knative and Kubernetes come with:

| argument | concurrency, rps | cpu, memory in SERVERLESS | cpu in RAW_DEPLOYMENT |
|---|---|---|---|
| `window_seconds` | 60 | 300 down, 0 up | 300 down, 0 up |
| `panic_window_percentage`, `panic_threshold_percentage` | 10, 200 | | |
| `target_utilization_percentage` | 70 | | |
| `scale_down_delay_seconds` | 0 | | the window |
| `scale_to_zero_retention_seconds` | 0 | | |
| `activation_scale` | 1 | | |
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, Unpack, cast, overload

import pulumi

from caraml_pulumi.component import arguments, located_in, readable
from caraml_pulumi.model.autoscaling import KNATIVE_METRICS, AutoscalingMetric, AutoscalingSpec
from caraml_pulumi.model.spec import dotted, parse


class AutoscalingPolicyArgs(TypedDict):
    """What to scale on, and how far."""

    metric: AutoscalingMetric
    """cpu_utilization (both modes), or memory_utilization, concurrency, rps (SERVERLESS only)."""
    target: float
    """For each replica: percent of the CPU or memory request (1 to 100), requests in flight (at least 0.01), or
    requests per second (at least 1)."""
    window_seconds: NotRequired[int]
    """Over how many seconds concurrency and rps are averaged, 6 to 3600. For cpu and memory, how long the autoscaler
    waits before it scales in either direction. Default: the cluster's, 60 for concurrency and rps; for cpu and memory
    300 to scale down and 0 to scale up."""
    panic_window_percentage: NotRequired[float]
    """The part of the window over which a burst is measured, 1 to 100 percent; concurrency and rps. Default: the
    cluster's, 10."""
    panic_threshold_percentage: NotRequired[float]
    """The load, in percent of what the replicas are to have, from which on it is a burst: replicas are then only
    added, for a whole window. 110 to 1000; concurrency and rps. Default: the cluster's, 200."""
    target_utilization_percentage: NotRequired[float]
    """The part of the target that replicas are to have, 1 to 100 percent; concurrency and rps. Default: the cluster's,
    70."""
    scale_down_delay_seconds: NotRequired[int]
    """How many seconds load must stay lower before replicas are removed, 0 to 3600; concurrency, rps, and cpu in
    RAW_DEPLOYMENT. Default: the cluster's, 0 for concurrency and rps; for cpu the window."""
    scale_to_zero_retention_seconds: NotRequired[int]
    """How many seconds the last replica stays at least after the decision to scale to zero, 0 to 3600; concurrency and
    rps, with min_replica 0. Default: the cluster's, 0."""
    activation_scale: NotRequired[int]
    """How many replicas there are at least when there are any, from 2, within min_replica and max_replica; concurrency
    and rps. Default: 1."""


class RequestScalingKeywords(TypedDict, total=False):
    """The settings of a policy that scales on concurrency or rps, as in `AutoscalingPolicyArgs`."""

    window_seconds: int
    panic_window_percentage: float
    panic_threshold_percentage: float
    target_utilization_percentage: float
    scale_down_delay_seconds: int
    scale_to_zero_retention_seconds: int
    activation_scale: int


class CpuScalingKeywords(TypedDict, total=False):
    """The settings of a policy that scales on cpu, as in `AutoscalingPolicyArgs`."""

    window_seconds: int
    scale_down_delay_seconds: int


class MemoryScalingKeywords(TypedDict, total=False):
    """The settings of a policy that scales on memory, as in `AutoscalingPolicyArgs`."""

    window_seconds: int


class AutoscalingPolicy(pulumi.ComponentResource):
    """A named autoscaling policy, for any number of versions.

    It registers no Kubernetes objects: the annotations or the HorizontalPodAutoscaler belong to the version that is
    scaled. A version that is the only one with its policy does without the name: the factories `cpu`, `memory`,
    `concurrency` and `rps` return the arguments alone.
    """

    metric: pulumi.Output[str]
    """What versions are scaled on."""
    target: pulumi.Output[float]
    """The target for each replica."""

    @overload
    def __init__(self, name: str, args: AutoscalingPolicyArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(
        self, name: str, *, opts: pulumi.ResourceOptions | None = None, **keywords: Unpack[AutoscalingPolicyArgs]
    ) -> None: ...

    def __init__(
        self,
        name: str,
        args: AutoscalingPolicyArgs = cast(AutoscalingPolicyArgs, {}),  # noqa: B008 - never changed
        opts: pulumi.ResourceOptions | None = None,
        **keywords: Any,
    ) -> None:
        """Raises `CaramlError` for a target or a setting that the metric cannot have."""
        locate = located_in("AutoscalingPolicy", name)
        with readable():
            spec = parse(AutoscalingSpec, arguments(args, keywords, locate), locate=locate)
        super().__init__("caraml:index:AutoscalingPolicy", name, spec.props(), opts)
        self.args = cast(AutoscalingPolicyArgs, spec.given())
        self.metric = pulumi.Output.from_input(spec.metric.value)
        self.target = pulumi.Output.from_input(spec.target)
        self.register_outputs(spec.props())

    @staticmethod
    def cpu(percent: float, **settings: Unpack[CpuScalingKeywords]) -> AutoscalingPolicyArgs:
        """Scale on CPU used, in percent of the request: 1 to 100, both modes.

        `scale_down_delay_seconds` is for RAW_DEPLOYMENT. Raises `CaramlError` for a value that is out of range.
        """
        return _policy(AutoscalingMetric.CPU_UTILIZATION, percent, settings)

    @staticmethod
    def memory(percent: float, **settings: Unpack[MemoryScalingKeywords]) -> AutoscalingPolicyArgs:
        """Scale on memory used, in percent of the request: 1 to 100, SERVERLESS.

        Raises `CaramlError` for a value that is out of range.
        """
        return _policy(AutoscalingMetric.MEMORY_UTILIZATION, percent, settings)

    @staticmethod
    def concurrency(requests: float, **settings: Unpack[RequestScalingKeywords]) -> AutoscalingPolicyArgs:
        """Scale on requests in flight per replica: at least 0.01, SERVERLESS.

        Raises `CaramlError` for a value that is out of range.
        """
        return _policy(AutoscalingMetric.CONCURRENCY, requests, settings)

    @staticmethod
    def rps(requests: float, **settings: Unpack[RequestScalingKeywords]) -> AutoscalingPolicyArgs:
        """Scale on requests per second and replica: at least 1, SERVERLESS.

        Raises `CaramlError` for a value that is out of range.
        """
        return _policy(AutoscalingMetric.RPS, requests, settings)


def _policy(metric: AutoscalingMetric, target: float, settings: Mapping[str, Any]) -> AutoscalingPolicyArgs:
    args = cast(AutoscalingPolicyArgs, {"metric": metric, "target": target, **settings})
    with readable():
        parse(AutoscalingSpec, args, locate=lambda path: f"AutoscalingPolicy.{KNATIVE_METRICS[metric]}: {dotted(path)}")
    return args
