"""The Grafana dashboard of a model, in a ConfigMap that Grafana's sidecar finds by its labels.

It shows what the rules record, of the same metrics that the alerts watch, with their targets as lines.
"""

import json
from typing import Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.monitoring.rules import QUANTILES
from caraml_pulumi.model.alerts import AlertMetric, AlertSeverity
from caraml_pulumi.model.model_metrics import METRICS, REPLICAS, VERSION_LABEL, WEIGHT, ModelMetric
from caraml_pulumi.model.monitoring_plan import MonitoringPlan
from caraml_pulumi.model.promql import quoted

SCHEMA_VERSION: Final = 39
"""Grafana 10.4's; later ones read it and convert it."""
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
COLORS: Final = {AlertSeverity.WARNING: "orange", AlertSeverity.CRITICAL: "red"}
_HEIGHT: Final = 8
_LEGEND: Final = f"{{{{{VERSION_LABEL}}}}}"


def dashboard_config_map(plan: MonitoringPlan) -> Manifest:
    """The ConfigMap with the dashboard; the file's name is the only one of its kind in Grafana's folder."""
    text = json.dumps(dashboard(plan), indent=2, sort_keys=True) + "\n"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"{plan.model}-dashboard",
            "namespace": plan.project,
            "labels": {**plan.platform.dashboard_labels, **plan.labels},
        },
        "data": {f"{plan.service}.json": text},
    }


def dashboard(plan: MonitoringPlan) -> Manifest:
    """The dashboard, as Grafana's JSON model has it."""
    throughput, latency, errors, cpu, memory = (METRICS[kind] for kind in AlertMetric)
    chosen = _chosen(plan)
    quantiles = [
        (f'{latency.record}{{{chosen},quantile="{quantile / 100:g}"}}', f"{_LEGEND} p{quantile}")
        for quantile in QUANTILES
    ]
    shares = [(f"{WEIGHT.record}{{{chosen}}}", f"{_LEGEND} weight"), (_share(plan, throughput), f"{_LEGEND} requests")]
    panels = [
        _panel(plan, "Throughput", throughput, AlertMetric.THROUGHPUT, (0, 0, 12)),
        _panel(plan, "Error rate", errors, AlertMetric.ERROR_RATE, (12, 0, 12)),
        _panel(plan, "Latency", latency, AlertMetric.LATENCY, (0, 1, 12), quantiles),
        _panel(plan, "Weights and shares of requests", WEIGHT, None, (12, 1, 12), shares),
        _panel(plan, "CPU, of the request", cpu, AlertMetric.CPU, (0, 2, 8)),
        _panel(plan, "Memory, of the request", memory, AlertMetric.MEMORY, (8, 2, 8)),
        _panel(plan, "Replicas", REPLICAS, None, (16, 2, 8)),
    ]
    return {
        "uid": plan.dashboard_uid,
        "title": f"{plan.model} in {plan.project} ({plan.environment})",
        "description": "Written by caraml-pulumi: changes made here are lost.",
        "tags": ["caraml", plan.project, plan.model],
        "editable": False,
        "schemaVersion": SCHEMA_VERSION,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": _variables(plan)},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, start=1)],
    }


def _model(plan: MonitoringPlan) -> str:
    """The matchers of the model that the variables choose; without a cluster's name any will do, also none."""
    return f'cluster_name=~"$cluster",environment={quoted(plan.environment)},project="$project",model="$model"'


def _chosen(plan: MonitoringPlan) -> str:
    """The matchers of the versions that the variables choose."""
    return f'{_model(plan)},{VERSION_LABEL}=~"$model_version"'


def _share(plan: MonitoringPlan, requests: ModelMetric) -> str:
    """Which part of the model's requests each of the chosen versions gets, in percent."""
    all_ = f"sum without ({VERSION_LABEL}) ({requests.record}{{{_model(plan)}}})"
    return f"100 * {requests.record}{{{_chosen(plan)}}} / ignoring({VERSION_LABEL}) group_left {all_}"


def _panel(
    plan: MonitoringPlan,
    title: str,
    metric: ModelMetric,
    kind: AlertMetric | None,
    place: tuple[int, int, int],
    queries: list[tuple[str, str]] | None = None,
) -> Manifest:
    """A panel of `metric` at a column and row, so many columns wide; a line for each version, unless told otherwise."""
    column, row, width = place
    targets = queries or [(f"{metric.record}{{{_chosen(plan)}}}", _LEGEND)]
    return {
        "type": "timeseries",
        "title": title,
        "datasource": DATASOURCE,
        "gridPos": {"x": column, "y": row * _HEIGHT, "w": width, "h": _HEIGHT},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": expression, "legendFormat": legend}
            for index, (expression, legend) in enumerate(targets)
        ],
        "fieldConfig": {
            "defaults": {
                "unit": metric.unit,
                "min": 0,
                "custom": {"thresholdsStyle": {"mode": "dashed"}},
                "thresholds": {"mode": "absolute", "steps": _steps(plan, kind)},
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _steps(plan: MonitoringPlan, kind: AlertMetric | None) -> list[Manifest]:
    """The targets of the alerts, as lines; of throughput none, since it alerts below."""
    alerts = [alert for alert in plan.alerts if alert.metric is kind and kind is not AlertMetric.THROUGHPUT]
    lines = sorted((alert.target or 0, COLORS[alert.severity]) for alert in alerts)
    return [{"color": "green", "value": None}, *({"color": color, "value": value} for value, color in lines)]


def _variables(plan: MonitoringPlan) -> list[Manifest]:
    """Merlin's variables, and the data source; versions are those that were ever recorded."""
    identity = f"environment={quoted(plan.environment)},project={quoted(plan.project)},model={quoted(plan.model)}"
    versions = f"label_values({REPLICAS.record}{{{identity}}}, {VERSION_LABEL})"
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        _fixed("cluster", "Cluster", plan.telemetry.cluster_name or ".*"),
        _fixed("project", "Project", plan.project),
        _fixed("model", "Model", plan.model),
        {
            "name": VERSION_LABEL,
            "label": "Version",
            "type": "query",
            "datasource": DATASOURCE,
            "query": {"query": versions, "refId": "versions"},
            "refresh": 2,
            "sort": 3,
            "multi": True,
            "includeAll": True,
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _fixed(name: str, label: str, value: str) -> Manifest:
    """A variable with one value, which addresses may name all the same."""
    option = {"text": value, "value": value, "selected": True}
    return {"name": name, "label": label, "type": "custom", "query": value, "current": option, "options": [option]}
