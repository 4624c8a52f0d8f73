"""How many replicas a version has: a fixed number, or a range that an autoscaler moves in."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pydantic.alias_generators import to_camel

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import autoscaling
from caraml_pulumi.model.autoscaling import AutoscalingMetric, AutoscalingSpec
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.resources import ResourceRequest
from caraml_pulumi.model.spec import Spec, within

MAX_ALLOWED: Final = "maxAllowedReplica"
"""The platform's setting for the most replicas."""


class ScalingSettings(Spec):
    """How something is scaled; the range of replicas is in its `resource_request`."""

    replicas: WholeNumber | None = None
    """A fixed number of replicas, without an autoscaler. Default: the range of `resource_request`."""
    autoscaling_policy: AutoscalingSpec | None = None
    """On what it is scaled. Default: the platform's `defaultAutoscaling`: concurrency 1 (SERVERLESS), 50 % of the CPU
    request (RAW_DEPLOYMENT)."""
    initial_scale: WholeNumber | None = None
    """Replicas that a SERVERLESS revision starts with, and must have had to be ready. Default: the cluster's, 1."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """How something is scaled, decided."""

    min_replica: int
    max_replica: int
    policy: AutoscalingSpec | None
    """On what it is scaled; none: the number of replicas is fixed, and the bounds are equal."""
    initial_scale: int | None = None
    """Replicas that a revision starts with; none: the cluster's default."""


def plan_scaling(
    settings: ScalingSettings,
    asked: ResourceRequest,
    defaults: ResourceRequest,
    *,
    mode: DeploymentMode,
    ceiling: int | None,
    memory_request: str,
    zero_initial_scale: bool = False,
    default_policy: AutoscalingSpec | None = None,
) -> Scaling:
    """Decide how something is scaled.

    Args:
        settings: what was asked for.
        asked: the range of replicas that was asked for.
        defaults: the environment's range; it is bent to what is asked and to what the mode allows.
        mode: the deployment mode.
        ceiling: most replicas in the environment; none: no ceiling.
        memory_request: what a target for memory is a share of.
        zero_initial_scale: whether the cluster lets revisions start without a replica (`allow-zero-initial-scale`).
        default_policy: on what is scaled what does not say itself; none: what Merlin does.

    Raises:
        CaramlError: the first rule that is broken, with the property's path from the owner of `settings`, which is also
            that of `resource_request`.
    """
    if settings.replicas is not None:
        return _fixed(settings.replicas, settings, asked, ceiling)
    policy = settings.autoscaling_policy or default_policy or autoscaling.DEFAULTS[mode]
    with within("autoscaling_policy"):
        with within("metric"):
            autoscaling.autoscaling_metric_allowed_in_mode(policy.metric, mode)
        autoscaling.autoscaling_settings_are_followed(policy, (mode,))
        with within("target"):
            autoscaling.knative_target(policy.metric, policy.target, memory_request)
    with within("resource_request"):
        minimum, maximum = _range(asked, defaults, scales_to_zero=autoscaling.scales_to_zero(policy.metric, mode))
        replicas_in_range(minimum, maximum, metric=policy.metric, mode=mode, ceiling=ceiling)
    if policy.activation_scale is not None:
        with within("autoscaling_policy", "activation_scale"):
            activation_scale_within_range(policy.activation_scale, minimum, maximum)
    if settings.initial_scale is not None:
        with within("initial_scale"):
            initial_scale_in_range(
                settings.initial_scale, maximum, metric=policy.metric, mode=mode, zero_allowed=zero_initial_scale
            )
    return Scaling(minimum, maximum, policy, settings.initial_scale)


