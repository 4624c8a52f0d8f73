"""Pods, whatever makes them: the specification of the pods of a workload, and the containers in it."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from policies.reading import DEPLOYMENT, KNATIVE_SERVICE, Properties, at
from policies.resource import Resource

Path = tuple[str | int, ...]

POD: Final = "kubernetes:core/v1:Pod"
STATEFUL_SET: Final = "kubernetes:apps/v1:StatefulSet"
DAEMON_SET: Final = "kubernetes:apps/v1:DaemonSet"
REPLICA_SET: Final = "kubernetes:apps/v1:ReplicaSet"
REPLICATION_CONTROLLER: Final = "kubernetes:core/v1:ReplicationController"
JOB: Final = "kubernetes:batch/v1:Job"
CRON_JOB: Final = "kubernetes:batch/v1:CronJob"
KNATIVE_CONFIGURATION: Final = "kubernetes:serving.knative.dev/v1:Configuration"

_TEMPLATE: Final[Path] = ("spec", "template")
_PODS: Final[Mapping[str, Path]] = {
    POD: (),
    DEPLOYMENT: _TEMPLATE,
    STATEFUL_SET: _TEMPLATE,
    DAEMON_SET: _TEMPLATE,
    REPLICA_SET: _TEMPLATE,
    REPLICATION_CONTROLLER: _TEMPLATE,
    JOB: _TEMPLATE,
    CRON_JOB: ("spec", "jobTemplate", *_TEMPLATE),
    KNATIVE_SERVICE: _TEMPLATE,
    KNATIVE_CONFIGURATION: _TEMPLATE,
}
"""Where the pods of each type are described."""

POD_TYPES: Final = tuple(_PODS)
"""All that makes pods."""
SERVER_TYPES: Final = tuple(type_ for type_ in _PODS if type_ not in (JOB, CRON_JOB))
"""What makes pods that are to run for ever."""
_PATCH: Final = "Patch"
PATCH_TYPES: Final = tuple(type_ + _PATCH for type_ in _PODS)
"""What changes fields of something that makes pods; only rules on what must not be said can judge it."""


class Pods(NamedTuple):
    """What the pods of a resource are like."""

    path: Path
    """Where in the resource they are described: up to what has `metadata` and `spec`."""
    labels: Properties
    annotations: Properties
    spec: Properties


class Container(NamedTuple):
    """A container of a pod."""

    path: Path
    """Where in the resource it is."""
    props: Properties
    init: bool


def pods(resource: Resource) -> Pods:
    """The pods that a resource of `POD_TYPES` makes, or what one of `PATCH_TYPES` says of them."""
    path = _PODS[resource.type.removesuffix(_PATCH)]
    template = at(resource.props, *(str(part) for part in path))
    return Pods(
        path,
        at(template, "metadata", "labels"),
        at(template, "metadata", "annotations"),
        at(template, "spec"),
    )


def containers(found: Pods, *, init: bool = False) -> Iterator[Container]:
    """The containers of pods; with `init`, those before them as well."""
    for name in ("initContainers", "containers") if init else ("containers",):
        for index, props in enumerate(at(found.spec, name)):
            yield Container((*found.path, "spec", name, index), props, name == "initContainers")
