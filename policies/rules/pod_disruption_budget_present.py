"""Workloads that always have two replicas or more have a PodDisruptionBudget.

Without one, a drain of nodes may take all replicas at once. A CustomModelVersion makes a budget where the platform's
`podDisruptionBudget`, or its own, says how many replicas stay, if that lets a node be drained: with two replicas
`minAvailablePercentage: 80` would keep both, so that none is made, and `maxUnavailablePercentage: 50` lets one leave.

Judged are Deployments, ReplicaSets, StatefulSets and Knative Services, by their least replicas: those of a
HorizontalPodAutoscaler that scales the workload, the min-scale of a Knative Service, else `replicas`. A budget counts
if it is in the namespace of the workload and selects its pods. The rule looks at the whole stack: budgets that another
stack makes are not seen.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.model.disruption import budgeted
from policies.pods import pods
from policies.reading import KNATIVE_SERVICE, POD_DISRUPTION_BUDGET, Properties, at, broken
from policies.replicas import REPLICATED_TYPES, namespace_of, replicas_of_stack
from policies.resource import Resource, Stack
from policies.rule import Blamed, blame, stack_rule


def _of_stack(stack: Stack) -> Iterator[Blamed]:
    selectors: dict[str, list[Properties | None]] = defaultdict(list)
    for budget in stack.of(POD_DISRUPTION_BUDGET):
        selectors[namespace_of(budget)].append(at(budget.props, "spec").get("selector"))
    replicas = replicas_of_stack(stack)
    for workload in stack.of(*REPLICATED_TYPES):
        name = f"{workload.type.rpartition(':')[2]} {at(workload.props, 'metadata', 'name') or workload.name}"
        least, namespace = replicas(workload).least, namespace_of(workload)
        if least > 1:
            yield from blame(workload.urn, broken(budgeted, name, least, _labels(workload), selectors[namespace]))


def _labels(workload: Resource) -> dict[str, Any]:
    """The labels of the pods; Knative adds the name of their Service."""
    name = at(workload.props, "metadata", "name")
    of_service = {"serving.knative.dev/service": name} if workload.type == KNATIVE_SERVICE and name else {}
    return {**pods(workload).labels, **of_service}


policy = stack_rule(
    "pod-disruption-budget-present",
    "Workloads of two replicas or more have a PodDisruptionBudget.",
    doc=__doc__,
    level=EnforcementLevel.ADVISORY,
    severity=Severity.MEDIUM,
    tags=("availability",),
    steps="Set podDisruptionBudget: {maxUnavailablePercentage: 50} on the platform, or add a PodDisruptionBudget.",
    judge=_of_stack,
)
