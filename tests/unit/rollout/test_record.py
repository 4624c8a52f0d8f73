"""What stands in the history is read again as it was meant."""

from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.rollout.plan import plan_rollout
from caraml_pulumi.rollout.record import Kind, back_message, finished_message, latest_record, step_message

PLAN = plan_rollout("team", "iris", 2, {1: 100}, [5, 25, 50, 100])


def entry(message: str, result: str = "succeeded") -> dict[str, str]:
    return {"message": message, "result": result}


def test_messages_say_in_words_what_was_done() -> None:
    assert step_message(PLAN, 1) == "rollout of team/iris to version 2: 25 % (step 2 of 4, from 1=100)"
    assert back_message(PLAN, "error rate 9 % is above 1 %") == (
        "rollout of team/iris to version 2: back to 1=100 (error rate 9 % is above 1 %)"
    )
    assert finished_message(PLAN, "error rate 0 %") == "rollout of team/iris to version 2: finished (error rate 0 %)"


@given(
    to=st.integers(1, 10**6),
    old=st.integers(1, 10**6),
    weight=st.integers(0, 99),
    reason=st.text(max_size=40),
    result=st.sampled_from(["succeeded", "failed"]),
)
def test_any_record_is_read_as_it_was_written(to: int, old: int, weight: int, reason: str, result: str) -> None:
    if to == old:
        return
    plan = plan_rollout("team", "iris", to, {old: 100 - weight, to: weight}, [100])
    step = latest_record([entry(step_message(plan, 0), result)], "team", "iris")
    back = latest_record([entry("something else"), entry(back_message(plan, reason), result)], "team", "iris")
    finished = latest_record([entry(finished_message(plan, reason), result)], "team", "iris")
    assert step is not None
    assert back is not None
    assert finished is not None
    assert (step.kind, step.to, step.percent, dict(step.before), step.is_open, step.is_newest) == (
        Kind.STEP,
        to,
        100,
        dict(plan.before),
        True,
        True,
    )
    assert (back.kind, dict(back.before), back.is_newest) == (Kind.BACK, dict(plan.before), False)
    assert back.is_open == (result == "failed")
    assert (finished.kind, finished.to, finished.is_open) == (Kind.FINISHED, to, False)


def test_rollouts_of_other_models_are_not_taken_for_this_ones() -> None:
    history = [entry(step_message(PLAN, 0))]
    assert latest_record(history, "team", "iris") is not None
    assert latest_record(history, "other", "iris") is None
    assert latest_record(history, "team", "iris-big") is None
    assert latest_record([entry("rollout of team/iris"), entry("")], "team", "iris") is None
