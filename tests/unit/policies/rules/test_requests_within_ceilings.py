from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import CRON_JOB, JOB, PATCH_TYPES, POD_TYPES, SERVER_TYPES
from policies.reading import DEPLOYMENT, MODEL_VERSION
from policies.rules.requests_within_ceilings import policy
from tests.unit.policies.configured import stack_platform, version
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, pod()))]
CEILINGS: dict[str, Any] = {"maxCpu": "4", "maxMemory": "8Gi"}


def asking(cpu: object = "1", memory: object = "1Gi") -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, "memory": memory}}}


def judged(spec: dict[str, Any], type_: str = DEPLOYMENT, **config: Any) -> list[str]:
    return violations(policy, type_, workload(type_, spec), config=config)


def test_the_rule_is_mandatory_and_has_no_ceilings_of_its_own() -> None:
    assert policy.name == "requests-within-ceilings"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert [settings_of(policy)[name]["default"] for name in ("maxCpu", "maxMemory")] == ["", ""]


def test_a_version_asks_for_no_more_than_the_environment_allows() -> None:
    props = version(resourceRequest={"cpuRequest": "4500m", "memoryRequest": "8Gi"})
    assert violations(policy, MODEL_VERSION, props) == []
    (message,) = violations(policy, MODEL_VERSION, props, config=CEILINGS)
    assert message.splitlines() == [
        "cpuRequest 4500m is more than the environment allows",
        "  where:   resourceRequest.cpuRequest",
        "  allowed: at most 4 (maxCpu)",
        "  fix:     lower cpuRequest to 4, or less",
    ]
    assert len(violations(policy, MODEL_VERSION, props, config={"maxCpu": "4", "maxMemory": "8G"})) == 2


def test_the_stacks_platform_has_the_ceilings_unless_the_settings_do() -> None:
    props = version(resourceRequest={"cpuRequest": "3"})
    with stack_platform(maxCpu="2"):
        assert len(violations(policy, MODEL_VERSION, props)) == 1
        assert violations(policy, MODEL_VERSION, props, config=CEILINGS) == []


@pytest.mark.parametrize(("amount", "said"), [("0", "cpuRequest is 0"), (None, "cpuRequest is missing")])
def test_a_version_that_asks_for_nothing_is_refused(amount: str | None, said: str) -> None:
    props: Properties = {"resourceRequest": {"cpuRequest": amount, "memoryRequest": "1Gi"}}
    (message,) = violations(policy, MODEL_VERSION, props)
    assert message.startswith(said)


def test_a_transformer_is_held_to_the_ceilings_as_well() -> None:
    props = version(
        transformer={"image": "ghcr.io/team/transformer:1", "resourceRequest": {"memoryRequest": "9Gi"}},
    )
    found = violations(policy, MODEL_VERSION, props, config=CEILINGS)
    assert places(found) == ["transformer.resourceRequest.memoryRequest"]


@pytest.mark.parametrize("type_", SERVER_TYPES)
def test_whatever_makes_pods_to_run_for_ever_asks_for_both(type_: str) -> None:
    assert first_lines(judged(pod(), type_)) == [
        'the CPU request of container "model" is missing: without it, replicas are placed on nodes that are full',
        'the memory request of container "model" is missing: without it, replicas are placed on nodes that are full',
    ]
    assert judged(pod(asking()), type_) == []


@pytest.mark.parametrize("type_", [JOB, CRON_JOB, *PATCH_TYPES])
def test_what_runs_to_its_end_or_is_changed_in_part_need_not_ask_but_is_held_to_the_ceilings(type_: str) -> None:
    assert judged(pod(), type_) == []
    assert len(judged(pod(asking(cpu="5")), type_, **CEILINGS)) == 1


def test_a_limit_alone_is_a_request_as_kubernetes_has_it() -> None:
    assert judged(pod({"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}})) == []
    assert len(judged(pod({"resources": {"limits": {"cpu": "9", "memory": "1Gi"}}}), **CEILINGS)) == 1


def test_what_the_pod_asks_for_counts_for_its_containers() -> None:
    assert judged(pod(resources={"requests": {"cpu": "1", "memory": "1Gi"}})) == []


def test_amounts_are_compared_exactly_however_they_are_written() -> None:
    assert judged(pod(asking(cpu=4, memory="8192Mi")), **CEILINGS) == []
    assert first_lines(judged(pod(asking(cpu=4.5)), **CEILINGS)) == [
        'the CPU request of container "model" 4.5 is more than the environment allows'
    ]
    assert len(judged(pod(asking(cpu="4001m", memory="8193Mi")), **CEILINGS)) == 2


def test_init_containers_are_held_to_the_ceilings_and_need_not_ask() -> None:
    spec = pod(asking(), initContainers=[{"name": "setup"}, {"name": "load", **asking(cpu="5")}])
    assert places(judged(spec, **CEILINGS)) == ["spec.template.spec.initContainers[1].resources.requests.cpu"]


def test_several_containers_are_no_way_around_a_ceiling() -> None:
    spec = pod(asking(cpu="3"))
    spec["containers"].append({"name": "second", **asking(cpu="2")})
    (message,) = judged(spec, **CEILINGS)
    assert message.splitlines()[:3] == [
        "the CPU request of all containers 5 is more than the environment allows",
        "  where:   spec.template.spec.containers",
        "  allowed: at most 4 (maxCpu)",
    ]


def test_what_is_no_quantity_is_a_violation() -> None:
    assert first_lines(judged(pod(asking(cpu="four")), **CEILINGS)) == ['"four" is not a quantity']


@pytest.mark.parametrize("type_", POD_TYPES)
def test_amounts_that_are_not_known_yet_are_judged_at_the_update(type_: str) -> None:
    said = verdict(policy, type_, workload(type_, pod(asking(cpu=UNKNOWN))))
    assert (said.messages, bool(said.not_applicable)) == ([], True)


@pytest.mark.parametrize("amount", [0.0, "0", "-1"])
def test_an_object_that_asks_for_nothing_or_less_is_refused(amount: object) -> None:
    asking = pod({"resources": {"requests": {"cpu": amount, "memory": "1Gi"}}})
    found = verdict(policy, DEPLOYMENT, workload(DEPLOYMENT, asking)).messages
    assert [message.splitlines()[0].partition(" is ")[0] for message in found] == [
        'the CPU request of container "model"'
    ]
