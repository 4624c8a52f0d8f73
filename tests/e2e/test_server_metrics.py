"""Where no gateway counts requests, a real Prometheus sees what the sample server itself counts."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from caraml.upi.v1.upi_pb2 import PredictValuesRequest
from caraml.upi.v1.upi_pb2_grpc import UniversalPredictionServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from caraml_pulumi.manifests.monitoring.dashboard import dashboard
from caraml_pulumi.manifests.monitoring.rules import prometheus_rule
from caraml_pulumi.model.monitoring_plan import MonitoringPlan
from tests.e2e.iris_servers import IrisServer, iris_server
from tests.e2e.watched_gateway import Watcher, prometheus
from tests.unit.model.builders import monitoring, platform, version

pytestmark = pytest.mark.e2e

ON = platform(monitoring={"requestMetrics": "SERVER"})
POD = {"namespace": "iris-team", "container": "model", "pod": "iris-1-6d4cf56db6-x2k4z"}
"""The labels that a PodMonitor gives the series of a replica."""


@pytest.fixture
def failing() -> Iterator[IrisServer]:
    """A server of version 1 whose predictions all fail, over either protocol."""
    with iris_server("iris-1", CARAML_PROTOCOL="UPI_V1", IRIS_ERROR_RATE="1") as server:
        yield server


def watched(protocol: str) -> MonitoringPlan:
    return monitoring(version(deploymentMode="RAW_DEPLOYMENT", protocol=protocol), on=ON)


def ask(server: IrisServer, protocol: str) -> None:
    """Ask for a prediction, and whether the server is healthy, as probes do all the time."""
    if protocol == "HTTP_JSON":
        assert server.predict().status == 500
        assert server.get("/").status == 200
        return
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        with pytest.raises(grpc.RpcError):
            UniversalPredictionServiceStub(channel).PredictValues(PredictValuesRequest(), timeout=10)
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)


def pending(watcher: Watcher) -> set[str]:
    """The alerts that will fire if it goes on like this."""
    found: Any = watcher.get("query", query='ALERTS{alertstate="pending"}')["result"]
    return {one["metric"]["alertname"].removeprefix("[merlin] iris: ") for one in found}


def error_percent(watcher: Watcher) -> dict[str, float]:
    """What is recorded of each version's errors."""
    found: Any = watcher.get("query", query="caraml_model_version:error_percent:rate1m")["result"]
    return {one["metric"]["model_version"]: float(one["value"][1]) for one in found}


def shown(watcher: Watcher, plan: MonitoringPlan) -> set[str]:
    """The panels of the dashboard that have something to show in all of their queries."""
    found = set()
    for panel in dashboard(plan)["panels"]:
        expressions = [target["expr"] for target in panel["targets"]]
        for name, value in {
            "model_version": "iris-1",
            "model": "iris",
            "project": "iris-team",
            "cluster": ".*",
        }.items():
            expressions = [expression.replace(f"${name}", value) for expression in expressions]
        if all(watcher.get("query", query=expression)["result"] for expression in expressions):
            found.add(panel["title"])
    return found


@pytest.mark.parametrize("protocol", ["HTTP_JSON", "UPI_V1"])
def test_alerts_and_records_follow_what_the_server_counts(failing: IrisServer, protocol: str, tmp_path: Path) -> None:
    plan = watched(protocol)
    groups = prometheus_rule(plan)["spec"]["groups"]
    panels = {"Throughput", "Error rate", "Latency", "Weights and shares of requests", "Replicas"}
    expected: Any = ({"Error Rate warning", "Error Rate critical"}, {"iris-1": 100}, panels)
    with prometheus(tmp_path, {"iris": failing.port}, groups, {"iris": POD}) as watcher:
        deadline = time.monotonic() + 30
        while (found := (pending(watcher), error_percent(watcher), shown(watcher, plan))) != expected:
            assert time.monotonic() < deadline, found
            ask(failing, protocol)
            time.sleep(0.1)
