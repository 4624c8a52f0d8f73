"""A PodDisruptionBudget lets nodes be drained: some replica may leave at some time.

With `maxUnavailable: 0` or `minAvailable: 100%` every eviction is refused, so that a drain of a node, an upgrade of the
cluster or a scale-down of the node pool waits for ever, or is forced and then takes all replicas. The budgets that
components make always let a node be drained.

Configured to remediate, such a budget gets `maxUnavailable: 1` in place of its bound.

    # advised against
    spec: {minAvailable: 100%, selector: {...}}
    # passes
    spec: {maxUnavailable: 1, selector: {...}}
"""

from collections.abc import Iterator
from typing import Any, Final

from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.disruption import budget_allows_drain
from caraml_pulumi.model.spec import within
from policies.reading import POD_DISRUPTION_BUDGET, at, broken
from policies.resource import Resource
from policies.rule import resource_rule

_BUDGETS: Final = (POD_DISRUPTION_BUDGET, f"{POD_DISRUPTION_BUDGET}Patch")


def _of_budget(budget: Resource) -> Iterator[CaramlError]:
    spec = at(budget.props, "spec")
    yield from broken(within("spec")(budget_allows_drain), spec.get("minAvailable"), spec.get("maxUnavailable"))


def _open(budget: Resource, draft: dict[str, Any]) -> None:
    if any(_of_budget(budget)):
        kept = {name: value for name, value in draft["spec"].items() if name != "minAvailable"}
        draft["spec"] = {**kept, "maxUnavailable": 1}


policy = resource_rule(
    "pod-disruption-budget-allows-drain",
    "A PodDisruptionBudget lets nodes be drained.",
    doc=__doc__,
    level=EnforcementLevel.ADVISORY,
    severity=Severity.MEDIUM,
    tags=("availability",),
    steps="Set maxUnavailable: 1 in place of maxUnavailable: 0 or minAvailable: 100%.",
    judges=dict.fromkeys(_BUDGETS, _of_budget),
    remedies=dict.fromkeys(_BUDGETS, _open),
)
