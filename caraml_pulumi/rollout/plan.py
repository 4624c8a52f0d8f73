"""The steps of a rollout: which weights follow each other, and those that it goes back to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from caraml_pulumi.errors import USAGE, CaramlError

Weights = Mapping[int, int]
"""Percent of the requests by version."""


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """A rollout of a model to a version, from the weights before it to those of the last step."""

    project: str
    model: str
    to: int
    before: Weights
    percents: tuple[int, ...]
    """The weight of the version in each step; it only grows."""

    @property
    def name(self) -> str:
        """The model with its project."""
        return f"{self.project}/{self.model}"

    @property
    def old(self) -> int:
        """The version that the weight is taken from."""
        return next(version for version in answering(self.before) if version != self.to)

    def weights(self, step: int) -> Weights:
        """The weights of a step, counted from 0; the old version stays in the last one, with 0 if need be."""
        percent = self.percents[step]
        return {self.old: 100 - percent, self.to: percent}

    @property
    def after(self) -> Weights:
        """The weights when the last step has held: a version without weight is left out."""
        return answering(self.weights(-1))


def answering(weights: Weights) -> dict[int, int]:
    """The versions that have weight, in order."""
    return {version: weights[version] for version in sorted(weights) if weights[version]}


def weights_text(weights: Weights) -> str:
    """``version 1: 90 %, version 2: 10 %``."""
    return ", ".join(f"version {version}: {weight} %" for version, weight in sorted(weights.items())) or "no version"


def parse_percents(text: str) -> tuple[int, ...]:
    """The steps in ``5,25,50,100``. Raises `CaramlError` unless they are percentages above 0 that grow."""
    parts = [part.strip().removesuffix("%").strip() for part in text.split(",")]
    numbers = [int(part) if part.isascii() and part.isdigit() else 0 for part in parts]
    grows = all(first < second for first, second in pairwise(numbers))
    if not grows or not 0 < numbers[0] <= numbers[-1] <= 100:
        raise CaramlError(
            f'"{text}" are no steps of a rollout',
            where="--steps",
            allowed="percentages from 1 to 100, each larger than the one before: 5,25,50,100",
            exit_code=USAGE,
        )
    return tuple(numbers)


def plan_rollout(project: str, model: str, to: int, before: Weights, percents: Sequence[int]) -> RolloutPlan:
    """The rollout from the weights `before`; steps that are reached already are left out.

    Raises `CaramlError` if no one version is there to take the weight from, or if there is nothing to do.
    """
    has = answering(before)
    others = [version for version in has if version != to]
    left = tuple(percent for percent in percents if percent > has.get(to, 0))
    if not others or not left:
        raise CaramlError(
            f"version {to} of {project}/{model} has {has.get(to, 0)} % of the requests already",
            allowed="a version that has less than the last step",
        )
    if len(others) > 1:
        raise CaramlError(
            f"{len(others)} versions of {project}/{model} would have to give weight: {weights_text(has)}",
            allowed="one version that gives it to another",
            fix=f"give all of it to one of them before version {to} is rolled out",
        )
    return RolloutPlan(project, model, to, dict(before), left)
