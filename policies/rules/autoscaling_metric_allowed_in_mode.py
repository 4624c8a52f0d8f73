"""A version is scaled on a metric that its deployment mode can scale on (seed: Deploying a Model Version).

RAW_DEPLOYMENT scales on CPU only; so does its transformer. A fixed number of replicas scales on nothing. Objects that
no component made are held to the same rule: a HorizontalPodAutoscaler with a version's labels, and the annotations of a
Knative Service, of which Knative admits some that never scale.
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
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.reading import (
    HORIZONTAL_POD_AUTOSCALER,
    KNATIVE_SERVICE,
    MODEL_VERSION,
    at,
    broken,
    version_of_object,
)
from policies.rule import Resource, resource_rule

_METRICS_BY_RESOURCE = {name: metric for metric, name in KNATIVE_METRICS.items()}


def _of_version(version: Resource) -> Iterator[CaramlError]:
    for scaled in (version.props, at(version.props, "transformer")):
        if metric := at(scaled, "autoscalingPolicy", "metric"):
            mode = DeploymentMode(version.props["deploymentMode"])
            yield from broken(autoscaling_metric_allowed_in_mode, AutoscalingMetric(metric), mode)


def _of_knative_service(service: Resource) -> Iterator[CaramlError]:
    annotations = at(service.props, "spec", "template", "metadata", "annotations")
    class_, metric = at(annotations, CLASS_ANNOTATION), at(annotations, METRIC_ANNOTATION)
    if class_ and metric:
        yield from broken(autoscaling_class_measures_metric, class_, metric)


def _of_autoscaler(autoscaler: Resource) -> Iterator[CaramlError]:
    if version_of_object(autoscaler.props, label_prefix(autoscaler.settings)) is None:
        return
    for measured in at(autoscaler.props, "spec", "metrics"):
        resource = at(measured, "resource") or at(measured, "containerResource")
        metric = _METRICS_BY_RESOURCE.get(at(resource, "name"))
        if metric is not None:
            yield from broken(autoscaling_metric_allowed_in_mode, metric, DeploymentMode.RAW_DEPLOYMENT)


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
        KNATIVE_SERVICE: _of_knative_service,
        HORIZONTAL_POD_AUTOSCALER: _of_autoscaler,
    },
)
