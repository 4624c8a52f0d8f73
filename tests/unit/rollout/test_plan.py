"""The steps of a rollout."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import USAGE, CaramlError
from caraml_pulumi.rollout.plan import answering, parse_percents, plan_rollout

PERCENTS = st.lists(st.integers(1, 100), min_size=1, max_size=8, unique=True).map(sorted)


@given(percents=PERCENTS, has=st.integers(0, 100), listed=st.booleans())
def test_weights_sum_to_100_and_those_of_the_version_only_grow(percents: list[int], has: int, listed: bool) -> None:
    before = {1: 100 - has, 2: has} if has or listed else {1: 100}
    if percents[-1] <= has:
        with pytest.raises(CaramlError, match=f"has {has} % of the requests already"):
            plan_rollout("team", "iris", 2, before, percents)
        return
    plan = plan_rollout("team", "iris", 2, before, percents)
    weights = [plan.weights(step) for step in range(len(plan.percents))]
    assert all(sum(one.values()) == 100 for one in [*weights, plan.after])
    growing = [has, *(one[2] for one in weights)]
    assert growing == sorted(set(growing))
    assert growing[-1] == percents[-1]
    assert answering(plan.after) == dict(plan.after) == answering(weights[-1])


def test_the_old_version_stays_with_no_weight_until_the_last_step_has_held() -> None:
    plan = plan_rollout("team", "iris", 3, {2: 100}, [50, 100])
    assert [plan.weights(0), plan.weights(1), plan.after] == [{2: 50, 3: 50}, {2: 0, 3: 100}, {3: 100}]


def test_steps_that_are_reached_already_are_left_out() -> None:
    assert plan_rollout("team", "iris", 2, {1: 90, 2: 10}, [5, 10, 25, 100]).percents == (25, 100)


def test_two_versions_cannot_both_give_weight_to_a_third() -> None:
    with pytest.raises(CaramlError, match="2 versions of team/iris would have to give weight: version 1: 90 %"):
        plan_rollout("team", "iris", 3, {1: 90, 2: 10}, [100])


@pytest.mark.parametrize(("text", "percents"), [("100", (100,)), ("5, 25%,100", (5, 25, 100)), ("1,2,3", (1, 2, 3))])
def test_steps_are_percentages_that_grow(text: str, percents: tuple[int, ...]) -> None:
    assert parse_percents(text) == percents


@pytest.mark.parametrize("text", ["", "0,100", "50,25", "5,5", "101", "5;25", "-5", "5,,100", "1e1", "\u0665"])
def test_anything_else_is_no_steps(text: str) -> None:
    with pytest.raises(CaramlError, match="are no steps of a rollout") as error:
        parse_percents(text)
    assert error.value.exit_code == USAGE
