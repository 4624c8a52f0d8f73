"""Alerts on series that must fire and on series that must not, judged by promtool."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.manifests.monitoring.rules import prometheus_rule
from caraml_pulumi.model.monitoring_plan import MonitoringPlan
from tests.e2e.promtool import check, fails, firing, growing, series, steady
from tests.unit.model.builders import monitoring, platform, version

pytestmark = pytest.mark.e2e

RAW = "RAW_DEPLOYMENT"
NO_OBJECTIVE: dict[str, Any] = {"objective": {"enabled": False}}
SERVERLESS_SERVICE, RAW_SERVICE = "iris-1-00003", "iris-1-predictor"
ERRORS = {"Error Rate warning", "Error Rate critical"}
LATENCY = {"95.00p Latency warning", "95.00p Latency critical"}
Judge = Callable[..., str]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Says what is wrong if not just the expected alerts fire."""

    def judged(plan: MonitoringPlan, samples: Mapping[str, str], *expected: str, at: str = "15m") -> str:
        return firing(plan, samples, set(expected), tmp_path, at)

    return judged


def iris(
    mode: str = "SERVERLESS", number: int = 1, on: dict[str, Any] | None = None, **settings: Any
) -> MonitoringPlan:
    plan = version(version=number, deploymentMode=mode, protocol=settings.get("protocol", "HTTP_JSON"))
    return monitoring(plan, on=platform(monitoring=on or {}), **{**NO_OBJECTIVE, **settings})


def istio(service: str, code: str = "200", **labels: str) -> str:
    """The requests to a Service as a gateway of Istio counts them."""
    found = {
        "destination_service_name": service,
        "destination_service_namespace": "iris-team",
        "destination_workload_namespace": "iris-team",
        "reporter": "source",
        "request_protocol": "http",
        "response_code": code,
    }
    return series("istio_requests_total", found | labels)


def istio_durations(service: str, milliseconds: float, per_second: float = 1) -> dict[str, str]:
    """Requests that all take as long, as a gateway counts them."""
    labels = {
        "destination_service_name": service,
        "destination_service_namespace": "iris-team",
        "reporter": "source",
        "request_protocol": "http",
    }
    return {
        series("istio_request_duration_milliseconds_bucket", labels | {"le": bound}): growing(
            per_second if float(bound) >= milliseconds else 0
        )
        for bound in ("100", "250", "500", "1000", "2500", "5000", "+Inf")
    }


def revision_durations(revision: str, milliseconds: float) -> dict[str, str]:
    """Requests that all take as long, as Knative's queue-proxy counts them."""
    labels = {"namespace_name": "iris-team", "revision_name": revision}
    return {
        series("revision_request_latencies_bucket", labels | {"le": bound}): growing(
            1 if float(bound) >= milliseconds else 0
        )
        for bound in ("100", "500", "1000", "2000", "5000", "+Inf")
    }


def replica(pod: str, cores: float, mebibytes: float, container: str = "model") -> dict[str, str]:
    """A replica that asks for one core and 1 Gi."""
    of = {"namespace": "iris-team", "pod": pod, "container": container}
    requests = "kube_pod_container_resource_requests"
    return {
        series("container_cpu_usage_seconds_total", of): growing(cores),
        series("container_memory_working_set_bytes", of): steady(mebibytes * 2**20),
        series(requests, of | {"resource": "cpu"}): steady(1),
        series(requests, of | {"resource": "memory"}): steady(2**30),
    }


def test_promtool_accepts_the_rules_of_every_mode_protocol_and_source(tmp_path: Path) -> None:
    throughput = [{"metric": "throughput", "severity": "warning", "target": 0.5}]
    plans = [
        iris(
            mode,
            on={"requestMetrics": source, "knativeTelemetry": telemetry, "clusterName": "id-1"},
            protocol=protocol,
            alerts=throughput,
            objective={"availability": 99.9},
        )
        for mode in ("SERVERLESS", RAW)
        for protocol in ("HTTP_JSON", "UPI_V1", "SELDON")
        for source in ("ISTIO", "QUEUE_PROXY", "SERVER")
        for telemetry in ("OPENCENSUS", "OPENTELEMETRY")
    ]
    found = check((prometheus_rule(plan)["spec"] for plan in plans), tmp_path)
    assert found == ["31 rules"] * len(plans)


@pytest.mark.parametrize(("mode", "service"), [("SERVERLESS", SERVERLESS_SERVICE), (RAW, RAW_SERVICE)])
def test_errors_of_either_mode_fire(judge: Judge, mode: str, service: str) -> None:
    failing = {istio(service): growing(9), istio(service, "500"): growing(1)}
    assert not judge(iris(mode), failing, *ERRORS)
    a_few = {istio(service): growing(98), istio(service, "503"): growing(2)}
    assert not judge(iris(mode), a_few, "Error Rate warning")


