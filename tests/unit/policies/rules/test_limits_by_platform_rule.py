from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Properties, Secret
from caraml_pulumi.testing.policies import remediated, verdict, violations
from policies.pods import CRON_JOB, JOB, KNATIVE_CONFIGURATION, PATCH_TYPES, SERVER_TYPES
from policies.reading import DEPLOYMENT, KNATIVE_SERVICE, MODEL_VERSION
from policies.rules.limits_by_platform_rule import policy
from tests.unit.model import builders
from tests.unit.policies.configured import stack_platform, version
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, pod()))]
LIMITS = "spec.template.spec.containers[0].resources.limits"


def having(limits: dict[str, Any] | None, **requests: Any) -> dict[str, Any]:
    requests = {"cpu": "1", "memory": "1Gi", **requests}
    return pod({"resources": {"requests": requests, **({"limits": limits} if limits is not None else {})}})


def judged(spec: dict[str, Any], type_: str = DEPLOYMENT, **config: Any) -> list[str]:
    return violations(policy, type_, workload(type_, spec), config=config)


def judged_version(config: dict[str, Any] | None = None, **request: Any) -> list[str]:
    amounts = {"cpuRequest": "1", "memoryRequest": "1Gi", "cpuLimit": "1", "memoryLimit": "2Gi", **request}
    props: Properties = {"resourceRequest": {name: value for name, value in amounts.items() if value is not None}}
    return violations(policy, MODEL_VERSION, props, config=config)


def test_the_rule_is_mandatory_and_takes_the_platforms_factors() -> None:
    assert policy.name == "limits-by-platform-rule"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.MEDIUM)
    properties = settings_of(policy)
    assert "default" not in properties["cpuFactor"] | properties["memoryFactor"]
    assert (properties["maxCpu"]["default"], properties["cpuLimitRequired"]["default"]) == ("", False)


@pytest.mark.parametrize("limits", [{}, {"cpuFactor": 1.25}, {"memoryFactor": 0}, {"cpuFactor": 2, "memoryFactor": 3}])
def test_what_the_component_decides_passes_with_and_without_the_stacks_platform(limits: dict[str, float]) -> None:
    on = builders.platform(limits=limits, maxCpu="4")
    for asked in ({}, {"resourceRequest": {"cpuRequest": "333m", "cpuLimit": "4", "memoryRequest": "333Mi"}}):
        props = builders.version(on, **asked).props()
        assert violations(policy, MODEL_VERSION, props) == []
        with stack_platform(limits=limits, maxCpu="4"):
            assert violations(policy, MODEL_VERSION, props) == []


def test_a_memory_limit_above_the_factor_is_refused() -> None:
    (message,) = judged_version({"memoryFactor": 1.5})
    assert message.splitlines() == [
        "the memory limit 2Gi is more than 1.5 x the request 1Gi",
        "  where:   resourceRequest.memoryLimit",
        "  allowed: at most 1536Mi",
        "  fix:     lower the limit or raise the request",
    ]
    assert judged_version({"memoryFactor": 2}) == judged_version() == []


def test_a_missing_memory_limit_is_refused_where_there_is_a_factor() -> None:
    assert judged_version(memoryLimit=None) == judged_version({"memoryFactor": 0}, memoryLimit=None) == []
    (message,) = judged_version({"memoryFactor": 2}, memoryLimit=None)
    assert message.startswith("there is no memory limit")


@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_a_limit_below_the_request_is_refused(name: str) -> None:
    (message,) = judged_version({}, **{f"{name}Request": "3Gi", f"{name}Limit": "2Gi"})
    assert message.splitlines()[0].endswith("limit 2Gi is less than the request 3Gi")
    assert places([message]) == [f"resourceRequest.{name}Limit"]


def test_a_cpu_limit_of_ones_own_is_within_the_ceiling() -> None:
    assert judged_version({"cpuFactor": 2}, cpuLimit="9") == []
    assert judged_version({"cpuFactor": 2, "maxCpu": "4"}, cpuLimit="4") == []
    (message,) = judged_version({"cpuFactor": 2, "maxCpu": "4"}, cpuLimit="4001m")
    assert message.startswith("cpuLimit 4001m is more than the environment allows")


def test_the_platforms_constant_may_be_above_the_ceiling_as_in_merlin() -> None:
    with stack_platform(limits={"cpuFactor": 0, "defaultCpu": "8"}, maxCpu="4"):
        assert judged_version(cpuLimit="8") == []
        assert len(judged_version(cpuLimit="9")) == 1


def test_an_instance_type_decides_instead_of_the_factors() -> None:
    on = builders.platform(instanceTypes={"small": {"limits": {"cpu": "1", "memory": "8Gi"}, "requests": {}}})
    props = builders.version(on, instanceType="small", deploymentMode="RAW_DEPLOYMENT").props()
    assert props["instanceType"] == "small"
    assert violations(policy, MODEL_VERSION, props, config={"memoryFactor": 1, "maxCpu": "500m"}) == []


def test_a_transformer_is_held_to_the_rule_as_well() -> None:
    props = version(transformer={"image": "ghcr.io/team/transformer:1"})
    found = violations(policy, MODEL_VERSION, props, config={"memoryFactor": 1})
    assert places(found) == ["resourceRequest.memoryLimit", "transformer.resourceRequest.memoryLimit"]


