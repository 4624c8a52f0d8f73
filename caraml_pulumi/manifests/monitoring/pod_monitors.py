"""PodMonitors: where Prometheus finds the metrics of a version's replicas.

Pods are scraped and not Services: every replica is to be seen, and the Services of Knative lead to any that is free.
"""

from typing import Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.container import GRPC, HTTP1, METRICS
from caraml_pulumi.model.labels import selector
from caraml_pulumi.model.metrics import METRICS_PATH
from caraml_pulumi.model.model_metrics import VERSION_LABEL
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.monitoring_plan import MonitoringPlan
from caraml_pulumi.model.watched import Scraped, WatchedVersion

USER_PORT: Final = "user-port"
"""Knative's name of the port of the model's container."""
QUEUE_PROXY_PORT: Final = "http-usermetric"
"""Knative's name of the port where its queue-proxy tells of requests."""


def pod_monitors(plan: MonitoringPlan) -> list[Manifest]:
    """The PodMonitor of each workload that has metrics, its own or those of Knative's queue-proxy."""
    if not plan.platform.pod_monitors:
        return []
    found = [_pod_monitor(plan, version, component) for version in plan.versions for component in version.components]
    return [monitor for monitor in found if monitor["spec"]["podMetricsEndpoints"]]


def _pod_monitor(plan: MonitoringPlan, version: WatchedVersion, component: str) -> Manifest:
    scraped, serverless = version.scraped.get(component), version.mode is DeploymentMode.SERVERLESS
    ports = [{"port": _port_name(version, scraped), "path": scraped.path}] if scraped else []
    if serverless and plan.platform.queue_proxy:
        ports.append({"port": QUEUE_PROXY_PORT, "path": METRICS_PATH})
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {
            "name": version.workload(component),
            "namespace": plan.project,
            "labels": {**plan.platform.rule_labels, **plan.labels},
        },
        "spec": {
            "selector": {"matchLabels": selector(version.object_name, component)},
            "podMetricsEndpoints": [port | _scraping(plan, version) for port in ports],
        },
    }


def _scraping(plan: MonitoringPlan, version: WatchedVersion) -> Manifest:
    """How often a port is scraped, and the labels that its series get besides those of the pod."""
    added = {"cluster_name": plan.telemetry.cluster_name, VERSION_LABEL: version.full_name}
    return {
        "interval": f"{plan.platform.scrape_interval_seconds}s",
        "relabelings": [{"targetLabel": name, "replacement": value} for name, value in added.items() if value],
    }


def _port_name(version: WatchedVersion, scraped: Scraped) -> str:
    """The name that the pods have for the port: not every reader of PodMonitors takes its number."""
    if version.mode is DeploymentMode.SERVERLESS:
        return USER_PORT
    if scraped.shared is None:
        return METRICS
    return GRPC if scraped.shared is Protocol.UPI_V1 else HTTP1
