"""How many replicas the workloads of a stack have, at least and at most."""

from collections.abc import Callable
from math import inf
from typing import Final, NamedTuple

from caraml_pulumi.model.autoscaling import DOMAIN
from policies.pods import REPLICA_SET, STATEFUL_SET
from policies.reading import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, KNATIVE_SERVICE, Properties, at
from policies.resource import Resource, Stack

REPLICATED_TYPES: Final = (DEPLOYMENT, STATEFUL_SET, REPLICA_SET, KNATIVE_SERVICE)
"""What makes several pods of one kind that run for ever."""
_AUTOSCALERS: Final = (HORIZONTAL_POD_AUTOSCALER, "kubernetes:autoscaling/v1:HorizontalPodAutoscaler")


class Replicas(NamedTuple):
    """How many replicas there may be."""

    least: int
    most: float
    """Infinite where nothing bounds them."""


def namespace_of(resource: Resource) -> str:
    """The namespace of an object: Kubernetes' default one if it names none."""
    return str(at(resource.props, "metadata", "namespace") or "default")


def replicas_of_stack(stack: Stack) -> Callable[[Resource], Replicas]:
    """What tells the replicas of a workload of `REPLICATED_TYPES`: its autoscaler's bounds, else its own number."""
    scaled: dict[tuple[str, str, str], Properties] = {}
    for autoscaler in stack.of(*_AUTOSCALERS):
        target = at(autoscaler.props, "spec", "scaleTargetRef")
        scaled[namespace_of(autoscaler), at(target, "kind"), at(target, "name")] = at(autoscaler.props, "spec")

    def replicas(workload: Resource) -> Replicas:
        if workload.type == KNATIVE_SERVICE:
            return _of_knative(workload)
        kind, name = workload.type.rpartition(":")[2], at(workload.props, "metadata", "name")
        bounds = scaled.get((namespace_of(workload), kind, name)) if name else None
        fixed = at(workload.props, "spec").get("replicas")
        if fixed == 0:
            return Replicas(0, 0)
        if bounds:
            least = bounds.get("minReplicas")
            return Replicas(1 if least is None else int(least), int(bounds.get("maxReplicas") or 1))
        number = 1 if fixed is None else int(fixed)
        return Replicas(number, number)

    return replicas


def _of_knative(service: Resource) -> Replicas:
    """The bounds in the annotations of a Knative Service's template; 0 at most is no bound."""
    annotations = at(service.props, "spec", "template", "metadata", "annotations")
    written = [str(at(annotations, f"{DOMAIN}/{bound}-scale")) for bound in ("min", "max")]
    least, most = (int(text) if text.isdecimal() else 0 for text in written)
    return Replicas(least, most or inf)
