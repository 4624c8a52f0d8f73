from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.evidence import STACK_VARIABLE
from policies.reading import DEPLOYMENT, KNATIVE_SERVICE, MODEL_VERSION
from policies.rules.deployment_mode_kept import policy
from tests.unit.policies.models import Named, defaults, raw_deployment, raw_knative_service, state, version, written
from tests.unit.policies.objects import first_lines, places

BEFORE = Path(__file__).with_name("stack_before.json")
VIOLATION: list[Named] = raw_deployment(1)[:1]
CONFIG = {"stackBefore": str(BEFORE)}
REFUSAL = "changing deployment type of a running model is not allowed, please terminate it first"

Judged = Callable[..., list[str]]


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judged:
    monkeypatch.delenv(STACK_VARIABLE, raising=False)

    def judge(new: Named, *before: Named, **config: Any) -> list[str]:
        file = written(tmp_path / "before.json", state(*before))
        return violations(policy, new[0], new[2], name=new[1], config={"stackBefore": file, **config})

    return judge


def serverless(number: int = 1, **more: Any) -> Named:
    return version(number, deploymentMode="SERVERLESS", **more)


def in_raw_mode(number: int = 1, **more: Any) -> Named:
    return version(number, deploymentMode="RAW_DEPLOYMENT", **more)


def scaled(minimum: int, maximum: int) -> dict[str, Any]:
    return {"autoscalingPolicy": {}, "resourceRequest": {"minReplica": minimum, "maxReplica": maximum}}


def test_the_rule_is_mandatory() -> None:
    assert policy.name == "deployment-mode-kept"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert defaults(policy) == {"stackBefore": "", "labelPrefix": "", "environments": [], "exemptions": []}


def test_a_version_that_keeps_its_mode_and_a_new_one_pass(judged: Judged) -> None:
    assert judged(serverless(), serverless()) == []
    assert judged(in_raw_mode(), serverless(2), in_raw_mode()) == []
    assert judged(in_raw_mode(), serverless(project="wine-team")) == []


def test_another_mode_is_refused(judged: Judged) -> None:
    found = judged(in_raw_mode(), serverless())
    assert first_lines(found) == [REFUSAL]
    assert places(found) == ["iris-1: deploymentMode, SERVERLESS => RAW_DEPLOYMENT"]


def test_a_stopped_version_may_change_its_mode(judged: Judged) -> None:
    assert judged(in_raw_mode(), serverless(stopped=True, status="terminated")) == []


def test_an_autoscaler_does_not_become_a_number_in_one_update(judged: Judged) -> None:
    found = judged(in_raw_mode(replicas=2), in_raw_mode(**scaled(1, 3)))
    assert first_lines(found) == ["the autoscaler of 1 to 3 replicas could outlive the change to 2"]
    assert places(found) == ["iris-1: replicas"]
    assert "set minReplica and maxReplica to 2 and run up" in found[0]
    assert judged(in_raw_mode(replicas=2), in_raw_mode(**scaled(2, 2))) == []


def test_a_workload_with_the_labels_of_a_version_keeps_its_kind(judged: Judged) -> None:
    [deployment, _] = raw_deployment(1)
    assert first_lines(judged(deployment, raw_knative_service(1))) == [REFUSAL]
    assert first_lines(judged(raw_knative_service(1), deployment)) == [REFUSAL]
    assert judged(deployment, deployment) == []
    assert judged(deployment, raw_knative_service(2)) == []
    [stopped, _] = raw_deployment(1, replicas=0)
    assert judged(raw_knative_service(1), stopped) == []
    assert judged(deployment, raw_knative_service(1), labelPrefix="example.org/") == []


def test_a_workload_of_no_version_is_not_judged(judged: Judged) -> None:
    bystander = (DEPLOYMENT, "redis", {"metadata": {"name": "redis"}})
    assert judged(bystander, (KNATIVE_SERVICE, "redis", {"metadata": {"name": "redis"}})) == []


def test_without_the_stack_of_before_the_rule_is_not_applicable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STACK_VARIABLE, raising=False)
    found = verdict(policy, MODEL_VERSION, in_raw_mode()[2])
    assert found.violations == []
    assert "what the stack was before is not known" in str(found.not_applicable)


def test_evidence_that_cannot_be_read_is_a_violation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STACK_VARIABLE, str(tmp_path / "none.json"))
    assert first_lines(violations(policy, MODEL_VERSION, in_raw_mode()[2])) == [
        "the evidence cannot be read: No such file or directory"
    ]


def test_the_state_of_another_stack_is_a_violation(tmp_path: Path) -> None:
    config = {"stackBefore": written(tmp_path / "a.json", state(serverless()))}
    found = violations(policy, MODEL_VERSION, in_raw_mode(environment="prod")[2], stack="prod", config=config)
    assert first_lines(found) == ['the evidence is of stack "project/dev"']


def test_a_mode_that_is_not_known_yet_is_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STACK_VARIABLE, written(tmp_path / "a.json", state(serverless())))
    found = verdict(policy, MODEL_VERSION, version(1, deploymentMode=UNKNOWN)[2])
    assert found.violations == []
    assert found.not_applicable


def test_the_recorded_stack_of_before_makes_the_violation() -> None:
    [(type_, name, props)] = VIOLATION
    assert first_lines(violations(policy, type_, props, name=name, config=CONFIG)) == [REFUSAL]
