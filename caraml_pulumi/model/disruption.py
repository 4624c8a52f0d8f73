"""Pod disruption budgets: how many replicas stay while nodes are drained."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.selectors import selects
from caraml_pulumi.model.spec import Spec, as_validation_error, within


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


def budget_allows_drain(min_available: str | float | None, max_unavailable: str | float | None) -> None:
    """Refuse a budget under which no replica may ever leave, so that no node can be drained.

    The bounds are a PodDisruptionBudget's: a number of replicas, or a percentage of them. Whether a number of replicas
    that stay is all of them is not known here. Raises `CaramlError` with the path of the bound.
    """
    fix = "set maxUnavailable: 1 in its place"
    if max_unavailable is not None and str(max_unavailable) in ("0", "0.0", "0%"):
        with within("maxUnavailable"):
            raise CaramlError(
                "no replica may be missing: the budget blocks every drain of a node",
                allowed="1 or more, or 1% or more",
                fix=fix,
            )
    if min_available == "100%":
        with within("minAvailable"):
            raise CaramlError(
                "all replicas stay, 100%: the budget blocks every drain of a node",
                allowed="less than 100%",
                fix=fix,
            )


def budgeted(
    workload: str, least_replicas: int, pod_labels: Mapping[str, str], selectors: Iterable[Mapping[str, Any] | None]
) -> None:
    """Refuse a workload of two or more replicas at least whose pods no PodDisruptionBudget selects.

    `selectors` are those of the budgets in its namespace. One replica needs none: its budget would block every drain.
    """
    if least_replicas > 1 and not any(selects(selector, pod_labels) for selector in selectors):
        raise CaramlError(
            f"{workload} has {least_replicas} replicas or more and no PodDisruptionBudget: a drain of nodes may take "
            "all at once",
            allowed="a budget in its namespace whose selector selects its pods",
            fix="set podDisruptionBudget: {maxUnavailablePercentage: 50} on the platform or the version; for other "
            "workloads, add a PodDisruptionBudget with maxUnavailable: 1",
        )
