"""A policy by which versions are scaled: a metric and its target for each replica.

    CustomModelVersion("iris-1", ..., autoscaling_policy=AutoscalingPolicy.concurrency(2))

    bursty = AutoscalingPolicy("bursty", metric=AutoscalingMetric.RPS, target=50)  # shared by name
    CustomModelVersion("iris-1", ..., autoscaling_policy=bursty)

Without a policy, a SERVERLESS version is scaled on concurrency 1 and a RAW_DEPLOYMENT on 50 % of its CPU request.
"""

from typing import Any, TypedDict, Unpack, cast, overload

import pulumi

from caraml_pulumi.component import arguments, located_in, readable
from caraml_pulumi.model.autoscaling import AutoscalingMetric, AutoscalingSpec
from caraml_pulumi.model.spec import parse


class AutoscalingPolicyArgs(TypedDict):
    """What to scale on, and how far."""

    metric: AutoscalingMetric
    """cpu_utilization (both modes), or memory_utilization, concurrency, rps (SERVERLESS only)."""
    target: float
    """For each replica: percent of the CPU or memory request (1 to 100), requests in flight (at least 0.01), or
    requests per second (at least 1)."""


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
        """Raises `CaramlError` for a target that the metric cannot have."""
        locate = located_in("AutoscalingPolicy", name)
        with readable():
            spec = parse(AutoscalingSpec, arguments(args, keywords, locate), locate=locate)
        super().__init__("caraml:index:AutoscalingPolicy", name, spec.props(), opts)
        self.args = AutoscalingPolicyArgs(metric=spec.metric, target=spec.target)
        self.metric = pulumi.Output.from_input(spec.metric.value)
        self.target = pulumi.Output.from_input(spec.target)
        self.register_outputs(spec.props())

    @staticmethod
    def cpu(percent: float) -> AutoscalingPolicyArgs:
        """Scale on CPU used, in percent of the request: 1 to 100, both modes."""
        return _policy(AutoscalingMetric.CPU_UTILIZATION, percent)

    @staticmethod
    def memory(percent: float) -> AutoscalingPolicyArgs:
        """Scale on memory used, in percent of the request: 1 to 100, SERVERLESS."""
        return _policy(AutoscalingMetric.MEMORY_UTILIZATION, percent)

    @staticmethod
    def concurrency(requests: float) -> AutoscalingPolicyArgs:
        """Scale on requests in flight per replica: at least 0.01, SERVERLESS."""
        return _policy(AutoscalingMetric.CONCURRENCY, requests)

    @staticmethod
    def rps(requests: float) -> AutoscalingPolicyArgs:
        """Scale on requests per second and replica: at least 1, SERVERLESS."""
        return _policy(AutoscalingMetric.RPS, requests)


def _policy(metric: AutoscalingMetric, target: float) -> AutoscalingPolicyArgs:
    args = AutoscalingPolicyArgs(metric=metric, target=target)
    with readable():
        parse(AutoscalingSpec, args)
    return args
