"""What watches models, admitted strictly by the API server with the Prometheus operator's own CRDs."""

from typing import Any

import pytest

from caraml_pulumi import CustomModelVersion, DeploymentMode, ModelEndpoint, ModelMonitoring
from tests.e2e.admission import PLATFORM, Emitted, admit, emitted
from tests.e2e.conftest import LocalCluster

pytestmark = pytest.mark.e2e

MONITORING = "caraml:index:ModelMonitoring"
WATCHING = ["ConfigMap", "PodMonitor", "PodMonitor", "PrometheusRule"]
SETTINGS: dict[str, Any] = {
    "clusterName": "id-1",
    "grafanaUrl": "https://grafana.example.com",
    "playbookUrl": "https://wiki.example.com/models",
    "ruleLabels": {"release": "prometheus"},
}


def two_versions(namespace: str, **settings: Any) -> dict[CustomModelVersion, int]:
    """A SERVERLESS version and one of RAW_DEPLOYMENT with a transformer."""
    of: dict[str, Any] = {"model": "iris", "project": namespace, "image": "registry.local/team/iris:1", **settings}
    raw = DeploymentMode.RAW_DEPLOYMENT
    transformer: Any = {"image": "registry.local/team/transformer:1"} if settings.get("protocol") != "SELDON" else None
    return {
        CustomModelVersion("iris-1", version=1, **of): 90,
        CustomModelVersion("iris-2", version=2, deployment_mode=raw, transformer=transformer, **of): 10,
    }


def watching(found: Emitted) -> list[str]:
    """The kinds of the objects that watch a model."""
    watched = {item.urn for item in found.recording.registrations if item.type == MONITORING}
    return sorted(
        item.inputs["kind"] for item in found.recording.registrations if item.custom and item.parent in watched
    )


@pytest.mark.parametrize("protocol", ["HTTP_JSON", "UPI_V1", "SELDON"])
@pytest.mark.parametrize("source", ["ISTIO", "QUEUE_PROXY", "SERVER"])
def test_everything_that_watches_a_model_is_admitted(
    cluster: LocalCluster, namespace: str, protocol: str, source: str
) -> None:
    platform = {**PLATFORM, "monitoring": {**SETTINGS, "requestMetrics": source}}

    def program() -> None:
        throughput: Any = {"metric": "throughput", "severity": "warning", "target": 0.5}
        settings = {"metrics": {"enabled": True}} if protocol == "UPI_V1" else {}
        versions = two_versions(namespace, protocol=protocol, **settings)
        ModelMonitoring("iris", versions=versions, alerts=[throughput], objective={"availability": 99.9})

    found = emitted(cluster.client, program, platform)
    assert watching(found) == sorted([*WATCHING, *(["PodMonitor"] if protocol == "HTTP_JSON" else [])])


def test_an_endpoint_is_watched_unless_it_says_no(cluster: LocalCluster, namespace: str) -> None:
    def program(**settings: Any) -> Any:
        return lambda: ModelEndpoint("iris", traffic=two_versions(namespace), **settings)

    watched = emitted(cluster.client, program())
    assert watching(watched) == sorted([*WATCHING, "PodMonitor"])
    assert watching(emitted(cluster.client, program(monitoring={"enabled": False}))) == []
    off = {**PLATFORM, "monitoring": {"enabled": False}}
    assert watching(emitted(cluster.client, program(), off)) == []
    assert watching(emitted(cluster.client, program(monitoring={"enabled": True}), off)) == watching(watched)


def test_a_rule_keeps_its_expressions_word_by_word(cluster: LocalCluster, namespace: str) -> None:
    found = emitted(cluster.client, lambda: ModelMonitoring("iris", versions=two_versions(namespace)))
    rule = found.one("PrometheusRule")
    assert admit(cluster.client, rule)["spec"] == rule["spec"]
