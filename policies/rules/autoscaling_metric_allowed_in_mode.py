"""A version is scaled on a metric that its deployment mode can scale on (seed: Deploying a Model Version).

RAW_DEPLOYMENT scales on CPU only; so does its transformer. A fixed number of replicas scales on nothing. Objects that
no component made are held to the same rule: a HorizontalPodAutoscaler with a version's labels, and the annotations of a
Knative Service, of which Knative admits some that never scale.

    # refused
    deploymentMode: RAW_DEPLOYMENT
    autoscalingPolicy: {metric: rps, target: 20}
    # passes
    deploymentMode: SERVERLESS
    autoscalingPolicy: {metric: rps, target: 20}
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.autoscaling import (
    CLASS_ANNOTATION,
    KNATIVE_METRICS,
    METRIC_ANNOTATION,
    AutoscalingMetric,
    autoscaling_class_measures_metric,
    autoscaling_metric_allowed_in_mode,
)
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.spec import within
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.pods import pods
from policies.reading import HORIZONTAL_POD_AUTOSCALER, MODEL_VERSION, at, broken, version_of_object
from policies.resource import Resource
from policies.rule import resource_rule
from policies.workloads import KNATIVE_TYPES, workloads

_METRICS_BY_RESOURCE = {name: metric for metric, name in KNATIVE_METRICS.items()}


def _of_version(version: Resource) -> Iterator[CaramlError]:
    for path, props in workloads(version):
        if metric := at(props, "autoscalingPolicy", "metric"):
            place = within(*path, "autoscalingPolicy", "metric")
            mode = DeploymentMode(version.props["deploymentMode"])
            yield from broken(place(autoscaling_metric_allowed_in_mode), AutoscalingMetric(metric), mode)


def _of_knative(service: Resource) -> Iterator[CaramlError]:
    found = pods(service)
    class_, metric = at(found.annotations, CLASS_ANNOTATION), at(found.annotations, METRIC_ANNOTATION)
    if class_ and metric:
        place = within(*found.path, "metadata", "annotations", METRIC_ANNOTATION)
        yield from broken(place(autoscaling_class_measures_metric), class_, metric)


def _of_autoscaler(autoscaler: Resource) -> Iterator[CaramlError]:
    if version_of_object(autoscaler.props, label_prefix(autoscaler.settings)) is None:
        return
    for index, measured in enumerate(at(autoscaler.props, "spec", "metrics")):
        resource = at(measured, "resource") or at(measured, "containerResource")
        metric = _METRICS_BY_RESOURCE.get(resource.get("name"))
        if metric is not None:
            place = within("spec", "metrics", index)
            yield from broken(place(autoscaling_metric_allowed_in_mode), metric, DeploymentMode.RAW_DEPLOYMENT)


policy = resource_rule(
    "autoscaling-metric-allowed-in-mode",
    "A version is scaled on a metric that its deployment mode can scale on.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("autoscaling",),
    steps="Scale on a metric of the mode, or deploy in a mode that can scale on it.",
    settings={LABEL_PREFIX: LABEL_PREFIX_SCHEMA},
    judges={
        MODEL_VERSION: _of_version,
        HORIZONTAL_POD_AUTOSCALER: _of_autoscaler,
        **dict.fromkeys(KNATIVE_TYPES, _of_knative),
    },
)
