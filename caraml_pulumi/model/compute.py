"""Decides what each replica asks for and may use: from the user, an instance type, or the platform."""

from collections.abc import Mapping

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import resources
from caraml_pulumi.model.gpu import GpuRequest, find_gpu_type, gpu_request
from caraml_pulumi.model.instance_types import InstanceType
from caraml_pulumi.model.placement import Toleration
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.resources import ResourceRequest, Resources
from caraml_pulumi.model.spec import within

Nodes = tuple[Mapping[str, str], list[Toleration]]
"""A node selector and tolerations."""

_OF_A_TYPE = ("cpu_request", "memory_request", "cpu_limit", "gpu_name", "gpu_request")


def plan_resources(
    asked: ResourceRequest, defaults: ResourceRequest, instance_type: InstanceType | None, platform: PlatformSpec
) -> tuple[Resources, Nodes]:
    """What each replica gets, and the nodes that have its GPU.

    Property by property from the user or the environment's `defaults`; an instance type decides all of it instead.
    Raises `CaramlError` for amounts above the environment's ceilings, for a GPU that is not offered, and for both an
    instance type and amounts.
    """
    if instance_type is not None:
        return _of_type(asked, instance_type, platform), ({}, [])
    limits = platform.limits
    cpu = asked.cpu_request or defaults.cpu_request or ""
    memory = asked.memory_request or defaults.memory_request or ""
    explicit = asked.cpu_limit or defaults.cpu_limit
    gpu, nodes = _gpu(asked, platform)
    decided = Resources(
        cpu_request=cpu,
        memory_request=memory,
        cpu_limit=resources.cpu_limit(cpu, explicit=explicit, factor=limits.cpu_factor, default=limits.default_cpu),
        memory_limit=resources.memory_limit(memory, factor=limits.memory_factor),
        gpu=gpu,
    )
    resources.requests_are_positive(decided)
    resources.requests_within_ceilings(decided, max_cpu=platform.max_cpu, max_memory=platform.max_memory)
    resources.explicit_limit_within_ceiling(asked.cpu_limit, max_cpu=platform.max_cpu)
    resources.limits_above_requests(decided)
    return decided, nodes


def gets_constant_cpu_limit(
    asked: ResourceRequest, defaults: ResourceRequest, instance_type: InstanceType | None, platform: PlatformSpec
) -> bool:
    """Whether the CPU limit is the platform's constant, with which its `envWithoutCpuFactor` comes (Merlin)."""
    explicit = asked.cpu_limit or defaults.cpu_limit
    return instance_type is None and not platform.limits.cpu_factor and not explicit


def _of_type(asked: ResourceRequest, instance_type: InstanceType, platform: PlatformSpec) -> Resources:
    both = [name for name in _OF_A_TYPE if getattr(asked, name) is not None]
    if both:
        with within(both[0]):
            raise CaramlError("the instance type decides this already", fix="remove it, or remove instanceType")
    gpus = instance_type.limits.gpu
    decided = Resources(
        cpu_request=instance_type.cpu_request,
        memory_request=instance_type.memory_request,
        cpu_limit=instance_type.limits.cpu,
        memory_limit=instance_type.limits.memory,
        gpu=GpuRequest(instance_type.gpu_resource_name, gpus) if gpus else None,
    )
    resources.requests_within_ceilings(decided, max_cpu=platform.max_cpu, max_memory=platform.max_memory)
    return decided


def _gpu(asked: ResourceRequest, platform: PlatformSpec) -> tuple[GpuRequest | None, Nodes]:
    if asked.gpu_name is None:
        if asked.gpu_request:
            with within("gpu_name"):
                raise CaramlError("gpuRequest has no gpuName", fix="name the type of GPU")
        return None, ({}, [])
    with within("gpu_name"):
        gpu_type = find_gpu_type(asked.gpu_name, platform.gpus)
    with within("gpu_request"):
        gpu = gpu_request(gpu_type, asked.gpu_request or 0)
    return gpu, (gpu_type.node_selector, gpu_type.tolerations)
