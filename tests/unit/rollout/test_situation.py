"""Where a rollout is, told from the files, the state and the history."""

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.rollout.plan import Weights
from caraml_pulumi.rollout.record import Kind, Record
from caraml_pulumi.rollout.situation import Situation, find_situation

BEFORE = {1: 100}
STEPS = (5, 25, 50, 100)


def step(percent: int, *, to: int = 2, succeeded: bool = True, is_newest: bool = True) -> Record:
    return Record(Kind.STEP, to, percent, BEFORE, succeeded, is_newest)


def back(*, succeeded: bool) -> Record:
    return Record(Kind.BACK, 2, 0, BEFORE, succeeded, True)


def situation(
    declared: Weights, deployed: Weights, record: Record | None, *, recorded: Weights | None = None
) -> Situation:
    recorded = recorded or deployed
    return find_situation(
        "team", "iris", 2, STEPS, declared=declared, deployed=deployed, recorded=recorded, record=record
    )


def summary(found: Situation) -> tuple[int, bool, bool, bool]:
    return found.step, found.resumes, found.is_deployed, found.goes_back


def test_without_a_record_it_begins() -> None:
    found = situation(BEFORE, BEFORE, None)
    assert summary(found) == (0, False, False, False)
    assert (found.plan.before, found.plan.percents) == (BEFORE, STEPS)


def test_it_goes_on_from_weights_that_were_given_by_hand() -> None:
    weights = {1: 90, 2: 10}
    found = situation(weights, weights, None)
    assert (found.plan.before, found.plan.percents) == (weights, (25, 50, 100))


def test_killed_before_its_first_update_it_begins_again() -> None:
    assert summary(situation({1: 95, 2: 5}, BEFORE, None)) == (0, True, False, False)


def test_killed_before_its_first_update_was_recorded_it_knows_the_weights_before() -> None:
    weights = {1: 95, 2: 5}
    found = situation(weights, weights, None, recorded=BEFORE)
    assert (summary(found), found.plan.before) == ((0, True, False, False), BEFORE)


def test_killed_in_a_pause_it_watches_the_same_step_again() -> None:
    weights = {1: 75, 2: 25}
    assert summary(situation(weights, weights, step(25))) == (1, True, True, False)


def test_killed_before_the_update_of_a_step_it_makes_it() -> None:
    assert summary(situation({1: 50, 2: 50}, {1: 75, 2: 25}, step(25))) == (2, True, False, False)


def test_a_step_whose_update_failed_is_made_again() -> None:
    weights = {1: 75, 2: 25}
    assert summary(situation(weights, weights, step(25, succeeded=False))) == (1, True, False, False)


def test_killed_on_its_way_back_it_goes_back() -> None:
    assert summary(situation(BEFORE, {1: 75, 2: 25}, step(25)))[3]
    assert summary(situation(BEFORE, {1: 75, 2: 25}, back(succeeded=False)))[3]


def test_a_rollout_that_went_back_can_be_begun_anew() -> None:
    assert summary(situation(BEFORE, BEFORE, back(succeeded=True))) == (0, False, False, False)


def test_a_rollout_that_somebody_undid_by_an_update_can_be_begun_anew() -> None:
    assert summary(situation(BEFORE, BEFORE, step(25, is_newest=False))) == (0, False, False, False)


def test_other_steps_can_be_given_when_it_goes_on() -> None:
    weights = {1: 90, 2: 10}
    found = situation(weights, weights, step(10))
    assert (found.step, found.plan.percents) == (1, (5, 10, 25, 50, 100))


@pytest.mark.parametrize(
    ("declared", "deployed", "place"),
    [
        ({1: 70, 2: 30}, {1: 75, 2: 25}, "the release file gives version 1: 70 %, version 2: 30 %"),
        ({1: 75, 2: 25}, {1: 70, 2: 30}, "the stack's state gives version 1: 70 %, version 2: 30 %"),
        ({3: 100}, {1: 75, 2: 25}, "the release file gives version 3: 100 %"),
    ],
)
def test_weights_of_somebody_else_are_refused(declared: Weights, deployed: Weights, place: str) -> None:
    with pytest.raises(CaramlError, match="which is no step of this rollout") as error:
        situation(declared, deployed, step(25))
    assert error.value.what.startswith(place)


def test_weights_that_are_not_deployed_yet_are_no_beginning() -> None:
    with pytest.raises(CaramlError, match="the release file gives version 1: 60 %"):
        situation({1: 60, 2: 40}, BEFORE, None)


def test_two_rollouts_of_a_model_at_once_are_refused() -> None:
    with pytest.raises(CaramlError, match="to version 3 is not finished") as error:
        situation({1: 75, 3: 25}, {1: 75, 3: 25}, step(25, to=3))
    assert "--to 3" in error.value.fix
    assert "--abort" in error.value.fix


def test_a_version_that_has_all_the_traffic_needs_no_rollout() -> None:
    with pytest.raises(CaramlError, match="version 2 of team/iris has 100 % of the requests already"):
        situation({2: 100}, {2: 100}, None)
