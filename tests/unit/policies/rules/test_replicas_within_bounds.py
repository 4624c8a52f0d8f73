from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.testing.policies import verdict, violations
from policies.reading import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, KNATIVE_SERVICE, MODEL_VERSION
from policies.rules.replicas_within_bounds import policy
from policies.workloads import KNATIVE_TYPES
from tests.unit.policies.configured import stack_platform, version
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

SCALE = "autoscaling.knative.dev"


def asked(least: int, most: int, **more: Any) -> Properties:
    return {"resourceRequest": {"minReplica": least, "maxReplica": most}, **more}


def judged(properties: Properties, **config: Any) -> list[str]:
    return violations(policy, MODEL_VERSION, properties, config=config)


def autoscaler(**spec: Any) -> Properties:
    return {"metadata": {"name": "raw"}, "spec": {"scaleTargetRef": {}, **spec}}


def knative(**annotations: str) -> Properties:
    full = {f"{SCALE}/{name.replace('_', '-')}": value for name, value in annotations.items()}
    return {"metadata": {"name": "raw"}, "spec": {"template": {"metadata": {"annotations": full}, "spec": {}}}}


VIOLATION: Resources = [(HORIZONTAL_POD_AUTOSCALER, "raw", autoscaler(minReplicas=3, maxReplicas=2))]


def test_the_rule_is_mandatory_and_has_no_bounds_of_its_own() -> None:
    assert policy.name == "replicas-within-bounds"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.MEDIUM)
    properties = settings_of(policy)
    assert (properties["minReplica"]["default"], properties["maxReplica"]["default"]) == (0, 0)


@pytest.mark.parametrize("props", [asked(0, 1), asked(3, 3), asked(0, 2_000_000_000), version(), {"replicas": 7}, {}])
def test_any_range_passes_without_bounds(props: Properties) -> None:
    assert judged(props) == []


@pytest.mark.parametrize(
    ("least", "most", "said"),
    [(3, 2, "minReplica 3 is more than maxReplica 2"), (0, 0, "replicas cannot be from 0 to 0")],
)
def test_a_range_is_a_range(least: int, most: int, said: str) -> None:
    assert first_lines(judged(asked(least, most))) == [said]


def test_fewer_replicas_than_the_environment_wants_are_refused() -> None:
    (message,) = judged(asked(1, 4), minReplica=2)
    assert message.splitlines() == [
        "minReplica 1 is less than the environment wants",
        "  where:   resourceRequest.minReplica",
        "  allowed: at least 2",
        "  fix:     set minReplica to 2, or more",
    ]
    assert judged(asked(2, 4), minReplica=2) == []


def test_more_replicas_than_the_environment_allows_are_refused() -> None:
    (message,) = judged(asked(1, 5), maxReplica=4)
    assert message.splitlines() == [
        "maxReplica 5 is more than the environment allows",
        "  where:   resourceRequest.maxReplica",
        "  allowed: at most 4 (maxReplica)",
        "  fix:     lower maxReplica to 4, or less",
    ]
    assert judged(asked(1, 4), maxReplica=4) == []


def test_the_stacks_platform_bounds_replicas_unless_the_setting_does() -> None:
    with stack_platform(maxAllowedReplica=3):
        assert "at most 3 (maxAllowedReplica)" in judged(asked(1, 4))[0]
        assert judged(asked(1, 3)) == []
        assert judged(asked(1, 4), maxReplica=4) == []
    assert judged(asked(1, 4)) == []


def test_a_fixed_number_of_replicas_is_held_to_both_bounds() -> None:
    props = version(deploymentMode="RAW_DEPLOYMENT", replicas=3)
    assert first_lines(judged(props, minReplica=4)) == ["replicas 3 is less than the environment wants"]
    assert places(judged(props, maxReplica=2)) == ["replicas"]
    assert judged(props, minReplica=3, maxReplica=3) == []


def test_a_transformer_is_held_to_the_bounds_and_a_stopped_version_is_not() -> None:
    props = asked(2, 4, transformer=asked(1, 9))
    bounds: dict[str, Any] = {"minReplica": 2, "maxReplica": 8}
    assert places(judged(props, **bounds)) == [
        "transformer.resourceRequest.minReplica",
        "transformer.resourceRequest.maxReplica",
    ]
    assert judged({**props, "stopped": True}, **bounds) == []


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_an_autoscaler_around_the_components_is_held_to_the_rule(api: str) -> None:
    type_ = f"kubernetes:autoscaling/{api}:HorizontalPodAutoscaler"
    config = {"minReplica": 2, "maxReplica": 4}
    assert first_lines(violations(policy, type_, autoscaler(minReplicas=3, maxReplicas=2))) == [
        "minReplica 3 is more than maxReplica 2"
    ]
    assert places(violations(policy, type_, autoscaler(maxReplicas=5), config=config)) == [
        "spec.minReplicas",
        "spec.maxReplicas",
    ]
    assert violations(policy, type_, autoscaler(minReplicas=2, maxReplicas=4), config=config) == []


@pytest.mark.parametrize("type_", KNATIVE_TYPES)
def test_a_knative_service_around_the_components_is_held_to_the_rule(type_: str) -> None:
    config = {"minReplica": 1, "maxReplica": 4}
    path = f"spec.template.metadata.annotations.{SCALE}"
    found = violations(policy, type_, knative(max_scale="5"), config=config)
    assert places(found) == [f"{path}/min-scale", f"{path}/max-scale"]
    assert violations(policy, type_, knative(min_scale="1", max_scale="4"), config=config) == []


def test_kubernetes_autoscaler_behind_knative_keeps_one_replica_anyway() -> None:
    props = knative(**{"class": f"hpa.{SCALE}"}, max_scale="4")
    assert violations(policy, KNATIVE_SERVICE, props, config={"minReplica": 1}) == []


def test_a_knative_service_without_a_maximum_is_refused_where_there_is_one() -> None:
    assert violations(policy, KNATIVE_SERVICE, knative()) == []
    (message,) = violations(policy, KNATIVE_SERVICE, knative(), config={"maxReplica": 4})
    assert message.splitlines()[0] == f"{SCALE}/max-scale is missing, so that there may be any number of replicas"
    assert len(violations(policy, KNATIVE_SERVICE, knative(max_scale="0"), config={"maxReplica": 4})) == 1


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet", "DeploymentPatch"])
def test_replicas_of_a_workload_around_the_components_are_held_to_the_rule(kind: str) -> None:
    type_ = f"kubernetes:apps/v1:{kind}"
    config = {"minReplica": 2, "maxReplica": 4}

    def found(**spec: Any) -> list[str]:
        return violations(policy, type_, workload(type_, pod(), **spec), config=config)

    assert first_lines(found(replicas=1)) == ["replicas 1 is less than the environment wants"]
    assert places(found(replicas=5)) == ["spec.replicas"]
    assert found(replicas=2) == found(replicas=0) == found() == []


def test_numbers_that_are_not_known_yet_are_judged_at_the_update() -> None:
    said = verdict(policy, DEPLOYMENT, workload(DEPLOYMENT, pod(), replicas=UNKNOWN))
    assert (said.messages, bool(said.not_applicable)) == ([], True)