@pytest.mark.parametrize("type_", SERVER_TYPES)
def test_whatever_makes_pods_to_run_for_ever_has_a_memory_limit(type_: str) -> None:
    assert first_lines(judged(having(None), type_)) == [
        "there is no memory limit: one replica could take all of its node's memory"
    ]
    assert judged(having({"memory": "9Gi"}), type_) == judged(having(None), type_, memoryFactor=0) == []


def test_a_cpu_limit_is_wanted_where_the_platform_team_says_so() -> None:
    found = judged(having({"memory": "1Gi"}), cpuLimitRequired=True)
    assert places(found) == [f"{LIMITS}.cpu"]
    assert judged(having({"cpu": "1", "memory": "1Gi"}), cpuLimitRequired=True) == []


def test_limits_of_raw_objects_are_at_most_the_factor_times_the_request() -> None:
    given = having({"cpu": 5, "memory": "3Gi"})
    assert first_lines(judged(given, cpuFactor=2, memoryFactor=2)) == [
        "the CPU limit 5 is more than 2 x the request 1",
        "the memory limit 3Gi is more than 2 x the request 1Gi",
    ]
    assert judged(given, cpuFactor=5, memoryFactor=3) == []
    assert judged(given, cpuFactor=2, memoryFactor=3, maxCpu="5") == []
    with stack_platform(limits={"cpuFactor": 2, "memoryFactor": 2}):
        assert len(judged(given)) == 2


def test_limits_below_requests_are_refused() -> None:
    assert places(judged(having({"cpu": "500m", "memory": "1Mi"}))) == [f"{LIMITS}.cpu", f"{LIMITS}.memory"]


def test_what_the_pod_may_use_counts_for_its_containers() -> None:
    assert judged({**having(None), "resources": {"limits": {"memory": "2Gi"}}}) == []


@pytest.mark.parametrize("type_", [JOB, CRON_JOB, *PATCH_TYPES])
def test_what_runs_to_its_end_or_is_changed_in_part_needs_no_limit_but_keeps_to_the_factor(type_: str) -> None:
    assert judged(having(None), type_) == []
    assert len(judged(having({"memory": "3Gi"}), type_, memoryFactor=2)) == 1


def test_objects_of_a_component_are_decided_by_the_component() -> None:
    parent = "urn:pulumi:dev::shop::my:index:Team$caraml:index:CustomModelVersion::iris-1"
    props = workload(DEPLOYMENT, having(None))
    assert verdict(policy, DEPLOYMENT, props, parent=parent).messages == []
    own = "urn:pulumi:dev::shop::my:index:Team::iris"
    assert len(verdict(policy, DEPLOYMENT, props, parent=own).messages) == 1


@pytest.mark.parametrize("type_", [DEPLOYMENT, KNATIVE_SERVICE, KNATIVE_CONFIGURATION])
def test_the_remedy_fills_in_the_limits_that_are_missing(type_: str) -> None:
    after = remediated(policy, type_, workload(type_, having(None)))
    assert after == workload(type_, having({"memory": "2Gi"}))
    assert violations(policy, type_, after) == []


@pytest.mark.parametrize(
    ("limits", "config", "filled_in"),
    [
        (None, {"memoryFactor": 1.5}, {"memory": "1536Mi"}),
        (None, {"cpuLimitRequired": True}, {"cpu": "8", "memory": "2Gi"}),
        (None, {"cpuLimitRequired": True, "cpuFactor": 3}, {"cpu": "3", "memory": "2Gi"}),
        ({"nvidia.com/gpu": "1"}, {}, {"nvidia.com/gpu": "1", "memory": "2Gi"}),
        ({"memory": "1Gi"}, {"cpuLimitRequired": True}, {"memory": "1Gi", "cpu": "8"}),
    ],
)
def test_the_remedy_keeps_what_is_given(
    limits: dict[str, str] | None, config: dict[str, Any], filled_in: dict[str, str]
) -> None:
    after = remediated(policy, DEPLOYMENT, workload(DEPLOYMENT, having(limits)), config=config)
    assert after == workload(DEPLOYMENT, having(filled_in))


@pytest.mark.parametrize(
    ("spec", "config"),
    [(having({"memory": "1Gi"}), {}), (having(None), {"memoryFactor": 0}), (pod(), {})],
)
def test_the_remedy_leaves_alone_what_it_cannot_mend_or_need_not(spec: dict[str, Any], config: dict[str, Any]) -> None:
    assert remediated(policy, DEPLOYMENT, workload(DEPLOYMENT, spec), config=config) is None


def test_the_remedy_waits_for_what_is_not_known_and_keeps_secrets() -> None:
    unknown = workload(DEPLOYMENT, having(None, memory=UNKNOWN))
    assert remediated(policy, DEPLOYMENT, unknown) is None
    variables = [{"name": "A", "value": Secret("x")}, {"name": "B", "value": UNKNOWN}]
    before, after = having(None), having({"memory": "2Gi"})
    before["containers"][0]["env"] = after["containers"][0]["env"] = variables
    assert remediated(policy, DEPLOYMENT, workload(DEPLOYMENT, before)) == workload(DEPLOYMENT, after)


def test_amounts_that_are_not_known_yet_are_judged_at_the_update() -> None:
    said = verdict(policy, DEPLOYMENT, workload(DEPLOYMENT, having({"memory": UNKNOWN})))
    assert (said.messages, bool(said.not_applicable)) == ([], True)
