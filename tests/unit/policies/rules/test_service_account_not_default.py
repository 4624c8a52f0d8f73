from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import POD_TYPES
from policies.reading import DEPLOYMENT, IMAGE_BUILD, MODEL_VERSION
from policies.rules.service_account_not_default import policy
from tests.unit.components.programs import one_version
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, pod()))]
ENVIRONMENT = "prod"
SAID = "the pods run as the namespace's default ServiceAccount, and share its rights with every other pod there"


def judged(stack: str = "prod", config: dict[str, Any] | None = None, **spec: Any) -> list[str]:
    return violations(policy, DEPLOYMENT, workload(DEPLOYMENT, pod(**spec)), stack=stack, config=config)


def test_the_rule_is_mandatory_in_production() -> None:
    assert policy.name == "service-account-not-default"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.MEDIUM)
    properties = settings_of(policy)
    assert properties["environments"]["default"] == ["prod", "production"]
    assert properties["tokenless"]["default"] is True
    assert judged(stack="dev") == []


@pytest.mark.parametrize(
    "spec", [{"serviceAccountName": "iris"}, {"serviceAccount": "iris"}, {"automountServiceAccountToken": False}]
)
def test_pods_with_an_account_of_their_own_or_no_token_pass(spec: dict[str, Any]) -> None:
    assert judged(**spec) == []


@pytest.mark.parametrize(
    "spec", [{}, {"serviceAccountName": "default"}, {"serviceAccountName": ""}, {"automountServiceAccountToken": True}]
)
def test_pods_of_the_default_account_are_refused(spec: dict[str, Any]) -> None:
    found = judged(**spec)
    assert first_lines(found) == [SAID]
    assert places(found) == ["spec.template.spec.serviceAccountName"]


def test_a_platform_may_want_accounts_also_of_pods_without_a_token() -> None:
    assert len(judged(config={"tokenless": False}, automountServiceAccountToken=False)) == 1


@pytest.mark.parametrize("type_", [MODEL_VERSION, IMAGE_BUILD])
def test_a_component_names_its_account(type_: str) -> None:
    found = violations(policy, type_, {"model": "iris", "environment": "prod"})
    assert first_lines(found) == [SAID]
    assert places(found) == ["serviceAccountName"]
    assert violations(policy, type_, {"environment": "prod", "serviceAccountName": "iris"}) == []


def test_what_a_component_is_told_is_what_the_rule_reads() -> None:
    recording = one_version(service_account_name="iris")
    for item in recording.registrations:
        if policy.looks_at(item.type):
            assert violations(policy, item.type, item.inputs, config={"environments": []}) == []


@pytest.mark.parametrize("type_", POD_TYPES)
def test_whatever_makes_pods_is_held_to_the_rule(type_: str) -> None:
    assert len(violations(policy, type_, workload(type_, pod()), stack="prod")) == 1


def test_an_account_that_is_not_known_yet_is_judged_at_the_update() -> None:
    said = verdict(policy, DEPLOYMENT, workload(DEPLOYMENT, pod(serviceAccountName=UNKNOWN)), stack="prod")
    assert said.messages == []
    assert said.not_applicable
