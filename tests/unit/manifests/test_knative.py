import pytest
from syrupy.assertion import SnapshotAssertion

from tests.unit.model.builders import one, platform, version


def test_a_knative_service_is_complete(snapshot: SnapshotAssertion) -> None:
    plan = version(
        command="serve --fast",
        args=["--port", "8080"],
        env={"THREADS": "2"},
        autoscalingPolicy={"metric": "concurrency", "target": 2},
        team="fraud",
    )
    assert one("Service", plan) == snapshot


def test_autoscaling_is_annotated_on_the_revision_and_not_on_the_service() -> None:
    service = one("Service", version(resourceRequest={"minReplica": 1, "maxReplica": 3}))
    assert service["spec"]["template"]["metadata"]["annotations"] == {
        "autoscaling.knative.dev/class": "kpa.autoscaling.knative.dev",
        "autoscaling.knative.dev/metric": "concurrency",
        "autoscaling.knative.dev/target": "1.00",
        "autoscaling.knative.dev/min-scale": "1",
        "autoscaling.knative.dev/max-scale": "3",
        "prometheus.io/scrape": "true",
        "prometheus.io/path": "/metrics",
        "prometheus.io/port": "8080",
    }
    assert not any("autoscaling" in name for name in service["metadata"]["annotations"])


@pytest.mark.parametrize(
    ("metric", "target", "class_", "annotated"),
    [
        ("cpu_utilization", 60, "hpa", ("cpu", "60")),
        ("memory_utilization", 50, "hpa", ("memory", "250")),
        ("rps", 20, "kpa", ("rps", "20")),
        ("concurrency", 0.5, "kpa", ("concurrency", "0.50")),
    ],
)
def test_each_metric_goes_to_the_autoscaler_that_measures_it(
    metric: str, target: float, class_: str, annotated: tuple[str, str]
) -> None:
    service = one("Service", version(autoscalingPolicy={"metric": metric, "target": target}))
    annotations = service["spec"]["template"]["metadata"]["annotations"]
    assert annotations["autoscaling.knative.dev/class"] == f"{class_}.autoscaling.knative.dev"
    assert (annotations["autoscaling.knative.dev/metric"], annotations["autoscaling.knative.dev/target"]) == annotated


def test_pulumi_waits_until_the_service_is_ready_for_as_long_as_the_platform_says() -> None:
    annotations = one("Service", version(), platform(deploymentTimeoutSeconds=90))["metadata"]["annotations"]
    assert annotations == {"pulumi.com/waitFor": "condition=Ready", "pulumi.com/timeoutSeconds": "90"}


def test_the_probes_ask_for_the_server_and_for_the_model() -> None:
    container = one("Service", version())["spec"]["template"]["spec"]["containers"][0]
    assert container["livenessProbe"]["httpGet"] == {"path": "/", "port": 8080, "scheme": "HTTP"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/v1/models/iris-1", "port": 8080, "scheme": "HTTP"}


def test_a_version_without_liveness_keeps_its_readiness() -> None:
    plan = version(env={"CARAML_DISABLE_LIVENESS_PROBE": "True"})
    container = one("Service", plan)["spec"]["template"]["spec"]["containers"][0]
    assert "livenessProbe" not in container
    assert "readinessProbe" in container
