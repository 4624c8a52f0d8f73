"""The objects that watch a model: rules, PodMonitors, and a dashboard that is read with Grafana's own classes."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from syrupy.assertion import SnapshotAssertion

from caraml_pulumi.manifests.monitoring import monitoring_objects
from caraml_pulumi.manifests.monitoring.dashboard import dashboard
from caraml_pulumi.model.monitoring_plan import MonitoringPlan
from tests.unit.model.builders import monitoring, objects, platform, version

RAW = "RAW_DEPLOYMENT"
NAMED: list[dict[str, Any]] = [{}, {"model": "wine"}, {"project": "wine-team"}]
GRAFANA = {"grafanaUrl": "https://grafana.example.com", "clusterName": "id-1"}


def both_modes(**settings: Any) -> MonitoringPlan:
    return monitoring(version(version=1), version(version=2, deploymentMode=RAW), **settings)


def of_kind(plan: MonitoringPlan, kind: str) -> list[Any]:
    return [item for item in monitoring_objects(plan) if item["kind"] == kind]


def groups(plan: MonitoringPlan) -> dict[str, Any]:
    (rule,) = of_kind(plan, "PrometheusRule")
    return {group["name"]: group["rules"] for group in rule["spec"]["groups"]}


def test_what_watches_a_model_is_complete(snapshot: SnapshotAssertion) -> None:
    plan = both_modes(on=platform(monitoring=GRAFANA))
    assert monitoring_objects(plan)[:-1] == snapshot
    assert dashboard(plan) == snapshot


def test_alerts_have_merlins_group_names_labels_and_annotations() -> None:
    rules = groups(both_modes(on=platform(monitoring={**GRAFANA, "playbookUrl": "https://wiki.example.com/models"})))
    alerts = rules["merlin_iris-team_iris_dev"]
    assert {alert["for"] for alert in alerts} == {"5m"}
    critical = next(alert for alert in alerts if alert["alert"] == "[merlin] iris: Error Rate critical")
    assert critical["labels"] == {
        "owner": "fraud",
        "service_name": "merlin_iris-team_iris_dev",
        "severity": "critical",
    }
    assert critical["annotations"].pop("dashboard").endswith("?var-cluster=id-1&var-project=iris-team&var-model=iris")
    assert critical["annotations"] == {
        "summary": "Error rate of iris model in dev is higher than 5.00%. Current value is {{ $value }}%.",
        "playbook": "https://wiki.example.com/models",
    }


def test_revision_metrics_are_asked_of_serverless_versions_alone() -> None:
    for mode, expected in (("SERVERLESS", True), (RAW, False)):
        text = json.dumps(groups(monitoring(version(deploymentMode=mode))))
        assert ("revision_request_count" in text) is expected
        assert ("revision_request_latencies_bucket" in text) is expected


def test_every_metric_is_told_of_the_cluster_where_metrics_have_its_name() -> None:
    plan = both_modes(on=platform(monitoring=GRAFANA))
    for rule in (rule for rules in groups(plan).values() for rule in rules):
        for metric, chosen in re.findall(r"(\w+(?::\w+)*)\{([^}]*\})", rule["expr"]):
            assert 'cluster_name="id-1"' in chosen, metric


def test_a_knative_pod_is_scraped_at_its_server_and_its_queue_proxy() -> None:
    first, second = of_kind(both_modes(), "PodMonitor")
    ports = [[(port["port"], port["path"]) for port in item["spec"]["podMetricsEndpoints"]] for item in (first, second)]
    assert ports == [[("user-port", "/metrics"), ("http-usermetric", "/metrics")], [("http1", "/metrics")]]


@pytest.mark.parametrize(
    ("settings", "scraped"),
    [
        ({"protocol": "SELDON", "deploymentMode": RAW}, [("iris-1", "metrics", 6000, "/prometheus")]),
        ({"protocol": "UPI_V1", "deploymentMode": RAW}, []),
        (
            {"protocol": "UPI_V1", "deploymentMode": RAW, "metrics": {"enabled": True}},
            [("iris-1", "grpc", 9000, "/metrics")],
        ),
        ({"deploymentMode": RAW, "metrics": {"port": 9102, "path": "/stats"}}, [("iris-1", "metrics", 9102, "/stats")]),
        ({"deploymentMode": RAW, "metrics": {"pushgatewayUrl": "http://push.monitoring:9091"}}, []),
        (
            {"deploymentMode": RAW, "revision": 2, "transformer": {"image": "ghcr.io/team/transformer:1"}},
            [("iris-1-r2", "http1", 8080, "/metrics"), ("iris-1-r2-transformer", "http1", 8080, "/metrics")],
        ),
    ],
    ids=["Seldon", "gRPC", "gRPC and HTTP on one port", "own port", "pushgateway", "transformer"],
)
def test_pods_are_scraped_where_their_servers_have_metrics(settings: dict[str, Any], scraped: list[Any]) -> None:
    plan = version(**settings)
    templates = {
        item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in objects(plan) if is_workload(item)
    }
    found = []
    for item in of_kind(monitoring(plan), "PodMonitor"):
        (endpoint,), name = item["spec"]["podMetricsEndpoints"], item["metadata"]["name"]
        (container,) = templates[name]["containers"]
        (number,) = [port["containerPort"] for port in container["ports"] if port["name"] == endpoint["port"]]
        found.append((name, endpoint["port"], number, endpoint["path"]))
    assert found == scraped


def is_workload(manifest: Any) -> bool:
    return "template" in manifest["spec"]


def test_monitors_select_the_pods_of_one_workload() -> None:
    plan = version(deploymentMode=RAW, transformer={"image": "ghcr.io/team/transformer:1"})
    selectors = [item["spec"]["selector"]["matchLabels"] for item in of_kind(monitoring(plan), "PodMonitor")]
    assert selectors == [dict(workload.selector) for workload in plan.workloads]


def test_a_prometheus_finds_rules_and_monitors_by_the_platforms_labels() -> None:
    on = platform(monitoring={"ruleLabels": {"release": "prometheus"}})
    for item in monitoring_objects(both_modes(on=on)):
        labels = item["metadata"]["labels"]
        assert ("release" in labels) is (item["kind"] != "ConfigMap")
        assert labels["caraml.dev/app"] == "iris"


def test_a_platform_that_scrapes_by_itself_gets_no_monitors() -> None:
    assert of_kind(both_modes(on=platform(monitoring={"podMonitors": False})), "PodMonitor") == []
    (first, _) = of_kind(both_modes(on=platform(monitoring={"queueProxy": False})), "PodMonitor")
    assert len(first["spec"]["podMetricsEndpoints"]) == 1


def test_no_budget_is_watched_where_there_is_no_objective() -> None:
    rules = groups(both_modes(objective={"enabled": False}))
    assert list(rules) == ["merlin_iris-team_iris_dev", "merlin_iris-team_iris_dev_versions"]
    assert not any("rate5m" in rule["record"] for rule in rules["merlin_iris-team_iris_dev_versions"])


def lost(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """What of `ours` is not the same in `theirs`, which may have more."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from lost(value, theirs[key], f"{path}.{key}") if key in theirs else [f"{path}.{key}"]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(mine, other, f"{path}[{index}]")
    elif ours != theirs:
        yield f"{path}: {ours} became {theirs}"


