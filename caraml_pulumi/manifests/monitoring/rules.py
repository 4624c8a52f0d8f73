"""The PrometheusRule of a model: Merlin's alerts, what is recorded of each version, and alerts on the objective."""

from typing import Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.alerts import AlertMetric, AlertSeverity, AlertSpec
from caraml_pulumi.model.model_metrics import (
    METRICS,
    REPLICAS,
    VERSION_LABEL,
    WEIGHT,
    failures_per_second,
    requests_per_second,
)
from caraml_pulumi.model.monitoring_plan import MonitoringPlan
from caraml_pulumi.model.objective import WINDOWS, BurnRate, Objective, burn_rates
from caraml_pulumi.model.promql import matchers
from caraml_pulumi.model.watched import WatchedVersion

FOR: Final = "5m"
"""How long a value must be beyond its target before an alert fires (Merlin)."""
QUANTILES: Final = (50, 95, 99)
"""The percentiles of latency that are recorded, under the label `quantile`."""
REQUESTS: Final = "caraml_model_version:requests:rate5m"
FAILURES: Final = "caraml_model_version:request_failures:rate5m"
FAILURE_RATIO: Final = "caraml_model:request_failures:ratio_rate"
"""The part of the requests that fail; behind it the time that is looked over."""


def prometheus_rule(plan: MonitoringPlan) -> Manifest:
    """The PrometheusRule of a model.

    The groups are independent of each other but for the alerts on the objective, which need what is recorded.
    """
    groups = [
        {"name": plan.service, "rules": [_alert(plan, alert) for alert in plan.alerts]},
        {
            "name": f"{plan.service}_versions",
            "rules": [rule for version in plan.versions for rule in _recorded(plan, version)],
        },
    ]
    if plan.objective:
        groups.append({"name": f"{plan.service}_objective", "rules": _objective(plan, plan.objective)})
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": plan.model,
            "namespace": plan.project,
            "labels": {**plan.platform.rule_labels, **plan.labels},
        },
        "spec": {"groups": [group for group in groups if group["rules"]]},
    }


def _alert(plan: MonitoringPlan, alert: AlertSpec) -> Manifest:
    metric, target, percentile = METRICS[alert.metric], alert.target or 0, alert.percentile or 0
    low = alert.metric is AlertMetric.THROUGHPUT
    measured = metric.of(plan.versions, plan.telemetry, percentile=percentile)
    before = f"{percentile:.2f}p " if alert.percentile else ""
    return {
        "alert": f"[merlin] {plan.model}: {before}{metric.title} {alert.severity}",
        "expr": f"({measured}) {'<' if low else '>'} {target:.12g}",
        "for": FOR,
        "labels": _alert_labels(plan, alert.severity),
        "annotations": _annotations(plan, _summary(plan, alert, target, percentile)),
    }


def _summary(plan: MonitoringPlan, alert: AlertSpec, target: float, percentile: float) -> str:
    """Merlin's words; its throughput is called requests per minute there, but is per second."""
    of, current = f"{plan.model} model in {plan.environment}", "Current value is {{ $value }}"
    if alert.metric is AlertMetric.LATENCY:
        version = f"({{{{ $labels.{VERSION_LABEL} }}}})"
        return (
            f"{percentile:.2f}p latency of {plan.model} model {version} in {plan.environment} "
            f"is higher than {target:.2f} ms. {current} ms."
        )
    if alert.metric is AlertMetric.THROUGHPUT:
        return f"Throughput (requests per second) of {of} is less than {target:.2f}. {current}."
    names = {AlertMetric.ERROR_RATE: "Error rate", AlertMetric.CPU: "CPU usage", AlertMetric.MEMORY: "Memory usage"}
    return f"{names[alert.metric]} of {of} is higher than {target:.2f}%. {current}%."


def _alert_labels(plan: MonitoringPlan, severity: AlertSeverity) -> dict[str, str]:
    return {"owner": plan.owner, "service_name": plan.service, "severity": severity.value}


def _annotations(plan: MonitoringPlan, summary: str) -> dict[str, str]:
    links = {"playbook": plan.playbook_url, "dashboard": plan.monitoring_url()}
    return {"summary": summary, **{name: url for name, url in links.items() if url}}


def _identity(plan: MonitoringPlan) -> dict[str, str]:
    cluster = {"cluster_name": plan.telemetry.cluster_name} if plan.telemetry.cluster_name else {}
    return {**cluster, "environment": plan.environment, "project": plan.project, "model": plan.model}


def _recorded(plan: MonitoringPlan, version: WatchedVersion) -> list[Manifest]:
    """What dashboards show and the objective adds up, of one version."""
    one, on = [version], plan.telemetry

    def record(name: str, expression: str, **more: str) -> Manifest:
        return {
            "record": name,
            "expr": expression,
            "labels": {**_identity(plan), VERSION_LABEL: version.full_name, **more},
        }

    rules = [
        record(metric.record, metric.of(one, on)) for kind, metric in METRICS.items() if kind is not AlertMetric.LATENCY
    ]
    latency = METRICS[AlertMetric.LATENCY]
    rules += [
        record(latency.record, latency.of(one, on, percentile=quantile), quantile=f"{quantile / 100:g}")
        for quantile in QUANTILES
    ]
    rules.append(record(REPLICAS.record, REPLICAS.of(one, on)))
    if version.weight is not None:
        rules.append(record(WEIGHT.record, WEIGHT.of(one, on)))
    if plan.objective:
        rules += [
            record(REQUESTS, requests_per_second(one, on, "5m")),
            record(FAILURES, failures_per_second(one, on, "5m")),
        ]
    return rules


def _objective(plan: MonitoringPlan, objective: Objective) -> list[Manifest]:
    """The part of failing requests over each time, and the alerts on it.

    It is taken of what was recorded, of all versions that there ever were, so that a new version begins with the errors
    of the old ones, and no rule reads days of raw samples.
    """
    chosen = f"{{{','.join(matchers(_identity(plan)))}}}"
    rules: list[Manifest] = []
    for window in WINDOWS:
        failed, all_ = (
            f"sum({name}{chosen})" if window == "5m" else f"sum(sum_over_time({name}{chosen}[{window}]))"
            for name in (FAILURES, REQUESTS)
        )
        rules.append({"record": f"{FAILURE_RATIO}{window}", "expr": f"{failed} / {all_}", "labels": _identity(plan)})
    return [*rules, *(_burn_alert(plan, objective, burn, chosen) for burn in burn_rates(objective))]


def _burn_alert(plan: MonitoringPlan, objective: Objective, burn: BurnRate, chosen: str) -> Manifest:
    long, short = (f"{FAILURE_RATIO}{window}{chosen} > {burn.threshold:.12g}" for window in (burn.long, burn.short))
    summary = (
        f"Errors of {plan.model} model in {plan.environment} over {burn.long} use up what {objective.availability:g}% "
        f"availability over {objective.window_days} days allows {burn.factor:g} times too fast. "
        "Current error rate is {{ $value | humanizePercentage }}."
    )
    return {
        "alert": f"[merlin] {plan.model}: Error Budget {burn.long} {burn.severity}",
        "expr": f"{long} and {short}",
        "labels": _alert_labels(plan, burn.severity),
        "annotations": _annotations(plan, summary),
    }
