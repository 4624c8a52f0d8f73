"""Replicas are at least as many as the environment wants, at most as many as it allows, and a range is a range.

The most is the setting `maxReplica`, else `maxAllowedReplica` of the stack's platform (Merlin). The least is the
setting `minReplica`: 0 unless it is configured, and 2 is usual in production, where one replica that restarts must not
be all there is.

Judged are a version and its transformer, unless the version is stopped, and what goes around them:
HorizontalPodAutoscalers, the annotations min-scale and max-scale of Knative Services, and `replicas` of what makes
pods, unless that is 0 or left to an autoscaler. A Knative Service without max-scale has no bound at all, so it is
refused where there is a most.

    minReplica: 2
    maxReplica: 10

    # refused
    resourceRequest: {minReplica: 1, maxReplica: 20}
    # passes
    resourceRequest: {minReplica: 2, maxReplica: 10}
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.autoscaling import CLASS_ANNOTATION, HPA, MAX_SCALE_ANNOTATION, MIN_SCALE_ANNOTATION
from caraml_pulumi.model.scaling import (
    MAX_ALLOWED,
    enough_replicas,
    replica_bounds_agree,
    replicas_are_bounded,
    replicas_within_ceiling,
)
from caraml_pulumi.model.spec import within
from policies.platform_config import platform
from policies.pods import REPLICA_SET, REPLICATION_CONTROLLER, STATEFUL_SET, Path, pods
from policies.reading import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, MODEL_VERSION, at, broken
from policies.resource import Resource
from policies.rule import resource_rule
from policies.workloads import KNATIVE_TYPES, workloads

_AUTOSCALERS = (HORIZONTAL_POD_AUTOSCALER, "kubernetes:autoscaling/v1:HorizontalPodAutoscaler")
_REPLICATED = (DEPLOYMENT, STATEFUL_SET, REPLICA_SET, REPLICATION_CONTROLLER)


def _of_version(version: Resource) -> Iterator[CaramlError]:
    if version.props.get("stopped"):
        return
    for path, props in workloads(version):
        fixed = props.get("replicas")
        if fixed is not None:
            yield from _fixed(version, (*path, "replicas"), int(fixed))
        elif "resourceRequest" in props:
            least, most = (int(props["resourceRequest"].get(name) or 0) for name in ("minReplica", "maxReplica"))
            yield from _range(version, (*path, "resourceRequest"), ("minReplica", least), ("maxReplica", most))


def _of_autoscaler(autoscaler: Resource) -> Iterator[CaramlError]:
    spec = at(autoscaler.props, "spec")
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    bounds = ("minReplicas", 1 if least is None else int(least)), ("maxReplicas", int(most))
    yield from _range(autoscaler, ("spec",), *bounds)


def _of_knative(service: Resource) -> Iterator[CaramlError]:
    found = pods(service)
    path = (*found.path, "metadata", "annotations")
    least, most = (
        int(text) if (text := str(at(found.annotations, name))).isdecimal() else 0
        for name in (MIN_SCALE_ANNOTATION, MAX_SCALE_ANNOTATION)
    )
    if found.annotations.get(CLASS_ANNOTATION) == HPA:
        least = max(least, 1)
    if most:
        yield from _range(service, path, (MIN_SCALE_ANNOTATION, least), (MAX_SCALE_ANNOTATION, most))
    else:
        yield from broken(within(*path)(enough_replicas), MIN_SCALE_ANNOTATION, least, _least(service))
        yield from broken(within(*path)(replicas_are_bounded), MAX_SCALE_ANNOTATION, *_most(service))


def _of_replicated(workload: Resource) -> Iterator[CaramlError]:
    replicas = at(workload.props, "spec").get("replicas")
    if replicas:
        yield from _fixed(workload, ("spec", "replicas"), int(replicas))


def _fixed(resource: Resource, path: Path, replicas: int) -> Iterator[CaramlError]:
    yield from broken(within(*path)(enough_replicas), "replicas", replicas, _least(resource))
    yield from broken(within(*path)(replicas_within_ceiling), "replicas", replicas, *_most(resource))


def _range(resource: Resource, path: Path, least: tuple[str, int], most: tuple[str, int]) -> Iterator[CaramlError]:
    yield from broken(within(*path)(replica_bounds_agree), least[1], most[1])
    yield from broken(within(*path, least[0])(enough_replicas), *least, _least(resource))
    yield from broken(within(*path, most[0])(replicas_within_ceiling), *most, *_most(resource))


def _least(resource: Resource) -> int:
    return int(resource.settings["minReplica"])


def _most(resource: Resource) -> tuple[int | None, str]:
    """The most replicas, and what that is called where it is set."""
    if most := int(resource.settings["maxReplica"]):
        return most, "maxReplica"
    configured = platform()
    return configured.max_allowed_replica if configured else None, MAX_ALLOWED


policy = resource_rule(
    "replicas-within-bounds",
    "Replicas are at least as many as the environment wants, and at most as many as it allows.",
    doc=__doc__,
    severity=Severity.MEDIUM,
    tags=("resources", "availability"),
    steps="Set minReplica and maxReplica within the environment's bounds.",
    settings={
        "minReplica": {
            "type": "integer",
            "minimum": 0,
            "default": 0,
            "description": "The fewest replicas that a workload may be scaled down to.",
        },
        "maxReplica": {
            "type": "integer",
            "minimum": 0,
            "default": 0,
            "description": (
                "The most replicas that a workload may be scaled up to. "
                "Default: `maxAllowedReplica` of the stack's `caraml:platform`, else any number."
            ),
        },
    },
    judges={
        MODEL_VERSION: _of_version,
        **dict.fromkeys(_AUTOSCALERS, _of_autoscaler),
        **dict.fromkeys(KNATIVE_TYPES, _of_knative),
        **dict.fromkeys(_REPLICATED, _of_replicated),
        **{f"{type_}Patch": _of_replicated for type_ in _REPLICATED},
    },
)
