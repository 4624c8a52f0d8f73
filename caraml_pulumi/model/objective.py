"""Alerts on how fast errors use up what an objective allows (Google's SRE workbook, chapter 5).

Each looks over a long time, so that it is sure, and over a twelfth of it, so that it ends soon after the errors do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from caraml_pulumi.model.alerts import AlertSeverity, ObjectiveSpec

HOURS_A_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class BurnRate:
    """A speed at which the budget of errors is used up, and how it is noticed."""

    long: str
    """The time that is looked over, as PromQL writes it."""
    short: str
    factor: float
    """How many times as fast as would just last for the objective's time."""
    threshold: float
    """The part of the requests that fails at this speed."""
    severity: AlertSeverity


_SPEEDS: Final = (
    (0.02, 1, "1h", "5m", AlertSeverity.CRITICAL),
    (0.05, 6, "6h", "30m", AlertSeverity.CRITICAL),
    (0.10, 24, "1d", "2h", AlertSeverity.WARNING),
    (0.10, 72, "3d", "6h", AlertSeverity.WARNING),
)
"""Which part of the budget is used up in how many hours: over 30 days factors of 14.4, 6, 3 and 1."""
WINDOWS: Final = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
"""The times over which the part of failing requests is recorded."""


def burn_rates(objective: ObjectiveSpec) -> Iterator[BurnRate]:
    """The alerts on `objective`, without those at a speed that the budget lasts at, or that no errors can reach."""
    budget = 1 - objective.availability / 100
    for part, hours, long, short, severity in _SPEEDS:
        factor = part * objective.window_days * HOURS_A_DAY / hours
        if factor >= 1 and factor * budget < 1:
            yield BurnRate(long, short, round(factor, 6), round(factor * budget, 9), severity)
