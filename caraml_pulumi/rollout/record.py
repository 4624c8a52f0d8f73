"""What a rollout writes into a stack's history, and what can be read out of it again."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from caraml_pulumi.rollout.plan import RolloutPlan, Weights


class Kind(StrEnum):
    """What an update was for."""

    STEP = "step"
    """It gave the version more weight."""
    BACK = "back"
    """It gave the weight back."""
    FINISHED = "finished"
    """The last step held."""


@dataclass(frozen=True, slots=True)
class Record:
    """An update of a rollout, from its message in the history."""

    kind: Kind
    to: int
    percent: int
    """The weight of the version in the step; 0 if it is no step."""
    before: Weights
    """The weights before the rollout; of a finished one there are none."""
    succeeded: bool
    is_newest: bool
    """Whether no other update came after it."""

    @property
    def is_open(self) -> bool:
        """Whether the rollout has still to go on, or back."""
        return self.kind is Kind.STEP or (self.kind is Kind.BACK and not self.succeeded)


_MESSAGE: Final = re.compile(
    r"rollout of (?P<name>\S+) to version (?P<to>\d+): "
    r"(?:(?P<percent>\d+) % \(step \d+ of \d+, from (?P<before>[\d=, ]+)\)"
    r"|back to (?P<back>[\d=, ]+) \(.*\)"
    r"|finished.*)",
    re.DOTALL,
)


def step_message(plan: RolloutPlan, step: int) -> str:
    """``rollout of team/iris to version 2: 25 % (step 2 of 4, from 1=100)``."""
    place = f"step {step + 1} of {len(plan.percents)}, from {_brief(plan.before)}"
    return f"{_of(plan)}: {plan.percents[step]} % ({place})"


def back_message(plan: RolloutPlan, reason: str) -> str:
    """``rollout of team/iris to version 2: back to 1=100 (error rate 12 % is above 1 %)``."""
    return f"{_of(plan)}: back to {_brief(plan.before)} ({reason})"


def finished_message(plan: RolloutPlan, findings: str) -> str:
    """``rollout of team/iris to version 2: finished (error rate 0 %)``."""
    return f"{_of(plan)}: finished ({findings})"


def latest_record(history: Iterable[Mapping[str, Any]], project: str, model: str) -> Record | None:
    """The newest update in `history`, the newest first, that belongs to a rollout of the model."""
    for index, entry in enumerate(history):
        match = _MESSAGE.fullmatch(str(entry.get("message", "")))
        if match and match["name"] == f"{project}/{model}":
            kind = Kind.STEP if match["percent"] else Kind.BACK if match["back"] else Kind.FINISHED
            return Record(
                kind,
                int(match["to"]),
                int(match["percent"] or 0),
                _weights(match["before"] or match["back"] or ""),
                entry.get("result") == "succeeded",
                index == 0,
            )
    return None


def _of(plan: RolloutPlan) -> str:
    return f"rollout of {plan.name} to version {plan.to}"


def _brief(weights: Weights) -> str:
    return ", ".join(f"{version}={weight}" for version, weight in sorted(weights.items()))


def _weights(text: str) -> dict[int, int]:
    return {int(version): int(weight) for version, weight in re.findall(r"(\d+)=(\d+)", text)}
