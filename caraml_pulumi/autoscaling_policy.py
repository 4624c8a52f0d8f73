"""A policy by which versions are scaled: a metric and its target for each replica.

    CustomModelVersion("iris-1", ..., autoscaling_policy=AutoscalingPolicy.concurrency(2, window_seconds=30))

    bursty = AutoscalingPolicy("bursty", metric=AutoscalingMetric.RPS, target=50)  # shared by name
    CustomModelVersion("iris-1", ..., autoscaling_policy=bursty)

| argument | default |
|---|---|
| the policy of a version | the platform's: concurrency 1 (SERVERLESS), 50 % of the CPU request (RAW_DEPLOYMENT) |
| `window_seconds` | 60 for concurrency and rps; else 300 to scale down, 0 to scale up |
| `panic_window_percentage`, `panic_threshold_percentage` | 10, 200 |
| `target_utilization_percentage` | 70 |
| `scale_down_delay_seconds` | 0; for cpu in RAW_DEPLOYMENT the window |
| `scale_to_zero_retention_seconds` | 0 |
| `activation_scale` | 1 |

A setting that is left out is the cluster's; these are those that Knative and Kubernetes come with.
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
    """What to scale on: cpu_utilization in both modes, memory_utilization, concurrency and rps in SERVERLESS (seed:
    Deploying a Model Version)."""
    target: float
    """How much each replica is to have of it: percent of its CPU or memory request, requests in flight, or requests
    per second (Merlin). Refused: percentages outside 1 to 100, a concurrency below 0.01, rps below 1."""
    window_seconds: NotRequired[int]
    """Over how long concurrency and rps are averaged, from 6 to 3600; for cpu and memory, how long the autoscaler waits
    before it scales in either direction (Knative). Unit: seconds. Default: the cluster's: 60 for concurrency and rps,
    for the others 300 to scale down and 0 to scale up."""
    panic_window_percentage: NotRequired[float]
    """The part of the window over which a burst is measured, from 1 to 100 (Knative). Unit: percent. Default: the
    cluster's, 10. Refused: for cpu and memory."""
    panic_threshold_percentage: NotRequired[float]
    """The load from which on it is a burst, from 110 to 1000 percent of what the replicas are to have; replicas are
    then only added, until a window has passed without (Knative). Unit: percent. Default: the cluster's, 200. Refused:
    for cpu and memory."""
    target_utilization_percentage: NotRequired[float]
    """The part of the target that replicas are really to have, to leave room, from 1 to 100 (Knative). Unit: percent.
    Default: the cluster's, 70. Refused: for cpu and memory."""
    scale_down_delay_seconds: NotRequired[int]
    """How long load must stay lower before replicas are removed, from 0 to 3600 (Knative). Unit: seconds. Default: the
    cluster's, 0, and for cpu in RAW_DEPLOYMENT the window. Refused: for cpu and memory in SERVERLESS, whose window
    says it."""
    scale_to_zero_retention_seconds: NotRequired[int]
    """How long the last replica stays at least once it is not needed, from 0 to 3600; of a version that may have none
    (Knative). Unit: seconds. Default: the cluster's, 0. Refused: for cpu and memory."""
    activation_scale: NotRequired[int]
    """How many replicas there are at least when there are any, from 2 on (Knative). Default: 1. Refused: outside the
    version's range of replicas, and for cpu and memory."""


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
    """How much each replica is to have of it."""

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