def test_answers_that_are_not_the_servers_fault_are_no_errors(judge: Judge) -> None:
    codes = ("201", "204", "302", "400", "404", "429")
    assert not judge(iris(RAW), {istio(RAW_SERVICE, code): growing(5) for code in codes})


def test_requests_that_reach_no_replica_are_errors(judge: Judge) -> None:
    nobody = istio(RAW_SERVICE, "503", destination_workload_namespace="unknown", destination_workload="unknown")
    assert not judge(iris(RAW), {nobody: growing(1)}, *ERRORS)


@pytest.mark.parametrize(("mode", "own"), [("SERVERLESS", SERVERLESS_SERVICE), (RAW, RAW_SERVICE)])
def test_what_another_model_or_version_does_fires_nothing(judge: Judge, mode: str, own: str) -> None:
    others = (
        "iris-big-1-predictor",
        "big-iris-1-predictor",
        "iris-1-1-predictor",
        "iris-11-predictor",
        "iris-1-r2-predictor",
        "iris-11-00001",
        "iris-1-1-00001",
    )
    samples = {istio(own): growing(10), **istio_durations(own, 50), **revision_durations(own, 50)}
    for other in others:
        samples |= {istio(other, "500"): growing(10), **istio_durations(other, 4000), **revision_durations(other, 4000)}
    assert not judge(iris(mode), samples)
    assert not judge(iris(mode), {**samples, istio(own, "500"): growing(10)}, *ERRORS)


def test_what_another_project_or_cluster_does_fires_nothing(judge: Judge) -> None:
    plan = iris(RAW, on={"clusterName": "id-1"})
    elsewhere = istio(RAW_SERVICE, "500", destination_service_namespace="wine-team", cluster_name="id-1")
    in_another_cluster = istio(RAW_SERVICE, "500", cluster_name="id-2")
    own = istio(RAW_SERVICE, cluster_name="id-1")
    assert not judge(plan, {own: growing(1), elsewhere: growing(1), in_another_cluster: growing(1)})
    assert not judge(plan, {istio(RAW_SERVICE, "500", cluster_name="id-1"): growing(1)}, *ERRORS)


@pytest.mark.parametrize(("status", "fires"), [("14", True), ("13", True), ("2", True), ("0", False), ("5", False)])
def test_grpc_fails_by_its_own_status(judge: Judge, status: str, fires: bool) -> None:
    answers = istio(SERVERLESS_SERVICE, "200", request_protocol="grpc", grpc_response_status=status)
    assert not judge(iris(protocol="UPI_V1"), {answers: growing(1)}, *(ERRORS if fires else ()))


def test_a_slow_raw_version_is_told_apart_from_a_fast_serverless_one(tmp_path: Path) -> None:
    plan = monitoring(version(version=1), version(version=2, deploymentMode=RAW), **NO_OBJECTIVE)
    samples = {**revision_durations("iris-1-00001", 80), **istio_durations("iris-2-predictor", 4000)}
    labels = {"owner": "fraud", "service_name": "merlin_iris-team_iris_dev", "model_version": "iris-2"}
    test = {
        "input_series": [{"series": name, "values": values} for name, values in samples.items()],
        "alert_rule_test": [
            {
                "eval_time": "15m",
                "alertname": "[merlin] iris: 95.00p Latency critical",
                "exp_alerts": [
                    {
                        "exp_labels": labels | {"severity": "critical"},
                        "exp_annotations": {
                            "summary": "95.00p latency of iris model (iris-2) in dev is higher than 2000.00 ms. "
                            "Current value is 4875 ms."
                        },
                    }
                ],
            }
        ],
    }
    assert not fails(plan, test, tmp_path)


def test_a_slow_serverless_version_fires(judge: Judge) -> None:
    assert not judge(iris(), revision_durations("iris-1-00001", 1500), "95.00p Latency warning")
    assert not judge(iris(), revision_durations("iris-1-00001", 4000), *LATENCY)
    assert not judge(iris(), revision_durations("iris-11-00001", 4000))


@pytest.mark.parametrize("mode", ["SERVERLESS", RAW])
def test_too_few_requests_fire_and_so_do_none_at_all(judge: Judge, mode: str) -> None:
    plan = iris(mode, alerts=[{"metric": "throughput", "severity": "critical", "target": 2}])
    counted = istio(RAW_SERVICE)
    if mode != RAW:
        labels = {"namespace_name": "iris-team", "revision_name": "iris-1-00001", "response_code_class": "2xx"}
        counted = series("revision_request_count", labels)
    assert not judge(plan, {counted: growing(3)})
    assert not judge(plan, {counted: growing(1)}, "Throughput critical")
    assert not judge(plan, {}, "Throughput critical")


