"""What may scale to zero replicas is woken by the next request.

Only Knative's own autoscaler sees requests that no replica answers: it is in their path then. Kubernetes' autoscaler
sees what replicas use, and of none there is nothing to see. So a minimum of 0 needs SERVERLESS on concurrency or rps
(Merlin's documentation; its code checks nothing).

Judged are a version and its transformer, and what goes around them: a HorizontalPodAutoscaler with `minReplicas: 0` and
no metric of type Object or External, and a Knative Service that says min-scale 0 though its class is Kubernetes'
autoscaler, or that starts with none (initial-scale 0).

    # refused
    deploymentMode: RAW_DEPLOYMENT
    resourceRequest: {minReplica: 0}
    # passes
    deploymentMode: SERVERLESS
    autoscalingPolicy: {metric: concurrency, target: 1}
    resourceRequest: {minReplica: 0}
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.autoscaling import (
    CLASS_ANNOTATION,
    INITIAL_SCALE_ANNOTATION,
    MIN_SCALE_ANNOTATION,
    AutoscalingMetric,
)
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.scaling import zero_of_autoscaler_can_wake, zero_of_class_can_wake, zero_replicas_can_wake
from caraml_pulumi.model.spec import within
from policies.pods import pods
from policies.reading import HORIZONTAL_POD_AUTOSCALER, MODEL_VERSION, at, broken
from policies.resource import Resource
from policies.rule import resource_rule
from policies.workloads import KNATIVE_TYPES, workloads


def _of_version(version: Resource) -> Iterator[CaramlError]:
    for workload in workloads(version):
        metric = at(workload.props, "autoscalingPolicy", "metric")
        if metric and at(workload.props, "resourceRequest", "minReplica") == 0:
            yield from broken(
                within(*workload.path, "resourceRequest", "minReplica")(zero_replicas_can_wake),
                AutoscalingMetric(metric),
                DeploymentMode(version.props["deploymentMode"]),
            )


def _of_knative(service: Resource) -> Iterator[CaramlError]:
    found = pods(service)
    for annotation in (MIN_SCALE_ANNOTATION, INITIAL_SCALE_ANNOTATION):
        if found.annotations.get(annotation) == "0":
            yield from broken(
                within(*found.path, "metadata", "annotations", annotation)(zero_of_class_can_wake),
                annotation,
                str(at(found.annotations, CLASS_ANNOTATION)),
            )


def _of_autoscaler(autoscaler: Resource) -> Iterator[CaramlError]:
    spec = at(autoscaler.props, "spec")
    if spec.get("minReplicas") == 0:
        types = [str(at(metric, "type")) for metric in at(spec, "metrics")]
        yield from broken(within("spec", "minReplicas")(zero_of_autoscaler_can_wake), types)


policy = resource_rule(
    "scale-to-zero-can-wake",
    "What may scale to zero replicas is woken by the next request.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("autoscaling",),
    steps="Set the minimum to 1, or deploy as SERVERLESS on concurrency or rps.",
    judges={
        MODEL_VERSION: _of_version,
        HORIZONTAL_POD_AUTOSCALER: _of_autoscaler,
        **dict.fromkeys(KNATIVE_TYPES, _of_knative),
    },
)
