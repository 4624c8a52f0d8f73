"""Autoscaling policies: which metric in which mode, its target and how it is written, and who follows which setting."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic.alias_generators import to_camel

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.quantities import MEBIBYTE, parse_quantity, scaled
from caraml_pulumi.model.spec import Spec, as_validation_error, in_words, rule, within


class AutoscalingMetric(StrEnum):
    """What a version is scaled on; the values are Merlin's (seed: Deploying a Model Version)."""

    CPU_UTILIZATION = "cpu_utilization"
    """CPU used in percent of the CPU request, both modes."""
    MEMORY_UTILIZATION = "memory_utilization"
    """Memory used in percent of the memory request, SERVERLESS only."""
    CONCURRENCY = "concurrency"
    """Requests in flight per replica, SERVERLESS only."""
    RPS = "rps"
    """Requests per second and replica, SERVERLESS only."""


METRICS_OF_MODE: Final = {
    DeploymentMode.SERVERLESS: tuple(AutoscalingMetric),
    DeploymentMode.RAW_DEPLOYMENT: (AutoscalingMetric.CPU_UTILIZATION,),
}
METRICS_THAT_WAKE: Final = (AutoscalingMetric.CONCURRENCY, AutoscalingMetric.RPS)
"""Metrics that Knative measures without a running replica: only they can scale from zero."""
KPA: Final = "kpa.autoscaling.knative.dev"
"""Knative's own autoscaler."""
HPA: Final = "hpa.autoscaling.knative.dev"
"""Kubernetes' autoscaler behind Knative."""
HORIZONTAL_POD_AUTOSCALER: Final = "HorizontalPodAutoscaler"
"""Kubernetes' autoscaler by itself, which scales a RAW_DEPLOYMENT."""
SETTINGS_OF_AUTOSCALER: Final = {
    KPA: (
        "window_seconds",
        "panic_window_percentage",
        "panic_threshold_percentage",
        "target_utilization_percentage",
        "scale_down_delay_seconds",
        "scale_to_zero_retention_seconds",
        "activation_scale",
    ),
    HPA: ("window_seconds",),
    HORIZONTAL_POD_AUTOSCALER: ("window_seconds", "scale_down_delay_seconds"),
}
"""The settings each autoscaler follows. Knative admits the others for its class hpa as well, and never reads them."""
MOST_REPLICAS: Final = 2**31 - 1
"""Kubernetes and Knative count replicas in 32 bits."""
DOMAIN: Final = "autoscaling.knative.dev"
CLASS_ANNOTATION: Final = f"{DOMAIN}/class"
METRIC_ANNOTATION: Final = f"{DOMAIN}/metric"
MIN_SCALE_ANNOTATION: Final = f"{DOMAIN}/min-scale"
MAX_SCALE_ANNOTATION: Final = f"{DOMAIN}/max-scale"
INITIAL_SCALE_ANNOTATION: Final = f"{DOMAIN}/initial-scale"
KNATIVE_METRICS: Final = {
    AutoscalingMetric.CPU_UTILIZATION: "cpu",
    AutoscalingMetric.MEMORY_UTILIZATION: "memory",
    AutoscalingMetric.CONCURRENCY: "concurrency",
    AutoscalingMetric.RPS: "rps",
}
"""What Knative calls the metrics."""
KNATIVE_CLASSES: Final = {metric: KPA if metric in METRICS_THAT_WAKE else HPA for metric in AutoscalingMetric}
"""Which of Knative's autoscalers measures a metric."""
_UTILIZATION = (AutoscalingMetric.CPU_UTILIZATION, AutoscalingMetric.MEMORY_UTILIZATION)


def autoscaling_metric_allowed_in_mode(metric: AutoscalingMetric, mode: DeploymentMode) -> None:
    """Refuse a metric that the mode cannot scale on (seed: Deploying a Model Version)."""
    allowed = METRICS_OF_MODE[mode]
    if metric not in allowed:
        raise CaramlError(
            f"{mode.value} cannot scale on {metric.value}",
            allowed=", ".join(candidate.value for candidate in allowed),
            fix=f"deploy as {DeploymentMode.SERVERLESS.value}, or scale on {allowed[0].value}",
        )


def autoscaling_class_measures_metric(class_: str, metric: str) -> None:
    """Refuse a Knative autoscaler that does not measure the metric; Knative admits some of these and never scales.

    Both are as a revision's annotations have them; a class that is not Knative's own is not judged.
    """
    measured = {KNATIVE_METRICS[name] for name, measurer in KNATIVE_CLASSES.items() if measurer == class_}
    if measured and metric not in measured:
        raise CaramlError(
            f"{class_} cannot scale on {metric}",
            allowed=", ".join(sorted(measured)),
            fix=f"set {CLASS_ANNOTATION} to {HPA if class_ == KPA else KPA}, or scale on another metric",
        )


def autoscaler_of(metric: AutoscalingMetric, mode: DeploymentMode) -> str:
    """Who scales a version: a class of Knative's, or a HorizontalPodAutoscaler."""
    return KNATIVE_CLASSES[metric] if mode is DeploymentMode.SERVERLESS else HORIZONTAL_POD_AUTOSCALER


