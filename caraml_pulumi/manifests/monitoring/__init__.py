"""What watches a model: rules, PodMonitors and a dashboard."""

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.monitoring.dashboard import dashboard_config_map
from caraml_pulumi.manifests.monitoring.pod_monitors import pod_monitors
from caraml_pulumi.manifests.monitoring.rules import prometheus_rule
from caraml_pulumi.model.monitoring_plan import MonitoringPlan


def monitoring_objects(plan: MonitoringPlan) -> list[Manifest]:
    """All objects that watch a model; none if it is not watched."""
    if not plan.enabled:
        return []
    dashboards = [dashboard_config_map(plan)] if plan.dashboard else []
    return [prometheus_rule(plan), *pod_monitors(plan), *dashboards]
