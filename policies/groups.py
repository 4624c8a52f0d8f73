"""What the rules about groups share: the projects of a stack, and what runs in their namespaces.

Versions that components deploy say themselves what they ask for. What no component made counts as well, by what its
containers are limited to, else ask for: as a version where it carries the labels of one, and otherwise against the
quota alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, NamedTuple

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.gpu import NVIDIA_GPU
from caraml_pulumi.model.group import GroupQuota
from caraml_pulumi.model.names import full_name
from caraml_pulumi.model.project import AMD_GPU
from caraml_pulumi.model.quota import Demand, Share
from policies.platform_config import label_prefix
from policies.pods import POD, containers, pods
from policies.reading import MODEL_PROJECT, MODEL_VERSION, Properties, at, version_of_object
from policies.replicas import REPLICATED_TYPES, Replicas, namespace_of, replicas_of_stack
from policies.resource import Resource, Stack
from policies.rule import Blamed, StackJudge, blame

_GPUS: Final = (NVIDIA_GPU, AMD_GPU)


@dataclass(frozen=True, slots=True)
class Group:
    """A project, by its outputs, and what runs in it."""

    name: str
    urn: str
    enabled: bool
    quota: GroupQuota
    made: list[Demand]
    """Its versions that components deploy."""
    around: list["Around"]
    """What else runs in its namespace."""

    @property
    def versions(self) -> list[Demand]:
        """Its deployed versions, each once."""
        labelled = {one.version: one.demand for one in self.around if one.version}
        return [*self.made, *labelled.values()]

    @property
    def demands(self) -> list[Demand]:
        """What all of it asks for."""
        return [*self.made, *(one.demand for one in self.around)]


class Around(NamedTuple):
    """A workload that no version's component made."""

    namespace: str
    environment: str
    """Empty if no label says."""
    version: str
    """The full name of the version whose labels it carries, or nothing."""
    demand: Demand


def groups(stack: Stack) -> Iterator[Group]:
    """The projects of a stack that say what they allow."""
    outputs = [version.props for version in stack.of(MODEL_VERSION)]
    demands = [(_where(props), _demand(props)) for props in outputs if "demand" in props]
    raw = [*_raw_workloads(stack)]
    for project in stack.of(MODEL_PROJECT):
        if "quota" in project.props:
            where = environment, name = _where(project.props)
            own = [demand for place, demand in demands if place == where]
            made = {demand.version for demand in own}
            around = [one for one in raw if one.namespace == name and one.environment in ("", environment)]
            around = [one for one in around if one.version not in made]
            quota = GroupQuota.model_validate(dict(project.props["quota"]))
            yield Group(name, project.urn, project.props["enabled"], quota, own, around)


def of_each_group(rule: Callable[[Group], Iterable[CaramlError]]) -> StackJudge:
    """A judge that holds every project of a stack to `rule`, and blames the project."""

    def judge(stack: Stack) -> Iterator[Blamed]:
        for group in groups(stack):
            yield from blame(group.urn, rule(group))

    return judge


def _where(outputs: Mapping[str, Any]) -> tuple[str, str]:
    return outputs["environment"], outputs["project"]


def _demand(outputs: Mapping[str, Any]) -> Demand:
    return Demand.read(full_name(outputs["model"], int(outputs["version"])), outputs["demand"])


def _raw_workloads(stack: Stack) -> Iterator[Around]:
    """The workloads of a stack below no version."""
    components = {version.urn for version in stack.of(MODEL_VERSION)}
    replicas, prefix = replicas_of_stack(stack), label_prefix(stack.settings)
    for workload in stack.of(*REPLICATED_TYPES, POD):
        if workload.parent not in components:
            count = _count(Replicas(1, 1) if workload.type == POD else replicas(workload))
            try:
                if count:
                    yield _raw(workload, count, prefix)
            except CaramlError:
                continue  # an amount that is no quantity: Kubernetes refuses the workload, so that it takes nothing


def _count(replicas: Replicas) -> int:
    """The replicas that count: all there may be; where nothing bounds them, those that there are at least."""
    return int(replicas.most) if isfinite(replicas.most) else max(replicas.least, 1)


def _raw(workload: Resource, replicas: int, prefix: str) -> Around:
    labelled = version_of_object(workload.props, prefix)
    kind, name = workload.type.rpartition(":")[2], at(workload.props, "metadata", "name") or workload.name
    version = full_name(labelled.model, labelled.version) if labelled else ""
    shares = [_share(container.props, replicas) for container in containers(pods(workload))]
    return Around(
        namespace_of(workload),
        labelled.environment if labelled else "",
        version,
        Demand.of(version or f"{kind} {name}", shares),
    )


def _share(container: Properties, replicas: int) -> Share:
    """What a container may use: of each resource its limit, else its request, else what Kubernetes gives it: nothing.

    Kubernetes refuses GPUs whose limit is not their request.
    """
    limits, requests = at(container, "resources", "limits"), at(container, "resources", "requests")
    cpu, memory = (str(limits.get(name) or requests.get(name) or "0") for name in ("cpu", "memory"))
    return Share(cpu, memory, sum(int(float(limits.get(name) or 0)) for name in _GPUS), replicas)
