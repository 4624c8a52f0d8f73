"""What scales a version: the annotations of a Knative revision, or a HorizontalPodAutoscaler."""

from typing import Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.autoscaling import (
    CLASS_ANNOTATION,
    DOMAIN,
    INITIAL_SCALE_ANNOTATION,
    KNATIVE_CLASSES,
    KNATIVE_METRICS,
    KPA,
    MAX_SCALE_ANNOTATION,
    METRIC_ANNOTATION,
    MIN_SCALE_ANNOTATION,
    AutoscalingSpec,
    knative_target,
)
from caraml_pulumi.model.scaling import Scaling

ANNOTATIONS: Final = {
    "window_seconds": ("window", "s"),
    "panic_window_percentage": ("panic-window-percentage", ""),
    "panic_threshold_percentage": ("panic-threshold-percentage", ""),
    "target_utilization_percentage": ("target-utilization-percentage", ""),
    "scale_down_delay_seconds": ("scale-down-delay", "s"),
    "scale_to_zero_retention_seconds": ("scale-to-zero-pod-retention-period", "s"),
    "activation_scale": ("activation-scale", ""),
}
"""Knative's annotation of each setting of a policy, and the unit it is written with."""


def knative_annotations(scaling: Scaling, memory_request: str) -> dict[str, str]:
    """What Knative's autoscalers read from a revision's template.

    Concurrency is written with two digits after the point, cpu and rps as whole numbers, memory in whole Mi of the
    request, as Merlin writes them. A fixed number of replicas is a range of one number, kept by Knative's own
    autoscaler.
    """
    bounds = {MIN_SCALE_ANNOTATION: str(scaling.min_replica), MAX_SCALE_ANNOTATION: str(scaling.max_replica)}
    if scaling.initial_scale is not None:
        bounds[INITIAL_SCALE_ANNOTATION] = str(scaling.initial_scale)
    policy = scaling.policy
    if policy is None:
        return {CLASS_ANNOTATION: KPA, **bounds}
    return {
        CLASS_ANNOTATION: KNATIVE_CLASSES[policy.metric],
        METRIC_ANNOTATION: KNATIVE_METRICS[policy.metric],
        f"{DOMAIN}/target": knative_target(policy.metric, policy.target, memory_request),
        **bounds,
        **_settings(policy),
    }


def _settings(policy: AutoscalingSpec) -> dict[str, str]:
    return {
        f"{DOMAIN}/{annotation}": f"{value:.12g}{unit}"
        for name, (annotation, unit) in ANNOTATIONS.items()
        if (value := getattr(policy, name)) is not None
    }


def horizontal_pod_autoscaler(metadata: Manifest, deployment_name: str, scaling: Scaling) -> Manifest:
    """The autoscaler of a Deployment: the average CPU utilization in percent of the request.

    Its behavior is left to Kubernetes unless the policy says how long to wait; the window is then for both directions,
    as Knative writes it into its own HorizontalPodAutoscalers, and the delay is for scaling down alone.

    `scaling` must have a policy: a fixed number of replicas is written into the Deployment instead.
    """
    policy = scaling.policy
    if policy is None:
        raise ValueError("a fixed number of replicas has no autoscaler")
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment_name},
            "minReplicas": scaling.min_replica,
            "maxReplicas": scaling.max_replica,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": KNATIVE_METRICS[policy.metric],
                        "target": {"type": "Utilization", "averageUtilization": round(policy.target)},
                    },
                }
            ],
            **_behavior(policy),
        },
    }


def _behavior(policy: AutoscalingSpec) -> Manifest:
    waits = {
        "scaleUp": policy.window_seconds,
        "scaleDown": policy.window_seconds
        if policy.scale_down_delay_seconds is None
        else policy.scale_down_delay_seconds,
    }
    behavior = {
        direction: {"stabilizationWindowSeconds": seconds}
        for direction, seconds in waits.items()
        if seconds is not None
    }
    return {"behavior": behavior} if behavior else {}
