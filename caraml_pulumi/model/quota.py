"""The quota of a group: what all its deployed versions may use together (PrimeHub's group quota).

A version counts with its limits times its replicas at most, as if it were under full load. A stopped one counts with
nothing. Sums are exact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.group import GroupQuota
from caraml_pulumi.model.quantities import Quantity, parse_quantity, total
from caraml_pulumi.model.spec import within
from caraml_pulumi.model.version_plan import VersionPlan

CPU: Final = "cpu"
GPU: Final = "gpu"
MEMORY: Final = "memory"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a deployed version may use: its limits times its replicas at most."""

    version: str
    """The version's full name."""
    cpu: Quantity
    memory: Quantity | None
    """None if a replica has no memory limit."""
    gpu: int

    @classmethod
    def of(cls, version: str, shares: Iterable["Share"]) -> Self:
        """The demand of a version whose workloads ask for `shares`."""
        shares = list(shares)
        limited = [(parse_quantity(share.memory_limit), share.replicas) for share in shares if share.memory_limit]
        return cls(
            version,
            cpu=total((parse_quantity(share.cpu_limit), share.replicas) for share in shares),
            memory=total(limited) if len(limited) == len(shares) else None,
            gpu=sum(share.gpus * share.replicas for share in shares),
        )

    def props(self) -> dict[str, Any]:
        """The demand as a component's outputs carry it to policies."""
        memory = {} if self.memory is None else {MEMORY: str(self.memory)}
        return {CPU: str(self.cpu), **memory, GPU: self.gpu}

    @classmethod
    def read(cls, version: str, props: Mapping[str, Any]) -> Self:
        """The demand that `props` were made from."""
        memory = parse_quantity(props[MEMORY]) if MEMORY in props else None
        return cls(version, parse_quantity(props[CPU]), memory, int(props[GPU]))


@dataclass(frozen=True, slots=True)
class Share:
    """What one workload of a version, its predictor or its transformer, may use."""

    cpu_limit: str
    memory_limit: str | None
    gpus: int
    replicas: int
    """Replicas at most."""


def demand_of(version: VersionPlan) -> Demand | None:
    """What a planned version asks for: nothing if it is stopped.

    Containers that are put beside the model, such as Knative's queue-proxy, are not counted.
    """
    if version.stopped:
        return None
    return Demand.of(
        version.full_name,
        (
            Share(
                cpu_limit=workload.resources.cpu_limit,
                memory_limit=workload.resources.memory_limit,
                gpus=workload.resources.gpu.count if workload.resources.gpu else 0,
                replicas=workload.scaling.max_replica,
            )
            for workload in version.workloads
        ),
    )


def admitted(group: str, enabled: bool, quota: GroupQuota, demands: Iterable[Demand]) -> None:
    """Refuse deployed versions where deployment is switched off, and more of them than the group's quota allows.

    Raises `CaramlError` with the path of the project's property.
    """
    demands = list(demands)
    with within("enabled"):
        deployment_enabled(group, enabled, demands)
    with within("quota", "max_deployments"):
        deployments_within_maximum(group, quota.max_deployments, demands)
    with within("quota"):
        group_within_quota(group, quota, demands)


def deployment_enabled(group: str, enabled: bool, demands: Iterable[Demand]) -> None:
    """Refuse deployed versions of a group that model deployment is switched off for, in PrimeHub's words."""
    versions = ", ".join(demand.version for demand in demands)
    if versions and not enabled:
        raise CaramlError(
            f"The model deployment is not enabled for the selected group: {group}",
            allowed=f"no deployed versions, not {versions}",
            fix="set enabled: true on the project, or stop the versions or take them out",
        )


def deployments_within_maximum(group: str, maximum: int | None, demands: Iterable[Demand]) -> None:
    """Refuse more deployed versions than a group may have at a time, in PrimeHub's words."""
    versions = [demand.version for demand in demands]
    if maximum is not None and len(versions) > maximum:
        raise CaramlError(
            f"Group Maximum Deployments exceeded: {group}",
            allowed=f"at most {maximum} deployed versions, not {', '.join(versions)}",
            fix="stop a version or take it out, or raise maxDeployments",
        )


def group_within_quota(group: str, quota: GroupQuota, demands: Iterable[Demand]) -> None:
    """Refuse versions that ask for more, together, than `quota` gives their group; the words are PrimeHub's.

    Raises `CaramlError` with the path of the quota's property. A version without a memory limit is refused under a
    memory quota, as the cluster's ResourceQuota would refuse its pods.
    """
    demands = list(demands)
    if quota.memory is not None:
        with within(MEMORY):
            _memory_is_limited(group, quota.memory, demands)
    for name, limit, asked in (
        (CPU, quota.cpu, [(demand.version, demand.cpu) for demand in demands]),
        (GPU, quota.gpu, [(demand.version, Quantity(Decimal(demand.gpu))) for demand in demands if demand.gpu]),
        (MEMORY, quota.memory, [(demand.version, demand.memory) for demand in demands if demand.memory]),
    ):
        if limit is not None:
            with within(name):
                _within(group, name, str(limit), asked)


def exceeded(group: str, name: str, limit: str, requested: str) -> str:
    """That a group asks for more than its quota, in PrimeHub's words."""
    return f"Group {group} exceeded {name} quota: {limit}, requesting {requested}"


def _within(group: str, name: str, limit: str, asked: list[tuple[str, Quantity]]) -> None:
    requested = total((amount, 1) for _, amount in asked)
    if requested > parse_quantity(limit):
        shares = ", ".join(f"{version} {amount}" for version, amount in asked)
        raise CaramlError(
            exceeded(group, name, limit, str(requested)),
            allowed=f"at most {limit} for limits x maximum replicas of all its versions: {shares}",
            fix="lower limits or replicas, stop a version, or raise the quota",
        )


def _memory_is_limited(group: str, limit: str, demands: Iterable[Demand]) -> None:
    unlimited = [demand.version for demand in demands if demand.memory is None]
    if unlimited:
        raise CaramlError(
            f"Group {group} has a memory quota of {limit}, and {unlimited[0]} has no memory limit",
            allowed="versions with a memory limit: the cluster refuses pods without one",
            fix="set the platform's limits.memoryFactor above 0, or remove the memory quota",
        )
