import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.testing.policies import verdict, violations
from policies.reading import HORIZONTAL_POD_AUTOSCALER, KNATIVE_SERVICE, MODEL_VERSION
from policies.rules.autoscaling_metric_allowed_in_mode import policy
from policies.workloads import KNATIVE_TYPES
from tests.unit.policies.objects import Resources, first_lines, places, settings_of

PATH = "spec.template.metadata.annotations.autoscaling.knative.dev/metric"


def version(mode: str, metric: object) -> Properties:
    return {"deploymentMode": mode, "autoscalingPolicy": {"metric": metric, "target": 50}}


def knative_service(class_: str, metric: str) -> Properties:
    annotations = {
        "autoscaling.knative.dev/class": f"{class_}.autoscaling.knative.dev",
        "autoscaling.knative.dev/metric": metric,
    }
    return {"metadata": {"name": "raw"}, "spec": {"template": {"metadata": {"annotations": annotations}, "spec": {}}}}


def autoscaler(metric: str, *, orchestrator: str = "caraml", prefix: str = "caraml.dev/") -> Properties:
    labels = {"orchestrator": orchestrator, "environment": "dev", "app": "iris", "version": "1"}
    return {
        "metadata": {"labels": {f"{prefix}{name}": value for name, value in labels.items()}},
        "spec": {"metrics": [{"type": "Resource", "resource": {"name": metric}}]},
    }


VIOLATION: Resources = [(KNATIVE_SERVICE, "raw", knative_service("hpa", "rps"))]


def test_the_policy_is_mandatory_and_says_what_it_holds() -> None:
    assert policy.name == "autoscaling-metric-allowed-in-mode"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert settings_of(policy)["labelPrefix"]["default"] == ""


@pytest.mark.parametrize("metric", ["cpu_utilization", "memory_utilization", "concurrency", "rps"])
def test_serverless_may_scale_on_all_metrics(metric: str) -> None:
    assert violations(policy, MODEL_VERSION, version("SERVERLESS", metric)) == []


def test_raw_deployments_may_scale_on_cpu() -> None:
    assert violations(policy, MODEL_VERSION, version("RAW_DEPLOYMENT", "cpu_utilization")) == []


@pytest.mark.parametrize("metric", ["memory_utilization", "concurrency", "rps"])
def test_raw_deployments_may_not_scale_on_anything_else(metric: str) -> None:
    (message,) = violations(policy, MODEL_VERSION, version("RAW_DEPLOYMENT", metric))
    assert message.splitlines() == [
        f"RAW_DEPLOYMENT cannot scale on {metric}",
        "  where:   autoscalingPolicy.metric",
        "  allowed: cpu_utilization",
        "  fix:     deploy as SERVERLESS, or scale on cpu_utilization",
    ]


def test_a_fixed_number_of_replicas_scales_on_nothing() -> None:
    assert violations(policy, MODEL_VERSION, {"deploymentMode": "RAW_DEPLOYMENT", "replicas": 2}) == []


def test_a_transformer_is_held_to_the_rule_of_its_version() -> None:
    transformed = {**version("RAW_DEPLOYMENT", "cpu_utilization"), "transformer": version("RAW_DEPLOYMENT", "rps")}
    found = violations(policy, MODEL_VERSION, transformed)
    assert first_lines(found) == ["RAW_DEPLOYMENT cannot scale on rps"]
    assert places(found) == ["transformer.autoscalingPolicy.metric"]


def test_a_metric_that_is_unknown_is_judged_at_the_update() -> None:
    said = verdict(policy, MODEL_VERSION, version("RAW_DEPLOYMENT", UNKNOWN))
    assert (said.messages, bool(said.not_applicable)) == ([], True)


@pytest.mark.parametrize("type_", KNATIVE_TYPES)
@pytest.mark.parametrize(
    ("class_", "metric", "allowed"),
    [
        ("kpa", "concurrency", True),
        ("kpa", "rps", True),
        ("hpa", "cpu", True),
        ("hpa", "memory", True),
        ("hpa", "rps", False),
        ("hpa", "concurrency", False),
        ("kpa", "cpu", False),
    ],
)
def test_a_knative_service_is_scaled_by_the_autoscaler_that_measures_its_metric(
    type_: str, class_: str, metric: str, allowed: bool
) -> None:
    assert places(violations(policy, type_, knative_service(class_, metric))) == ([] if allowed else [PATH])


@pytest.mark.parametrize("properties", [{}, {"spec": {"template": {}}}, {"spec": {"template": {"metadata": {}}}}])
def test_a_knative_service_without_autoscaling_passes(properties: Properties) -> None:
    assert violations(policy, KNATIVE_SERVICE, properties) == []


def test_an_autoscaler_of_a_version_that_goes_around_the_components_is_held_to_the_same_rule() -> None:
    assert violations(policy, HORIZONTAL_POD_AUTOSCALER, autoscaler("cpu")) == []
    found = violations(policy, HORIZONTAL_POD_AUTOSCALER, autoscaler("memory"))
    assert first_lines(found) == ["RAW_DEPLOYMENT cannot scale on memory_utilization"]
    assert places(found) == ["spec.metrics[0]"]


def test_a_platform_has_a_label_prefix_of_its_own() -> None:
    other = autoscaler("memory", prefix="gojek.com/")
    assert violations(policy, HORIZONTAL_POD_AUTOSCALER, other) == []
    assert len(violations(policy, HORIZONTAL_POD_AUTOSCALER, other, config={"labelPrefix": "gojek.com/"})) == 1


def test_a_container_is_no_way_around_the_rule_either() -> None:
    of_container = autoscaler("cpu")
    of_container["spec"]["metrics"] = [{"type": "ContainerResource", "containerResource": {"name": "memory"}}]
    found = violations(policy, HORIZONTAL_POD_AUTOSCALER, of_container)
    assert first_lines(found) == ["RAW_DEPLOYMENT cannot scale on memory_utilization"]


def test_an_autoscaler_that_belongs_to_no_version_is_not_looked_at() -> None:
    assert violations(policy, HORIZONTAL_POD_AUTOSCALER, autoscaler("memory", orchestrator="other")) == []