def test_grafanas_own_classes_know_everything_in_the_dashboard() -> None:
    register_default_plugins()
    (config_map,) = of_kind(both_modes(), "ConfigMap")
    (text,) = config_map["data"].values()
    ours = json.loads(text)
    assert list(lost(ours, json.loads(JSONEncoder().encode(Dashboard.from_json(ours))))) == []
    misspelt = {**ours, "refreshes": "30s"}
    assert list(lost(misspelt, json.loads(JSONEncoder().encode(Dashboard.from_json(misspelt))))) == [".refreshes"]


def test_the_dashboard_shows_what_is_recorded_under_merlins_variables() -> None:
    plan = both_modes()
    shown = dashboard(plan)
    assert [variable["name"] for variable in shown["templating"]["list"]] == [
        "datasource",
        "cluster",
        "project",
        "model",
        "model_version",
    ]
    assert [panel["title"] for panel in shown["panels"]] == [
        "Throughput",
        "Error rate",
        "Latency",
        "Weights and shares of requests",
        "CPU, of the request",
        "Memory, of the request",
        "Replicas",
    ]
    recorded = {rule["record"] for rule in groups(plan)["merlin_iris-team_iris_dev_versions"]}
    for panel in shown["panels"]:
        for target in panel["targets"]:
            metrics = re.findall(r"caraml_\w+:[\w:]+", target["expr"])
            assert metrics
            assert set(metrics) <= recorded


def test_a_versions_share_is_of_the_requests_of_all_versions() -> None:
    weights = next(panel for panel in dashboard(both_modes())["panels"] if "shares" in panel["title"])
    part, whole = weights["targets"][1]["expr"].split("group_left")
    assert 'model_version=~"$model_version"' in part
    assert "$model_version" not in whole


def test_the_targets_of_alerts_are_lines_in_the_panels() -> None:
    alerts = [{"metric": "latency", "severity": "critical", "target": 300}]
    panels = {panel["title"]: panel for panel in dashboard(both_modes(alerts=alerts))["panels"]}
    steps = panels["Latency"]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["color"], step["value"]) for step in steps] == [("green", None), ("red", 300), ("orange", 1000)]


def test_dashboards_of_all_models_have_ids_and_files_of_their_own() -> None:
    plans = [
        monitoring(version(**settings), on=platform(environment=environment))
        for settings in NAMED
        for environment in ("dev", "prod")
    ]
    assert len({dashboard(plan)["uid"] for plan in plans}) == len(plans)
    assert len({name for plan in plans for item in of_kind(plan, "ConfigMap") for name in item["data"]}) == len(plans)
    assert all(8 <= len(dashboard(plan)["uid"]) <= 40 for plan in plans)
