"""A rollout from step to step: an update, a watch, and on, or back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from caraml_pulumi.errors import LOCKED, CaramlError
from caraml_pulumi.rollout.plan import RolloutPlan, Weights, answering, weights_text
from caraml_pulumi.rollout.record import back_message, finished_message, step_message
from caraml_pulumi.rollout.situation import Situation
from caraml_pulumi.rollout.verdict import Decision, Verdict, Watch

LOCK_POLL_SECONDS: Final = 5.0
LOCK_PATIENCE_SECONDS: Final = 600.0
"""How long another update of the stack may hold up a step."""


class DeclaredWeights(Protocol):
    """Where the weights are declared: a release file."""

    def weights(self) -> Weights:
        """As they are now."""

    def write(self, weights: Weights) -> None:
        """Declare others."""


class Show(Protocol):
    """Tells people, or programs, how far a rollout is."""

    def begin(self, step: int) -> None:
        """A step's update is about to run."""

    def watch(self, step: int, elapsed_seconds: float, verdict: Verdict) -> None:
        """Prometheus was asked, `elapsed_seconds` after the step's update."""

    def held(self, step: int, verdict: Verdict) -> None:
        """A step held."""

    def back(self, reason: str) -> None:
        """The weights before are about to be restored."""

    def wait(self, text: str) -> None:
        """Something else has to end first."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long each step is watched, and how long what is not known is waited for."""

    pause_seconds: float
    patience: int
    allow_no_traffic: bool = False

    @property
    def poll_seconds(self) -> float:
        """How often Prometheus is asked: ten times a pause, but not more than once a second nor less than every 15."""
        return min(15.0, max(1.0, self.pause_seconds / 10))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rollout acts on."""

    file: DeclaredWeights
    deployed: Callable[[], Weights]
    """The weights in the stack's state."""
    update: Callable[[str], None]
    """Deploy the files, with a message for the history. Raises `CaramlError` if that fails."""
    show: Show
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def roll_out(situation: Situation, pace: Pace, measure: Callable[[], Verdict], around: Surroundings) -> str:
    """Go from the step of `situation` to the last. Returns why it went back; nothing if it did not.

    Raises:
        CaramlError: an update failed, or somebody else changed the weights; the rollout can be resumed.
    """
    plan = situation.plan
    for step in range(situation.step, len(plan.percents)):
        first = step == situation.step
        if not first:
            _check_untouched(plan, step - 1, around)
        if not first or not situation.is_deployed:
            around.show.begin(step)
            around.file.write(plan.weights(step))
            _update(step_message(plan, step), around)
        decision, verdict = _watch(step, pace, measure, around)
        if decision is Decision.BACK:
            return go_back(plan, verdict.text, around)
        around.show.held(step, verdict)
    _check_untouched(plan, len(plan.percents) - 1, around)
    around.file.write(plan.after)
    _update(finished_message(plan, verdict.text), around)
    return ""


def go_back(plan: RolloutPlan, reason: str, around: Surroundings) -> str:
    """Restore the weights before the rollout; returns `reason`. Raises `CaramlError` if that fails."""
    around.show.back(reason)
    around.file.write(plan.before)
    try:
        _update(back_message(plan, reason), around)
    except CaramlError as error:
        raise CaramlError(
            f"{plan.name} has to go back to {weights_text(plan.before)} ({reason}), but that failed: {error.what}",
            where=error.where,
            exit_code=error.exit_code,
        ) from error
    return reason


def _watch(step: int, pace: Pace, measure: Callable[[], Verdict], around: Surroundings) -> tuple[Decision, Verdict]:
    """Watch a step until it held or did not."""
    watch = Watch(pace.pause_seconds, pace.patience, pace.allow_no_traffic)
    start = around.now()
    while True:
        around.sleep(pace.poll_seconds)
        verdict = measure()
        elapsed = around.now() - start
        around.show.watch(step, elapsed, verdict)
        decision = watch.decide(verdict, elapsed)
        if decision is not Decision.WAIT:
            return decision, verdict


def _update(message: str, around: Surroundings) -> None:
    """Deploy; another update of the stack that holds the lock is waited for."""
    deadline = around.now() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            return around.update(message)
        except CaramlError as error:
            if error.exit_code != LOCKED or around.now() > deadline:
                raise
            around.show.wait(error.what)
            around.sleep(LOCK_POLL_SECONDS)


def _check_untouched(plan: RolloutPlan, step: int, around: Surroundings) -> None:
    """Refuse to go on where somebody else changed the weights of the step that was made last."""
    made = answering(plan.weights(step))
    for place, found in (("the release file", around.file.weights()), ("the stack's state", around.deployed())):
        if answering(found) != made:
            raise CaramlError(
                f"{place} gives {weights_text(answering(found))}, where the rollout of {plan.name} left "
                f"{weights_text(made)}",
                fix="somebody else changed the weights meanwhile: agree on them first",
            )