def _fixed(replicas: int, settings: ScalingSettings, asked: ResourceRequest, ceiling: int | None) -> Scaling:
    """A fixed number of replicas; whatever scales contradicts it."""
    scaled_by = {
        "autoscaling_policy": settings.autoscaling_policy,
        "initial_scale": settings.initial_scale,
        "resource_request.min_replica": asked.min_replica,
        "resource_request.max_replica": asked.max_replica,
    }
    contrary = [".".join(map(to_camel, name.split("."))) for name, value in scaled_by.items() if value is not None]
    with within("replicas"):
        if contrary:
            raise CaramlError(
                f"replicas {replicas} is a fixed number, which contradicts {' and '.join(contrary)}",
                fix=f"leave out replicas, or {' and '.join(contrary)}",
            )
        if replicas < 1:
            raise CaramlError(f"replicas cannot be {replicas}", allowed="at least 1")
        replicas_within_ceiling("replicas", replicas, ceiling)
    return Scaling(replicas, replicas, None)


def _range(asked: ResourceRequest, defaults: ResourceRequest, *, scales_to_zero: bool) -> tuple[int, int]:
    """The bounds asked for; the environment's are bent to these and to what can wake up."""
    default_min = max(defaults.min_replica or 0, 0 if scales_to_zero else 1)
    default_max = max(defaults.max_replica or 1, asked.min_replica or 0)
    maximum = default_max if asked.max_replica is None else asked.max_replica
    minimum = min(default_min, maximum) if asked.min_replica is None else asked.min_replica
    return minimum, maximum


def replicas_in_range(
    minimum: int, maximum: int, *, metric: AutoscalingMetric, mode: DeploymentMode, ceiling: int | None
) -> None:
    """Refuse replica bounds that contradict each other, the mode or the platform's ceiling."""
    replica_bounds_agree(minimum, maximum)
    replicas_within_ceiling("maxReplica", maximum, ceiling)
    if minimum == 0:
        zero_replicas_can_wake(metric, mode)


def replica_bounds_agree(minimum: int, maximum: int) -> None:
    """Refuse a range of replicas that is none: the minimum is at most the maximum, the maximum at least 1 (Merlin)."""
    if minimum < 0 or maximum < 1:
        raise CaramlError(f"replicas cannot be from {minimum} to {maximum}", allowed="minReplica >= 0, maxReplica >= 1")
    if minimum > maximum:
        raise CaramlError(f"minReplica {minimum} is more than maxReplica {maximum}", allowed="minReplica <= maxReplica")


def zero_replicas_can_wake(metric: AutoscalingMetric, mode: DeploymentMode) -> None:
    """Refuse a minimum of 0 replicas where no request wakes the version up.

    Only Knative's own autoscaler sees requests that no replica answers; Kubernetes' sees what replicas use (Merlin's
    documentation: RPS and concurrency only; its code checks nothing).
    """
    if not autoscaling.scales_to_zero(metric, mode):
        raise CaramlError(
            f"minReplica 0 would never wake up: {mode.value} scales on {metric.value}",
            allowed="at least 1, or SERVERLESS on concurrency or rps",
            fix="set minReplica to 1",
        )


def zero_of_class_can_wake(annotation: str, class_: str) -> None:
    """Refuse 0 in an annotation about the replicas of a Knative revision that Kubernetes' autoscaler scales.

    It keeps one replica at least, and leaves a revision that starts without any alone.
    """
    if class_ == autoscaling.HPA:
        raise CaramlError(
            f"{annotation} 0 would never wake up: {class_} scales on what replicas use",
            allowed=f"at least 1, or {autoscaling.CLASS_ANNOTATION}: {autoscaling.KPA}",
            fix=f"set {annotation} to 1, or scale on concurrency or rps",
        )


def zero_of_autoscaler_can_wake(metric_types: Iterable[str]) -> None:
    """Refuse a minimum of 0 replicas of a HorizontalPodAutoscaler that measures replicas only.

    `metric_types` are those of its metrics. Kubernetes takes 0 only where one is of what is outside of the pods.
    """
    if not set(metric_types) & {"Object", "External"}:
        raise CaramlError(
            "minReplicas 0 would never wake up: the autoscaler measures nothing but its pods",
            allowed="at least 1, or a metric of type Object or External",
            fix="set minReplicas to 1, or deploy as SERVERLESS on concurrency or rps",
        )


