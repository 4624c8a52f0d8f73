"""Pod disruption budgets: how many replicas stay while nodes are drained."""

from dataclasses import dataclass
from math import ceil
from typing import Annotated

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.spec import Spec, as_validation_error


class DisruptionBudgetSettings(Spec):
    """The budget of an environment's workloads, in percent; the properties are Merlin's."""

    enabled: bool = True
    """Whether workloads get a budget."""
    min_available_percentage: Annotated[WholeNumber, Field(ge=0, le=100)] | None = None
    """Replicas that stay, in percent."""
    max_unavailable_percentage: Annotated[WholeNumber, Field(ge=0, le=100)] | None = None
    """Replicas that may be missing, in percent."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "DisruptionBudgetSettings":
        given = [self.min_available_percentage, self.max_unavailable_percentage].count(None)
        with as_validation_error():
            if self.enabled and given != 1:
                raise CaramlError(
                    "a disruption budget has " + ("both percentages" if given == 0 else "no percentage"),
                    allowed="exactly one of minAvailablePercentage and maxUnavailablePercentage",
                )
        return self


@dataclass(frozen=True, slots=True)
class DisruptionBudget:
    """A budget with its one bound decided: a percentage such as ``20%``."""

    min_available: str | None
    max_unavailable: str | None


def plan_disruption_budget(settings: DisruptionBudgetSettings | None, min_replica: int) -> DisruptionBudget | None:
    """The budget of a workload, by Merlin's condition: only one that lets a node be drained.

    None where all of the least replicas would have to stay (one replica, or none), which would block every drain.
    """
    if settings is None or not settings.enabled:
        return None
    percentage = settings.min_available_percentage
    if percentage is not None:
        stays = ceil(min_replica * percentage / 100)
        return DisruptionBudget(f"{percentage}%", None) if stays < min_replica else None
    may_go = settings.max_unavailable_percentage or 0
    return DisruptionBudget(None, f"{may_go}%") if may_go > 0 else None
