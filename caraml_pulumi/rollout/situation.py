"""Where a rollout is: at its start, at a step that it was interrupted in, or on its way back.

It is told from the weights in the release file, those in the stack's state, and what the history says. There is no
other memory, so a rollout that was killed goes on from any machine that has the files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.rollout.plan import RolloutPlan, Weights, answering, plan_rollout, weights_text
from caraml_pulumi.rollout.record import Kind, Record


@dataclass(frozen=True, slots=True)
class Situation:
    """What to do next."""

    plan: RolloutPlan
    step: int
    """The step to make, or to make again, counted from 0."""
    resumes: bool
    """Whether it was begun before."""
    is_deployed: bool = False
    """Whether the step's update is done."""
    goes_back: bool = False
    """Whether it was on its way back."""


def find_situation(
    project: str,
    model: str,
    to: int,
    percents: Sequence[int],
    *,
    declared: Weights,
    deployed: Weights,
    recorded: Weights,
    record: Record | None,
) -> Situation:
    """Where the rollout to version `to` is.

    `declared` are the weights in the release file, `deployed` those in the state, and `recorded` those that the newest
    update in the history led to, which are others where an update was killed before it could record itself.

    Raises `CaramlError` for weights that this rollout did not leave, and while a rollout to another version is open.
    """
    if record is None or not record.is_open or _was_undone(record, declared, deployed):
        plan = plan_rollout(project, model, to, recorded, percents)
        if answering(deployed) in (answering(recorded), answering(plan.weights(0))):
            return _at_start(plan, declared, deployed)
        return _at_start(plan_rollout(project, model, to, deployed, percents), declared, deployed)
    if record.to != to:
        raise CaramlError(
            f"a rollout of {project}/{model} to version {record.to} is not finished",
            fix=f"go on with it: caraml rollout {project}/{model} --to {record.to}; or give it up: add --abort",
        )
    steps = sorted({*percents, record.percent} - {0})  # a record of going back names none
    plan = plan_rollout(project, model, to, record.before, steps)
    made = [answering(plan.weights(step)) for step in range(len(plan.percents))]
    before = answering(plan.before)
    _check_is_ours(plan, declared, "the release file", [before, *made])
    _check_is_ours(plan, deployed, "the stack's state", [before, *made])
    if record.kind is Kind.BACK or answering(declared) == before:
        return Situation(plan, 0, resumes=True, goes_back=True)
    step = made.index(answering(declared))
    is_deployed = record.succeeded and record.percent == plan.percents[step] and answering(deployed) == made[step]
    return Situation(plan, step, resumes=True, is_deployed=is_deployed)


def _was_undone(record: Record, declared: Weights, deployed: Weights) -> bool:
    """Whether a later update, not of the rollout, brought the weights before it back."""
    return not record.is_newest and answering(declared) == answering(deployed) == answering(record.before)


def _at_start(plan: RolloutPlan, declared: Weights, deployed: Weights) -> Situation:
    """A rollout that begins; the file, and maybe the state, have its first step already if it was killed right then."""
    if answering(declared) == answering(deployed) == answering(plan.before):
        return Situation(plan, 0, resumes=False)
    _check_is_ours(plan, declared, "the release file", [plan.before, plan.weights(0)])
    return Situation(plan, 0, resumes=True)


def _check_is_ours(plan: RolloutPlan, found: Weights, place: str, known: Sequence[Weights]) -> None:
    if answering(found) not in [answering(weights) for weights in known]:
        raise CaramlError(
            f"{place} gives {weights_text(answering(found))}, which is no step of this rollout of {plan.name}",
            allowed="; ".join(weights_text(weights) for weights in known),
            fix="somebody else changed the weights: restore one of these, or deploy yours first with caraml up",
        )
