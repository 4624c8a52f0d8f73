"""How many requests of a model are to succeed, and alerts on how fast errors use up what that allows.

The alerts are those of Google's SRE workbook, chapter 5: each looks over a long time, so that it is sure, and over a
twelfth of it, so that it ends soon after the errors do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from caraml_pulumi.model.alerts import AlertSeverity
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.spec import Spec

HOURS_A_DAY: Final = 24


class ObjectiveSpec(Spec):
    """A service-level objective: how many requests are to succeed."""

    availability: Annotated[float, Field(ge=1, lt=100, strict=True)] | None = None
    """Percent of the requests that are to succeed. Default: 99.5."""
    window_days: Annotated[WholeNumber, Field(ge=1, le=90)] | None = None
    """Over how many days. The alerts fire when the errors of this time would be used up too early. Default: 30."""
    enabled: bool | None = None
    """Whether there are alerts on it. Default: true."""


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective with every value decided."""

    availability: float = 99.5
    window_days: int = 30
    enabled: bool = True

    def props(self) -> dict[str, Any]:
        """What previews and policies read."""
        return {"availability": self.availability, "windowDays": self.window_days}


def decided_objective(*specs: ObjectiveSpec | None) -> Objective | None:
    """What the last of `specs` say, property by property; none where it is switched off."""
    given = [spec.model_dump(exclude_none=True) for spec in specs if spec]
    objective = Objective(**{name: value for one in given for name, value in one.items()})
    return objective if objective.enabled else None


@dataclass(frozen=True, slots=True)
class BurnRate:
    """A speed at which the budget of errors is used up, and how it is noticed."""

    long: str
    """The time that is looked over, as PromQL writes it."""
    short: str
    """A twelfth of it."""
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


def burn_rates(objective: Objective) -> Iterator[BurnRate]:
    """The alerts on `objective`, without those at a speed that the budget lasts at, or that no errors can reach."""
    budget = 1 - objective.availability / 100
    for part, hours, long, short, severity in _SPEEDS:
        factor = part * objective.window_days * HOURS_A_DAY / hours
        if factor >= 1 and factor * budget < 1:
            yield BurnRate(long, short, round(factor, 6), round(factor * budget, 9), severity)
