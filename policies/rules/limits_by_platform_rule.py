"""Limits of CPU and memory follow from the requests by the platform's rule.

A replica without a memory limit can take its node down, and one whose limit is far above its request is placed where
that much does not exist. Memory may be used up to `memoryFactor` times the request; CPU up to `cpuFactor` times the
request, up to the constant `defaultCpu` where there is no factor, or as a version's own `cpuLimit` says within the
ceiling `maxCpu` (seed: Deploying a Model Version; Merlin's factors). The factors and the ceiling are settings; those
left out are the stack's platform's. What is not known is not judged, but for one thing: a memory limit must be there
unless the factor is 0.

Judged are a version and its transformer, and of everything that makes pods that is no component's own the containers;
pods that run to their end (Jobs) need no limit. Configured as `remediate`, the rule fills missing limits in by the
rule: of memory, and of CPU where `cpuLimitRequired` is set.

    memoryFactor: 2

    # refused
    resources: {requests: {cpu: "1", memory: 1Gi}}
    resources: {requests: {cpu: "1", memory: 1Gi}, limits: {memory: 4Gi}}
    # passes
    resources: {requests: {cpu: "1", memory: 1Gi}, limits: {memory: 2Gi}}
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import resources
from caraml_pulumi.model.platform import ComputeLimits
from caraml_pulumi.model.spec import within
from policies.compute import CPU_FACTOR, MAX_CPU, MEMORY_FACTOR, LimitRule, amount, limit_rule, limited, requested
from policies.pods import PATCH_TYPES, POD_TYPES, SERVER_TYPES, Container, Pods, containers, pods
from policies.reading import MODEL_VERSION, at, broken
from policies.resource import Resource
from policies.rule import resource_rule
from policies.workloads import Workload, is_of_component, workloads

REQUIRED: Final = "cpuLimitRequired"
_NOUNS: Final[Mapping[str, str]] = {"cpu": "CPU", "memory": "memory"}


def _of_version(version: Resource) -> Iterator[CaramlError]:
    rule = limit_rule(version.settings)
    for workload in workloads(version):
        if "resourceRequest" in workload.props and not workload.props.get("instanceType"):
            yield from _of_workload(workload, rule)


def _of_workload(workload: Workload, rule: LimitRule) -> Iterator[CaramlError]:
    asked = at(workload.props, "resourceRequest")
    cpu, memory = amount(at(asked, "cpuRequest")), amount(at(asked, "memoryRequest"))
    cpu_limit, memory_limit = amount(at(asked, "cpuLimit")), amount(at(asked, "memoryLimit"))
    place = within(*workload.path, "resourceRequest", "cpuLimit")
    yield from broken(place(resources.limit_above_request), "CPU", cpu, cpu_limit)
    if cpu and cpu_limit:
        held = place(resources.cpu_limit_by_rule)
        factor = rule.cpu_factor or 0
        yield from broken(held, cpu, cpu_limit, factor=factor, default=rule.default_cpu, ceiling=rule.max_cpu)
    place = within(*workload.path, "resourceRequest", "memoryLimit")
    if rule.memory_factor:
        yield from broken(place(resources.limit_is_set), "memory", memory_limit)
    yield from broken(place(resources.limit_above_request), "memory", memory, memory_limit)
    if memory and memory_limit:
        yield from broken(
            place(resources.limit_by_factor), "memory", memory, memory_limit, factor=rule.memory_factor or 0
        )


def _of_pods(workload: Resource) -> Iterator[CaramlError]:
    if is_of_component(workload):
        return
    found, rule = pods(workload), limit_rule(workload.settings)
    serves = workload.type in SERVER_TYPES
    for container in containers(found):
        must_have = serves and bool(workload.settings[REQUIRED])
        yield from _of_container(container, found, "cpu", rule.cpu_factor or 0, must_have, ceiling=rule.max_cpu)
        must_have = serves and rule.memory_factor != 0
        yield from _of_container(container, found, "memory", rule.memory_factor or 0, must_have)


def _of_container(
    container: Container, found: Pods, resource: str, factor: float, must_have: bool, *, ceiling: str | None = None
) -> Iterator[CaramlError]:
    noun, place = _NOUNS[resource], within(*container.path, "resources", "limits", resource)
    request, limit = requested(container.props, resource), limited(container.props, resource)
    if limit is None and must_have:
        yield from broken(place(resources.limit_is_set), noun, limited(found.spec, resource))
    if limit is not None and request is not None:
        yield from broken(place(resources.limit_above_request), noun, request, limit)
        yield from broken(place(resources.limit_by_factor), noun, request, limit, factor=factor, ceiling=ceiling)


def _fill_in(workload: Resource, draft: dict[str, Any]) -> None:
    """Give each container the limits that it lacks, as the rule makes them of its requests."""
    rule = limit_rule(workload.settings)
    factor = ComputeLimits().memory_factor if rule.memory_factor is None else rule.memory_factor
    if is_of_component(workload) or workload.type not in SERVER_TYPES:
        return
    for container in containers(pods(workload)):
        cpu, memory = requested(container.props, "cpu"), requested(container.props, "memory")
        limits = {
            "cpu": cpu
            and workload.settings[REQUIRED]
            and resources.cpu_limit(cpu, explicit=None, factor=rule.cpu_factor or 0, default=rule.default_cpu),
            "memory": memory and resources.memory_limit(memory, factor=factor),
        }
        missing = {name: limit for name, limit in limits.items() if limit and limited(container.props, name) is None}
        if missing:
            own: Any = draft
            for part in container.path:
                own = own[part]
            given = own.get("resources") or {}
            own["resources"] = {**given, "limits": {**(given.get("limits") or {}), **missing}}


policy = resource_rule(
    "limits-by-platform-rule",
    "Limits of CPU and memory follow from the requests by the platform's rule.",
    doc=__doc__,
    severity=Severity.MEDIUM,
    tags=("resources",),
    steps="Set the memory limit to the request times the platform's factor; keep CPU limits within the ceiling.",
    settings={
        CPU_FACTOR: {
            "type": "number",
            "minimum": 0,
            "description": (
                "The CPU limit is the request times this; 0: there is no factor. "
                "Default: `limits.cpuFactor` of the stack's `caraml:platform`."
            ),
        },
        MEMORY_FACTOR: {
            "type": "number",
            "minimum": 0,
            "description": (
                "The memory limit is the request times this; 0: there need be no limit. "
                "Default: `limits.memoryFactor` of the stack's `caraml:platform`."
            ),
        },
        MAX_CPU: {
            "type": "string",
            "default": "",
            "description": (
                "The most CPU that a limit of one's own may be, as a Kubernetes quantity. "
                "Default: `maxCpu` of the stack's `caraml:platform`, else any."
            ),
        },
        REQUIRED: {
            "type": "boolean",
            "default": False,
            "description": "Whether containers that no component made must have a CPU limit as well.",
        },
    },
    judges={MODEL_VERSION: _of_version, **dict.fromkeys((*POD_TYPES, *PATCH_TYPES), _of_pods)},
    remedies=dict.fromkeys(SERVER_TYPES, _fill_in),
)
