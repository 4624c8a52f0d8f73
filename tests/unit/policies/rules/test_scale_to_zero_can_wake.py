from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.testing.policies import verdict, violations
from policies.reading import HORIZONTAL_POD_AUTOSCALER, KNATIVE_SERVICE, MODEL_VERSION
from policies.rules.scale_to_zero_can_wake import policy
from policies.workloads import KNATIVE_TYPES
from tests.unit.policies.configured import version
from tests.unit.policies.objects import Resources, first_lines, places

METRICS = ["cpu_utilization", "memory_utilization", "concurrency", "rps"]


def asked(mode: str, metric: str, least: object) -> Properties:
    return {
        "deploymentMode": mode,
        "autoscalingPolicy": {"metric": metric, "target": 50},
        "resourceRequest": {"minReplica": least, "maxReplica": 2},
    }


def knative(**annotations: str) -> Properties:
    full = {f"autoscaling.knative.dev/{name.replace('_', '-')}": value for name, value in annotations.items()}
    return {"metadata": {"name": "raw"}, "spec": {"template": {"metadata": {"annotations": full}, "spec": {}}}}


def autoscaler(least: object, *metrics: dict[str, Any]) -> Properties:
    return {
        "metadata": {"name": "raw"},
        "spec": {"minReplicas": least, "maxReplicas": 2, "metrics": [*metrics], "scaleTargetRef": {}},
    }


VIOLATION: Resources = [(HORIZONTAL_POD_AUTOSCALER, "raw", autoscaler(0, {"type": "Resource"}))]


def test_the_rule_is_mandatory() -> None:
    assert policy.name == "scale-to-zero-can-wake"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)


@pytest.mark.parametrize("metric", ["concurrency", "rps"])
def test_serverless_on_requests_may_have_no_replica(metric: str) -> None:
    assert violations(policy, MODEL_VERSION, asked("SERVERLESS", metric, 0)) == []


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("mode", ["SERVERLESS", "RAW_DEPLOYMENT"])
def test_one_replica_passes_everywhere(mode: str, metric: str) -> None:
    assert violations(policy, MODEL_VERSION, asked(mode, metric, 1)) == []


@pytest.mark.parametrize(
    ("mode", "metric"),
    [("SERVERLESS", "cpu_utilization"), ("SERVERLESS", "memory_utilization"), ("RAW_DEPLOYMENT", "cpu_utilization")],
)
def test_what_no_request_wakes_up_keeps_a_replica(mode: str, metric: str) -> None:
    (message,) = violations(policy, MODEL_VERSION, asked(mode, metric, 0))
    assert message.splitlines() == [
        f"minReplica 0 would never wake up: {mode} scales on {metric}",
        "  where:   resourceRequest.minReplica",
        "  allowed: at least 1, or SERVERLESS on concurrency or rps",
        "  fix:     set minReplica to 1",
    ]


def test_a_transformer_wakes_up_as_well() -> None:
    props = {**version(), "transformer": asked("SERVERLESS", "cpu_utilization", 0)}
    assert places(violations(policy, MODEL_VERSION, props)) == ["transformer.resourceRequest.minReplica"]


def test_a_fixed_number_of_replicas_is_not_judged() -> None:
    assert violations(policy, MODEL_VERSION, version(deploymentMode="RAW_DEPLOYMENT", replicas=1)) == []


@pytest.mark.parametrize("metric", ["Resource", "ContainerResource", "Pods"])
def test_an_autoscaler_that_looks_at_pods_alone_keeps_one(metric: str) -> None:
    (message,) = violations(policy, HORIZONTAL_POD_AUTOSCALER, autoscaler(0, {"type": metric}))
    assert first_lines([message]) == ["minReplicas 0 would never wake up: the autoscaler measures nothing but its pods"]
    assert places([message]) == ["spec.minReplicas"]


@pytest.mark.parametrize("metric", ["Object", "External"])
def test_an_autoscaler_that_looks_elsewhere_may_have_none(metric: str) -> None:
    metrics = {"type": "Resource"}, {"type": metric}
    assert violations(policy, HORIZONTAL_POD_AUTOSCALER, autoscaler(0, *metrics)) == []
    assert violations(policy, HORIZONTAL_POD_AUTOSCALER, autoscaler(None)) == []


@pytest.mark.parametrize("type_", KNATIVE_TYPES)
@pytest.mark.parametrize("bound", ["min_scale", "initial_scale"])
def test_a_knative_service_of_kubernetes_autoscaler_that_says_zero_is_refused(type_: str, bound: str) -> None:
    annotations = {"class": "hpa.autoscaling.knative.dev", bound: "0"}
    (message,) = violations(policy, type_, knative(**annotations))
    name = f"autoscaling.knative.dev/{bound.replace('_', '-')}"
    assert message.startswith(f"{name} 0 would never wake up: hpa.autoscaling.knative.dev scales on what replicas use")
    assert places([message]) == [f"spec.template.metadata.annotations.{name}"]


@pytest.mark.parametrize(
    "annotations",
    [
        {},
        {"min_scale": "0"},
        {"class": "kpa.autoscaling.knative.dev", "min_scale": "0", "initial_scale": "0"},
        {"class": "hpa.autoscaling.knative.dev"},
        {"class": "hpa.autoscaling.knative.dev", "min_scale": "1"},
    ],
)
def test_other_knative_services_pass(annotations: dict[str, str]) -> None:
    assert violations(policy, KNATIVE_SERVICE, knative(**annotations)) == []


def test_a_number_that_is_not_known_yet_is_judged_at_the_update() -> None:
    said = verdict(policy, HORIZONTAL_POD_AUTOSCALER, autoscaler(UNKNOWN))
    assert (said.messages, bool(said.not_applicable)) == ([], True)
