"""A version is scaled on a metric that its deployment mode can scale on (seed: Deploying a Model Version).

RAW_DEPLOYMENT scales on CPU only; so does its transformer. A fixed number of replicas scales on nothing. Objects that
no component made are held to the same rule: a HorizontalPodAutoscaler with a version's labels, and the annotations of a
Knative Service, of which Knative admits some that never scale.
"""

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from caraml_pulumi.model.autoscaling import (
    CLASS_ANNOTATION,
    KNATIVE_METRICS,
    METRIC_ANNOTATION,
    AutoscalingMetric,
    autoscaling_class_measures_metric,
    autoscaling_metric_allowed_in_mode,
)
from caraml_pulumi.model.modes import DeploymentMode
from policies.reading import (
    HORIZONTAL_POD_AUTOSCALER,
    KNATIVE_SERVICE,
    LABEL_PREFIX,
    LABEL_PREFIX_SCHEMA,
    MODEL_VERSION,
    Properties,
    at,
    broken,
    version_of_object,
)

_METRICS_BY_RESOURCE = {name: metric for metric, name in KNATIVE_METRICS.items()}


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    check = {
        MODEL_VERSION: _hold_version,
        KNATIVE_SERVICE: _hold_knative_service,
        HORIZONTAL_POD_AUTOSCALER: _hold_autoscaler,
    }.get(args.resource_type)
    if check is not None:
        prefix = args.get_config()[LABEL_PREFIX]
        for message in broken(check, args.props, prefix):
            report(message, None)


def _hold_version(props: Properties, _prefix: str) -> None:
    for scaled in (props, at(props, "transformer")):
        if metric := at(scaled, "autoscalingPolicy", "metric"):
            autoscaling_metric_allowed_in_mode(AutoscalingMetric(metric), DeploymentMode(props["deploymentMode"]))


def _hold_knative_service(props: Properties, _prefix: str) -> None:
    annotations = at(props, "spec", "template", "metadata", "annotations")
    class_, metric = at(annotations, CLASS_ANNOTATION), at(annotations, METRIC_ANNOTATION)
    if class_ and metric:
        autoscaling_class_measures_metric(class_, metric)


def _hold_autoscaler(props: Properties, prefix: str) -> None:
    if version_of_object(props, prefix) is None:
        return
    for measured in at(props, "spec", "metrics"):
        resource = at(measured, "resource") or at(measured, "containerResource")
        metric = _METRICS_BY_RESOURCE.get(at(resource, "name"))
        if metric is not None:
            autoscaling_metric_allowed_in_mode(metric, DeploymentMode.RAW_DEPLOYMENT)


policy = ResourceValidationPolicy(
    name="autoscaling-metric-allowed-in-mode",
    description="A version is scaled on a metric that its deployment mode can scale on.",
    validate=_validate,
    enforcement_level=EnforcementLevel.MANDATORY,
    config_schema=PolicyConfigSchema(properties={LABEL_PREFIX: LABEL_PREFIX_SCHEMA}),
)
