"""Whether a version holds: what was measured against what the alerts allow, and what follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.alerts import DEFAULT_PERCENTILE, AlertMetric, AlertSpec

VERDICTS_IN_A_ROW: Final = 2
"""How many verdicts that agree decide; one alone may be chance, or of series that have just begun."""


@dataclass(frozen=True, slots=True)
class Check:
    """A threshold of a metric of the version."""

    metric: AlertMetric
    limit: float
    """The last good value: percent, or milliseconds."""
    percentile: float | None = None
    """Of latency."""

    @property
    def title(self) -> str:
        """``error rate``, ``p95 latency``."""
        return "error rate" if self.percentile is None else f"p{self.percentile:g} latency"

    def shown(self, value: float) -> str:
        """A value with its unit."""
        number = f"{value:.3g}" if value < 100 else f"{value:.0f}"
        return f"{number} {'%' if self.metric is AlertMetric.ERROR_RATE else 'ms'}"


class State(StrEnum):
    """What the checks say together."""

    HOLDS = "holds"
    BREACHED = "breached"
    NO_SAMPLES = "no samples"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checks say at one time."""

    state: State
    text: str
    values: Mapping[str, float | None]
    """What was measured, by the checks' titles."""


def checks_of(
    alerts: Sequence[AlertSpec], *, max_error_rate: float | None = None, max_latency: float | None = None
) -> tuple[Check, ...]:
    """The checks that follow from a model's alerts: of each metric and percentile the strictest alert.

    `max_error_rate` in percent and `max_latency` in milliseconds come before the alerts. Raises `CaramlError` if there
    is nothing to check.
    """
    limits: dict[tuple[AlertMetric, float | None], float] = {}
    given = {AlertMetric.ERROR_RATE: max_error_rate, AlertMetric.LATENCY: max_latency}
    for alert in alerts:
        if alert.metric in given and alert.target is not None:
            key = (alert.metric, alert.percentile)
            limits[key] = min(limits.get(key, alert.target), alert.target)
    for metric, limit in given.items():
        if limit is not None:
            percentiles = [percentile for found, percentile in limits if found is metric]
            default = DEFAULT_PERCENTILE if metric is AlertMetric.LATENCY else None
            limits = {key: value for key, value in limits.items() if key[0] is not metric}
            limits[metric, percentiles[0] if percentiles else default] = limit
    if not limits:
        raise CaramlError(
            "the model has no alerts on error rate or latency, so nothing says whether a step holds",
            fix="add alerts to its endpoint's monitoring, or give --max-error-rate or --max-latency",
        )
    order = list(given)
    keys = sorted(limits, key=lambda key: (order.index(key[0]), key[1] or 0))
    return tuple(Check(metric, limits[metric, percentile], percentile) for metric, percentile in keys)


def judge(measured: Mapping[Check, float | None]) -> Verdict:
    """What `measured` says: None is a metric without samples. One value above its limit is enough to fail."""
    values = {check.title: value for check, value in measured.items()}
    above = [
        f"{check.title} {check.shown(value)} is above {check.shown(check.limit)}"
        for check, value in measured.items()
        if value is not None and value > check.limit
    ]
    if above:
        return Verdict(State.BREACHED, ", ".join(above), values)
    missing = [check.title for check, value in measured.items() if value is None]
    if missing:
        return Verdict(State.NO_SAMPLES, f"Prometheus has no samples of {' and '.join(missing)}", values)
    held = [f"{check.title} {check.shown(value)}" for check, value in measured.items() if value is not None]
    return Verdict(State.HOLDS, ", ".join(held), values)


def unreachable(error: CaramlError) -> Verdict:
    """Prometheus did not answer."""
    return Verdict(State.UNREACHABLE, error.what, {})


class Decision(StrEnum):
    """What to do after a verdict."""

    WAIT = "wait"
    PROCEED = "proceed"
    BACK = "back"


@dataclass(slots=True)
class Watch:
    """One step, watched from its update until it held or did not.

    It has to hold for `pause_seconds`, and is given up before if it does not; `VERDICTS_IN_A_ROW` decide. What is not
    known, for want of samples or of an answer, is waited for, until `patience` pauses are over: then it did not hold.
    """

    pause_seconds: float
    patience: int
    allow_no_traffic: bool = False
    _holds: bool | None = None
    _in_a_row: int = 0

    def decide(self, verdict: Verdict, elapsed_seconds: float) -> Decision:
        """What follows from a verdict, `elapsed_seconds` after the update."""
        holds = self._meaning(verdict.state)
        self._in_a_row = self._in_a_row + 1 if holds is self._holds else 1
        self._holds = holds
        if elapsed_seconds >= self.pause_seconds * self.patience:
            return Decision.PROCEED if holds else Decision.BACK
        if holds is None or self._in_a_row < VERDICTS_IN_A_ROW:
            return Decision.WAIT
        if not holds:
            return Decision.BACK
        return Decision.PROCEED if elapsed_seconds >= self.pause_seconds else Decision.WAIT

    def _meaning(self, state: State) -> bool | None:
        """Whether the version holds; None if that is not known."""
        if state is State.NO_SAMPLES and self.allow_no_traffic:
            return True
        return {State.HOLDS: True, State.BREACHED: False}.get(state)