def enough_replicas(name: str, replicas: int, least: int) -> None:
    """Refuse fewer replicas than the environment wants at least. Raises `CaramlError`."""
    if replicas < least:
        raise CaramlError(
            f"{name} {replicas} is less than the environment wants",
            allowed=f"at least {least}",
            fix=f"set {name} to {least}, or more",
        )


def replicas_are_bounded(name: str, ceiling: int | None, setting: str = MAX_ALLOWED) -> None:
    """Refuse replicas without a bound, called `name`, in an environment with a ceiling. Raises `CaramlError`."""
    if ceiling is not None:
        raise CaramlError(
            f"{name} is missing, so that there may be any number of replicas",
            allowed=f"at most {ceiling} ({setting})",
            fix=f"set {name} to {ceiling}, or less",
        )


def replicas_within_ceiling(name: str, replicas: int, ceiling: int | None, setting: str = MAX_ALLOWED) -> None:
    """Refuse more replicas than the environment allows, or than Kubernetes can count. Raises `CaramlError`.

    `setting` is what the ceiling is called.
    """
    if ceiling is not None and replicas > ceiling:
        raise CaramlError(
            f"{name} {replicas} is more than the environment allows",
            allowed=f"at most {ceiling} ({setting})",
            fix=f"lower {name} to {ceiling}, or less",
        )
    if replicas > autoscaling.MOST_REPLICAS:
        raise CaramlError(
            f"{name} {replicas} is more than Kubernetes can count", allowed=f"at most {autoscaling.MOST_REPLICAS}"
        )


def activation_scale_within_range(activation_scale: int, minimum: int, maximum: int) -> None:
    """Refuse an activation scale outside the range of replicas, as Knative does."""
    if not minimum <= activation_scale <= maximum:
        raise CaramlError(
            f"activationScale {activation_scale} is not between minReplica {minimum} and maxReplica {maximum}",
            allowed=f"from {max(minimum, 2)} to {maximum}" if maximum > 1 else "",
            fix="" if maximum > 1 else "raise maxReplica, or leave out activationScale",
        )


def initial_scale_in_range(
    initial_scale: int, maximum: int, *, metric: AutoscalingMetric, mode: DeploymentMode, zero_allowed: bool
) -> None:
    """Refuse an initial scale that could not be: only Knative has one, and it is at most the most replicas.

    Knative refuses 0 unless its `allow-zero-initial-scale` is on (Merlin's redeployment of a version at rest asks for
    it all the same). Kubernetes' autoscaler leaves a Deployment without replicas alone: one that starts with 0 and is
    scaled on cpu or memory would never become ready. Without a check, Knative also starts more replicas than there may
    be.
    """
    if mode is not DeploymentMode.SERVERLESS:
        raise CaramlError(f"initialScale has no effect in {mode.value}", fix="leave it out, and set minReplica instead")
    wakes = autoscaling.scales_to_zero(metric, mode)
    allowed = f"from {0 if zero_allowed and wakes else 1} to maxReplica {maximum}"
    if initial_scale < 0 or initial_scale > maximum:
        raise CaramlError(f"initialScale cannot be {initial_scale}", allowed=allowed)
    if initial_scale == 0 and not wakes:
        raise CaramlError(f"initialScale 0 would never wake up: {mode.value} scales on {metric.value}", allowed=allowed)
    if initial_scale == 0 and not zero_allowed:
        raise CaramlError(
            "initialScale 0 is refused by Knative while its allow-zero-initial-scale is off, as it is by default",
            allowed=allowed,
            fix="if it is on, say so in the platform: knative.allowZeroInitialScale",
        )