def autoscaling_settings_are_followed(policy: "AutoscalingSpec", modes: Iterable[DeploymentMode]) -> None:
    """Refuse a setting that the autoscaler of the policy's metric would ignore in each of `modes`."""
    modes = tuple(modes)
    followed = {name for mode in modes for name in SETTINGS_OF_AUTOSCALER[autoscaler_of(policy.metric, mode)]}
    for name in SETTINGS_OF_AUTOSCALER[KPA]:
        if getattr(policy, name) is not None and name not in followed:
            with within(name):
                raise CaramlError(
                    f"{to_camel(name)} has no effect on {policy.metric.value} in "
                    + " or ".join(mode.value for mode in modes),
                    allowed=", ".join(
                        to_camel(setting) for setting in SETTINGS_OF_AUTOSCALER[KPA] if setting in followed
                    ),
                    fix=f"leave out {to_camel(name)}, or scale on concurrency or rps in SERVERLESS",
                )


def autoscaling_target_in_range(metric: AutoscalingMetric, target: float) -> None:
    """Refuse a target that is out of range or would be written as 0.

    Utilizations are percentages above 0 and up to 100; concurrency and rps are above 0. Concurrency is written with
    two digits after the point and the others as whole numbers, and Knative refuses 0.
    """
    is_utilization = metric in _UTILIZATION
    too_large = is_utilization and target > 100
    if too_large or target <= 0 or float(_written(metric, target)) <= 0:
        allowed = "from 1 to 100 (percent)" if is_utilization else "at least 1"
        allowed = "at least 0.01" if metric is AutoscalingMetric.CONCURRENCY else allowed
        raise CaramlError(f"{metric.value} cannot have target {target:g}", allowed=allowed)


def _written(metric: AutoscalingMetric, target: float) -> str:
    return f"{target:.2f}" if metric is AutoscalingMetric.CONCURRENCY else f"{target:.0f}"


def knative_target(metric: AutoscalingMetric, target: float, memory_request: str) -> str:
    """The target as Knative's annotation has it; of memory, in whole Mi of the request.

    Raises `CaramlError` if the share of the request is less than 1Mi.
    """
    if metric is not AutoscalingMetric.MEMORY_UTILIZATION:
        return _written(metric, target)
    mebibytes = f"{parse_quantity(scaled(memory_request, target / 100)).value / MEBIBYTE:.0f}"
    if mebibytes == "0":
        raise CaramlError(
            f"{target:g} % of the memory request {memory_request} is less than 1Mi",
            fix="raise the request or the target",
        )
    return mebibytes


def scales_to_zero(metric: AutoscalingMetric, mode: DeploymentMode) -> bool:
    """Whether a version can have no replica at all: SERVERLESS on concurrency or rps."""
    return mode is DeploymentMode.SERVERLESS and metric in METRICS_THAT_WAKE


def _number(value: object) -> object:
    with as_validation_error():
        if isinstance(value, bool | str):
            raise CaramlError(f"{in_words(value)} is not a number", allowed="a number, without quotes")
    return value


def _between(low: int, high: int, unit: str) -> AfterValidator:
    """Hold a setting to a range of Knative's (serving v0.42, pkg/apis/autoscaling)."""

    def in_range(value: float) -> float:
        if not low <= value <= high:
            raise CaramlError(f"{value:.12g} is out of range", allowed=f"from {low} to {high} {unit}")
        return value

    return rule(in_range)


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
"""A property that is a number, and neither a text nor a boolean."""


class AutoscalingSpec(Spec):
    """An autoscaling policy; a setting that is left out is the cluster's."""

    metric: AutoscalingMetric
    """What to scale on."""
    target: Number
    """Per replica: percent of the request for cpu and memory, requests in flight, or requests per second."""
    window_seconds: Annotated[WholeNumber, _between(6, 3600, "seconds")] | None = None
    """Over how long the metric is averaged; of a HorizontalPodAutoscaler, how long it waits with either direction."""
    panic_window_percentage: Annotated[Number, _between(1, 100, "percent")] | None = None
    """The part of the window over which a burst is measured."""
    panic_threshold_percentage: Annotated[Number, _between(110, 1000, "percent")] | None = None
    """The part of the target that is a burst: replicas are then only added, at once."""
    target_utilization_percentage: Annotated[Number, _between(1, 100, "percent")] | None = None
    """The part of the target at which replicas are added already."""
    scale_down_delay_seconds: Annotated[WholeNumber, _between(0, 3600, "seconds")] | None = None
    """How long load must stay lower before replicas are removed."""
    scale_to_zero_retention_seconds: Annotated[WholeNumber, _between(0, 3600, "seconds")] | None = None
    """How long the last replica stays at least after the decision to scale to zero."""
    activation_scale: Annotated[WholeNumber, _between(2, MOST_REPLICAS, "replicas")] | None = None
    """How many replicas a version has at least when it has any."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "AutoscalingSpec":
        with as_validation_error("target"):
            autoscaling_target_in_range(self.metric, self.target)
        with as_validation_error():
            autoscaling_settings_are_followed(
                self, (mode for mode, metrics in METRICS_OF_MODE.items() if self.metric in metrics)
            )
        return self


DEFAULTS: Final = {
    DeploymentMode.SERVERLESS: AutoscalingSpec(metric=AutoscalingMetric.CONCURRENCY, target=1),
    DeploymentMode.RAW_DEPLOYMENT: AutoscalingSpec(metric=AutoscalingMetric.CPU_UTILIZATION, target=50),
}
"""What a version without a policy is scaled on, as in Merlin."""