def test_requests_that_sidecars_count_again_are_counted_once(judge: Judge) -> None:
    plan = iris(RAW, alerts=[{"metric": "throughput", "severity": "critical", "target": 1.5}])
    again = istio(RAW_SERVICE, reporter="destination")
    assert not judge(plan, {istio(RAW_SERVICE): growing(1), again: growing(1)}, "Throughput critical")


@pytest.mark.parametrize(
    ("mode", "pod"), [("SERVERLESS", "iris-1-00001-deployment-6d4cf56db6-x2k4z"), (RAW, "iris-1-6d4cf56db6-x2k4z")]
)
def test_cpu_and_memory_beyond_what_replicas_ask_for_fire(judge: Judge, mode: str, pod: str) -> None:
    assert not judge(iris(mode), replica(pod, 0.5, 512))
    assert not judge(iris(mode), replica(pod, 0.9, 512), "Cpu warning")
    assert not judge(iris(mode), replica(pod, 0.5, 1000), "Memory warning", "Memory critical")


def test_replicas_of_other_versions_and_proxies_beside_the_model_fire_nothing(judge: Judge) -> None:
    busy = [
        replica("iris-11-6d4cf56db6-x2k4z", 3, 3000),
        replica("iris-1-1-6d4cf56db6-x2k4z", 3, 3000),
        replica("iris-1-transformer-6d4cf56db6-x2k4z", 3, 3000, "transformer"),
        replica("iris-1-6d4cf56db6-x2k4z", 3, 3000, "istio-proxy"),
    ]
    calm = replica("iris-1-6d4cf56db6-x2k4z", 0.1, 100)
    assert not judge(iris(RAW), {**calm, **{name: values for one in busy for name, values in one.items()}})


@pytest.mark.parametrize("container", ["queue-proxy", "model"])
def test_newer_knative_and_servers_themselves_tell_of_errors_too(judge: Judge, container: str) -> None:
    source = "QUEUE_PROXY" if container == "queue-proxy" else "SERVER"
    plan = iris(on={"requestMetrics": source, "knativeTelemetry": "OPENTELEMETRY"})
    labels = {
        "namespace": "iris-team",
        "pod": "iris-1-00001-deployment-6d4cf56db6-x2k4z",
        "container": container,
        "http_request_method": "POST",
    }
    count = "http_server_request_duration_seconds_count"
    fine = {series(count, labels | {"http_response_status_code": "201"}): growing(9)}
    failing = {series(count, labels | {"http_response_status_code": "500"}): growing(1)}
    assert not judge(plan, fine)
    assert not judge(plan, fine | failing, *ERRORS)


def test_errors_that_use_up_the_budget_fire_after_hours_and_not_after_minutes(judge: Judge) -> None:
    plan = iris(RAW, objective={"availability": 99.5}, alerts=[])
    slow = {istio(RAW_SERVICE): growing(96, 500), istio(RAW_SERVICE, "500"): growing(4, 500)}
    assert not judge(plan, slow, "Error Rate warning", "Error Budget 6h critical", *TICKETS, at="7h")
    fast = {istio(RAW_SERVICE): growing(90, 80), istio(RAW_SERVICE, "500"): growing(10, 80)}
    assert not judge(plan, fast, *ERRORS, "Error Budget 1h critical", "Error Budget 6h critical", *TICKETS, at="70m")


TICKETS = ("Error Budget 1d warning", "Error Budget 3d warning")


def test_few_errors_leave_the_budget_alone(judge: Judge) -> None:
    fine = {istio(RAW_SERVICE): growing(999, 500), istio(RAW_SERVICE, "500"): growing(1, 500)}
    assert not judge(iris(RAW, objective={"availability": 99.5}), fine, at="7h")


def test_a_new_version_begins_with_the_errors_of_the_old_one(judge: Judge) -> None:
    plan = iris(RAW, number=2, objective={"availability": 99.5})
    of_old = {"environment": "dev", "project": "iris-team", "model": "iris", "model_version": "iris-1"}
    requests, failures = "caraml_model_version:requests:rate5m", "caraml_model_version:request_failures:rate5m"
    old = {series(requests, of_old): steady(100, 60), series(failures, of_old): steady(20, 60)}
    new = {istio("iris-2-predictor"): growing(95, 70), istio("iris-2-predictor", "500"): growing(5, 70)}
    found = ("Error Budget 6h critical", *TICKETS)
    assert not judge(plan, {**old, **new}, "Error Rate warning", "Error Budget 1h critical", *found, at="62m")
    assert not judge(plan, new, "Error Rate warning", *found, at="62m")
