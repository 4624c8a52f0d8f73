from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.testing.policies import stack_verdict, stack_violations
from policies.pods import REPLICA_SET, STATEFUL_SET
from policies.reading import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, KNATIVE_SERVICE, POD_DISRUPTION_BUDGET
from policies.rules.pod_disruption_budget_present import policy
from tests.unit.components.programs import one_version
from tests.unit.policies.objects import Resources, first_lines, pod, settings_of, workload

LABELS = {"app": "raw", "tier": "models"}


def deployment(**spec: Any) -> tuple[str, str, Properties]:
    return DEPLOYMENT, "raw", workload(DEPLOYMENT, pod(), pod_labels=LABELS, **spec)


def knative(**bounds: str) -> tuple[str, str, Properties]:
    props = workload(KNATIVE_SERVICE, pod(), pod_labels=LABELS)
    annotations = {f"autoscaling.knative.dev/{bound}-scale": value for bound, value in bounds.items()}
    props["spec"]["template"]["metadata"]["annotations"] = annotations
    return KNATIVE_SERVICE, "raw", props


def autoscaler(name: str = "raw", kind: str = "Deployment", **spec: Any) -> tuple[str, str, Properties]:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    props = {"metadata": {"namespace": "iris-team"}, "spec": {"scaleTargetRef": target, "maxReplicas": 5, **spec}}
    return HORIZONTAL_POD_AUTOSCALER, "raw", props


def budget(selector: object, namespace: str = "iris-team") -> tuple[str, str, Properties]:
    spec = {"maxUnavailable": 1, "selector": selector}
    return POD_DISRUPTION_BUDGET, "raw", {"metadata": {"namespace": namespace}, "spec": spec}


VIOLATION: Resources = [deployment(replicas=2)]
SAID = "{} raw has {} replicas or more and no PodDisruptionBudget: a drain of nodes may take all at once"


def judged(*resources: tuple[str, str, Properties]) -> list[str]:
    return first_lines([message for message, _ in stack_violations(policy, resources)])


def test_the_rule_is_advice_without_settings_of_its_own() -> None:
    assert policy.name == "pod-disruption-budget-present"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.ADVISORY, Severity.MEDIUM)
    assert set(settings_of(policy)) == {"environments", "exemptions"}


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {"app": "raw"}},
        {"matchLabels": LABELS},
        {},
        {"matchExpressions": [{"key": "app", "operator": "In", "values": ["raw", "other"]}]},
        {"matchExpressions": [{"key": "tier", "operator": "Exists"}, {"key": "canary", "operator": "DoesNotExist"}]},
        {"matchExpressions": [{"key": "canary", "operator": "NotIn", "values": ["yes"]}]},
    ],
)
def test_replicas_that_a_budget_selects_pass(selector: dict[str, Any]) -> None:
    assert judged(deployment(replicas=2), budget(selector)) == []


@pytest.mark.parametrize(
    "other",
    [
        budget({"matchLabels": {"app": "other"}}),
        budget({"matchLabels": {"app": "raw", "version": "1"}}),
        budget({"matchLabels": {"app": "raw"}}, namespace="wine-team"),
        budget({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["raw"]}]}),
        budget({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}),
        budget(None),
    ],
)
def test_a_budget_of_other_pods_is_none(other: tuple[str, str, Properties]) -> None:
    assert judged(deployment(replicas=2), other) == [SAID.format("Deployment", 2)]


@pytest.mark.parametrize("type_", [DEPLOYMENT, STATEFUL_SET, REPLICA_SET])
def test_a_workload_of_two_replicas_needs_a_budget_and_one_of_one_or_none_does_not(type_: str) -> None:
    assert judged((type_, "raw", workload(type_, pod()))) == []
    for replicas in (0, 1):
        assert judged((type_, "raw", workload(type_, pod(), replicas=replicas))) == []
    kind = type_.rpartition(":")[2]
    assert judged((type_, "raw", workload(type_, pod(), replicas=3))) == [SAID.format(kind, 3)]


def test_the_fewest_replicas_that_an_autoscaler_keeps_count() -> None:
    assert judged(deployment(), autoscaler(minReplicas=2)) == [SAID.format("Deployment", 2)]
    assert judged(deployment(replicas=4), autoscaler(minReplicas=1)) == []
    assert judged(deployment(), autoscaler()) == []
    assert judged(deployment(), autoscaler(name="other", minReplicas=2)) == []
    assert judged(deployment(), autoscaler(kind="StatefulSet", minReplicas=2)) == []
    assert judged(deployment(replicas=0), autoscaler(minReplicas=2)) == []


def test_the_min_scale_of_a_knative_service_counts() -> None:
    assert judged(knative(min="2")) == [SAID.format("Service", 2)]
    assert judged(knative(min="1")) == []
    assert judged(knative(max="9")) == []
    assert judged(knative(min="two")) == []
    assert judged(knative(min="2"), budget({"matchLabels": {"serving.knative.dev/service": "raw"}})) == []


def test_the_workload_is_blamed() -> None:
    ((_, urn),) = stack_violations(policy, [deployment(replicas=2)])
    assert urn is not None
    assert urn.endswith("apps/v1:Deployment::raw")


@pytest.mark.parametrize("mode", ["SERVERLESS", "RAW_DEPLOYMENT"])
def test_a_version_gets_its_budget_from_the_platform(mode: str) -> None:
    def objects(**settings: Any) -> list[tuple[str, str, Properties]]:
        asked = {"minReplica": 2, "maxReplica": 3}
        made = one_version(deployment_mode=mode, resource_request=asked, **settings)
        return [(item.type, item.name, item.inputs) for item in made.registrations if item.custom]

    (without,) = stack_violations(policy, objects())
    assert "fix:     set podDisruptionBudget: {maxUnavailablePercentage: 50} on the platform" in without[0]
    assert stack_violations(policy, objects(pod_disruption_budget={"maxUnavailablePercentage": 50})) == []
    assert len(stack_violations(policy, objects(pod_disruption_budget={"minAvailablePercentage": 80}))) == 1


def test_what_is_not_known_yet_is_judged_at_the_update() -> None:
    said = stack_verdict(policy, [deployment(replicas=UNKNOWN)])
    assert said.messages == []
    assert said.not_applicable
