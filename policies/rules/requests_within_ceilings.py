"""Every replica asks for CPU and memory, and for no more than the environment allows.

A replica that asks for nothing is placed on nodes that are full already, and is the first that is thrown out. One that
asks for more than any node has is never placed. The ceilings are the settings `maxCpu` and `maxMemory`, else those of
the stack's platform; fractions of a core count exactly, which Merlin's own check lets through.

Judged are a version and its transformer; and of everything that makes pods, each container, init container and all
containers of a pod together. Pods that run to their end (Jobs) need not ask for anything, and a patch of a workload
need not say what it leaves alone. A container that has a limit only asks for that, as Kubernetes has it; what the pod
as a whole asks for counts for its containers.

    maxCpu: "4"
    maxMemory: 8Gi

    # refused
    resources: {limits: {memory: 1Gi}}                       # no CPU
    resources: {requests: {cpu: "4500m", memory: 1Gi}}
    # passes
    resources: {requests: {cpu: "4", memory: 1Gi}}
"""

from collections.abc import Iterable, Iterator, Mapping

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.quantities import parse_quantity, total
from caraml_pulumi.model.resources import amount_is_requested, amount_within_ceiling
from caraml_pulumi.model.spec import within
from policies.compute import MAX_CPU, MAX_MEMORY, Ceilings, amount, ceilings, requested
from policies.pods import PATCH_TYPES, POD_TYPES, SERVER_TYPES, Container, Pods, containers, pods
from policies.reading import MODEL_VERSION, at, broken
from policies.resource import Resource
from policies.rule import resource_rule
from policies.workloads import workloads

_NOUNS: Mapping[str, str] = {"cpu": "CPU", "memory": "memory"}


def _of_version(version: Resource) -> Iterator[CaramlError]:
    most = ceilings(version.settings)
    for path, props in workloads(version):
        if "resourceRequest" not in props:
            continue
        for name, ceiling, setting in (
            ("cpuRequest", most.cpu, MAX_CPU),
            ("memoryRequest", most.memory, MAX_MEMORY),
        ):
            asked = amount(at(props, "resourceRequest", name))
            place = within(*path, "resourceRequest", name)
            yield from broken(place(amount_is_requested), name, asked)
            if asked is not None:
                yield from broken(place(amount_within_ceiling), name, asked, ceiling, setting)


def _of_pods(workload: Resource) -> Iterator[CaramlError]:
    found, most = pods(workload), ceilings(workload.settings)
    errors = [
        error
        for container in containers(found, init=True)
        for error in _of_container(container, found, most, must_ask=workload.type in SERVER_TYPES)
    ]
    yield from errors or _of_all(found, most)


def _of_container(container: Container, found: Pods, most: Ceilings, *, must_ask: bool) -> Iterator[CaramlError]:
    name = container.props.get("name")
    for resource, ceiling, setting in (("cpu", most.cpu, MAX_CPU), ("memory", most.memory, MAX_MEMORY)):
        asked = requested(container.props, resource)
        noun = f'the {_NOUNS[resource]} request of container "{name}"'
        place = within(*container.path, "resources", "requests", resource)
        if asked is not None:
            nothing = [*broken(place(amount_is_requested), noun, asked)] if must_ask and not container.init else []
            yield from nothing or broken(place(amount_within_ceiling), noun, asked, ceiling, setting)
        elif must_ask and not container.init and requested(found.spec, resource) is None:
            yield from broken(place(amount_is_requested), noun, None)


def _of_all(found: Pods, most: Ceilings) -> Iterator[CaramlError]:
    """Hold the containers of a pod together to the ceilings: a replica is a pod."""
    place = within(*found.path, "spec", "containers")
    for resource, ceiling, setting in (("cpu", most.cpu, MAX_CPU), ("memory", most.memory, MAX_MEMORY)):
        asked = [requested(container.props, resource) for container in containers(found)] if ceiling else []
        noun = f"the {_NOUNS[resource]} request of all containers"
        yield from broken(place(_sum_within_ceiling), noun, asked, ceiling, setting)


def _sum_within_ceiling(noun: str, asked: Iterable[str | None], ceiling: str | None, setting: str) -> None:
    together = total((parse_quantity(each), 1) for each in asked if each is not None)
    amount_within_ceiling(noun, str(together), ceiling, setting)


policy = resource_rule(
    "requests-within-ceilings",
    "Every replica asks for CPU and memory, and for no more than the environment allows.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("resources",),
    steps="Set the requests of CPU and memory, and lower those that are above the environment's ceilings.",
    settings={
        MAX_CPU: {
            "type": "string",
            "default": "",
            "description": (
                "The most CPU that a replica may ask for, as a Kubernetes quantity. "
                "Default: `maxCpu` of the stack's `caraml:platform`, else no ceiling."
            ),
        },
        MAX_MEMORY: {
            "type": "string",
            "default": "",
            "description": (
                "The most memory that a replica may ask for, as a Kubernetes quantity. "
                "Default: `maxMemory` of the stack's `caraml:platform`, else no ceiling."
            ),
        },
    },
    judges={MODEL_VERSION: _of_version, **dict.fromkeys((*POD_TYPES, *PATCH_TYPES), _of_pods)},
)
