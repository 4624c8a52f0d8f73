import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.disruption import (
    DisruptionBudgetSettings,
    budget_allows_drain,
    budgeted,
    plan_disruption_budget,
)

percentages = st.integers(0, 100)
budgets = st.one_of(
    st.builds(lambda value: DisruptionBudgetSettings(min_available_percentage=value), percentages),
    st.builds(lambda value: DisruptionBudgetSettings(max_unavailable_percentage=value), percentages),
)


@given(budgets, st.integers(0, 9))
def test_no_budget_that_is_planned_blocks_every_drain(settings: DisruptionBudgetSettings, replicas: int) -> None:
    planned = plan_disruption_budget(settings, replicas)
    if planned:
        budget_allows_drain(planned.min_available, planned.max_unavailable)


@pytest.mark.parametrize("may_go", [0, 0.0, "0", "0%"])
def test_a_budget_under_which_nothing_may_go_is_refused(may_go: str | float) -> None:
    with pytest.raises(CaramlError, match="blocks every drain") as caught:
        budget_allows_drain(None, may_go)
    assert caught.value.where == "maxUnavailable"


def test_a_budget_under_which_all_stay_is_refused() -> None:
    with pytest.raises(CaramlError, match="100%") as caught:
        budget_allows_drain("100%", None)
    assert caught.value.where == "minAvailable"
    budget_allows_drain(100, None)


@given(st.integers(0, 5), st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy")))
def test_two_replicas_or_more_want_a_budget_of_their_own(replicas: int, labels: dict[str, str]) -> None:
    budgeted("Deployment iris", replicas, labels, [{"matchLabels": labels}])
    other = [{"matchLabels": {**labels, "c": "z"}}, None]
    if replicas < 2:
        budgeted("Deployment iris", replicas, labels, other)
    else:
        with pytest.raises(CaramlError, match=f"Deployment iris has {replicas} replicas or more"):
            budgeted("Deployment iris", replicas, labels, other)
