from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.testing.policies import remediated, verdict, violations
from policies.reading import POD_DISRUPTION_BUDGET
from policies.rules.pod_disruption_budget_allows_drain import policy
from tests.unit.components.programs import one_version
from tests.unit.policies.objects import Resources, first_lines, places, settings_of

SELECTOR = {"matchLabels": {"app": "raw"}}


def budget(**spec: Any) -> Properties:
    return {"metadata": {"name": "raw", "namespace": "iris-team"}, "spec": {"selector": SELECTOR, **spec}}


VIOLATION: Resources = [(POD_DISRUPTION_BUDGET, "raw", budget(maxUnavailable=0))]


def test_the_rule_is_advice_without_settings_of_its_own() -> None:
    assert policy.name == "pod-disruption-budget-allows-drain"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.ADVISORY, Severity.MEDIUM)
    assert set(settings_of(policy)) == {"environments", "exemptions"}


@pytest.mark.parametrize(
    "spec",
    [
        {"maxUnavailable": 1},
        {"maxUnavailable": "1%"},
        {"maxUnavailable": "100%"},
        {"minAvailable": 0},
        {"minAvailable": 2},
        {"minAvailable": "99%"},
        {},
    ],
)
def test_a_budget_under_which_a_replica_may_leave_passes(spec: dict[str, Any]) -> None:
    assert violations(policy, POD_DISRUPTION_BUDGET, budget(**spec)) == []
    assert remediated(policy, POD_DISRUPTION_BUDGET, budget(**spec)) is None


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"maxUnavailable": 0}, "no replica may be missing: the budget blocks every drain of a node"),
        ({"maxUnavailable": "0%"}, "no replica may be missing: the budget blocks every drain of a node"),
        ({"minAvailable": "100%"}, "all replicas stay, 100%: the budget blocks every drain of a node"),
    ],
)
def test_a_budget_that_blocks_every_drain_is_advised_against_and_opened(spec: dict[str, Any], said: str) -> None:
    found = violations(policy, POD_DISRUPTION_BUDGET, budget(**spec))
    assert first_lines(found) == [said]
    assert places(found) == [f"spec.{next(iter(spec))}"]
    after = remediated(policy, POD_DISRUPTION_BUDGET, budget(**spec))
    assert after == budget(maxUnavailable=1)
    assert violations(policy, POD_DISRUPTION_BUDGET, after) == []


def test_a_patch_of_a_budget_is_held_to_the_rule() -> None:
    patch = f"{POD_DISRUPTION_BUDGET}Patch"
    assert len(violations(policy, patch, budget(maxUnavailable=0))) == 1
    assert remediated(policy, patch, budget(maxUnavailable=0)) == budget(maxUnavailable=1)


@pytest.mark.parametrize("percentages", [{"minAvailablePercentage": 100}, {"maxUnavailablePercentage": 0}])
def test_components_make_no_budget_that_blocks_every_drain(percentages: dict[str, int]) -> None:
    made = one_version(pod_disruption_budget=percentages, resource_request={"minReplica": 2, "maxReplica": 3})
    assert POD_DISRUPTION_BUDGET not in [item.type for item in made.registrations]


def test_the_budgets_that_components_make_pass() -> None:
    for percentages in ({"minAvailablePercentage": 50}, {"maxUnavailablePercentage": 1}):
        made = one_version(pod_disruption_budget=percentages, resource_request={"minReplica": 2, "maxReplica": 3})
        (own,) = (item for item in made.registrations if item.type == POD_DISRUPTION_BUDGET)
        assert violations(policy, POD_DISRUPTION_BUDGET, own.inputs) == []


def test_a_bound_that_is_not_known_yet_is_judged_at_the_update() -> None:
    said = verdict(policy, POD_DISRUPTION_BUDGET, budget(maxUnavailable=UNKNOWN))
    assert said.messages == []
    assert said.not_applicable
