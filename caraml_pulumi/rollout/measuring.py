"""What is asked of Prometheus about a version: the expressions of the model's own alerts, for that version alone."""

from collections.abc import Mapping

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.alerts import DEFAULT_PERCENTILE, AlertMetric
from caraml_pulumi.model.model_metrics import version_queries
from caraml_pulumi.model.monitoring_plan import ModelMonitoringSpec, plan_monitoring
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.version_plan import VersionPlan
from caraml_pulumi.rollout.prometheus import Prometheus
from caraml_pulumi.rollout.verdict import Check, Verdict, checks_of, judge, unreachable


def expressions(
    release: ReleaseSpec,
    version: VersionPlan,
    platform: PlatformSpec,
    *,
    max_error_rate: float | None = None,
    max_latency: float | None = None,
) -> dict[Check, str]:
    """The checks of `version`, and the PromQL of each; the limits as `checks_of` has them. Raises `CaramlError`."""
    settings = release.endpoint.monitoring.given() if release.endpoint else {}
    identity = {"model": release.model, "project": release.project, "protocol": version.protocol}
    spec = ModelMonitoringSpec.model_validate({**settings, **identity, "versions": [{"version": version.version}]})
    plan = plan_monitoring(spec, platform, [version])
    asked = {}
    for check in checks_of(plan.alerts, max_error_rate=max_error_rate, max_latency=max_latency):
        percentile = check.percentile or DEFAULT_PERCENTILE
        queries = version_queries(plan.versions[0], plan.telemetry, percentile=percentile)
        asked[check] = queries.error_rate if check.metric is AlertMetric.ERROR_RATE else queries.latency
    return asked


def measure(prometheus: Prometheus, asked: Mapping[Check, str]) -> Verdict:
    """What Prometheus says of the version now; a Prometheus that does not answer is a verdict as well."""
    try:
        return judge({check: prometheus.value(expression) for check, expression in asked.items()})
    except CaramlError as error:
        return unreachable(error)
