"""Versions that are watched, and by which names metrics know their replicas, revisions and Services.

Names of models may contain those of others: `iris`, `iris-1`, `iris-big`. Each expression here matches the names of one
version alone, from the first to the last character.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from caraml_pulumi.model.env import PORTS
from caraml_pulumi.model.labels import PREDICTOR, TRANSFORMER
from caraml_pulumi.model.metrics import Metrics
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.names import full_name, raw_service_name, workload_name
from caraml_pulumi.model.version_plan import VersionPlan

GENERATED_PREFIX: Final = 58
"""Kubernetes cuts what it lengthens to the name of a pod after as many characters."""
REVISION: Final = "-[0-9]{5}"
"""What Knative adds to a Service's name to name its revisions."""
_REVISION_LENGTH: Final = len("-00001")
_LONGEST_HASH: Final = 10
_HASH: Final = "[a-z0-9]+"
_ENDING: Final = "[a-z0-9]{5}"
_DEPLOYMENT: Final = "-deployment"
"""What Knative adds to a revision's name to name its Deployment."""


@dataclass(frozen=True, slots=True)
class Scraped:
    """Where the metrics of a workload are."""

    path: str
    port: int
    shared: Protocol | None
    """What else is spoken on the port; nothing on one of their own."""


def scraped(metrics: Metrics, protocol: Protocol) -> Scraped:
    """`metrics` of a server that speaks `protocol`."""
    return Scraped(metrics.path, metrics.port, protocol if metrics.port == PORTS[protocol] else None)


@dataclass(frozen=True, slots=True)
class WatchedVersion:
    """A version whose metrics are read."""

    model: str
    version: int
    project: str
    protocol: Protocol
    mode: DeploymentMode
    object_name: str
    """The name of the version's objects: its full name, and its revision if it counts them."""
    transformer: bool
    weight: int | None = None
    """Percent of the model's requests that it gets, if an endpoint says so."""
    scraped: Mapping[str, Scraped] = field(default_factory=dict)
    """Where the metrics of its workloads are, by component; those that have none are left out."""

    @property
    def full_name(self) -> str:
        """`{model}-{version}`, whatever the revision: the label `model_version` of what is recorded."""
        return full_name(self.model, self.version)

    @property
    def components(self) -> tuple[str, ...]:
        """Its workloads."""
        return (PREDICTOR, TRANSFORMER) if self.transformer else (PREDICTOR,)

    @property
    def entry(self) -> str:
        """The workload where requests enter."""
        return self.components[-1]

    def workload(self, component: str) -> str:
        """The name of a workload."""
        return workload_name(self.object_name, component)

    def props(self) -> dict[str, Any]:
        """What previews and policies read."""
        return {
            "version": self.version,
            **({} if self.weight is None else {"weight": self.weight}),
            "deploymentMode": self.mode.value,
            "transformer": self.transformer,
            "metrics": {name: {"path": one.path, "port": one.port} for name, one in self.scraped.items()},
        }


def watched_version(plan: VersionPlan, weight: int | None = None) -> WatchedVersion:
    """The version of `plan`, as it is watched."""
    return WatchedVersion(
        model=plan.model,
        version=plan.version,
        project=plan.project,
        protocol=plan.protocol,
        mode=plan.mode,
        object_name=plan.object_name,
        transformer=plan.transformer is not None,
        weight=weight,
        scraped={
            workload.component: scraped(workload.metrics, workload.protocol)
            for workload in plan.workloads
            if workload.metrics
        },
    )


def revision_names(version: WatchedVersion) -> str:
    """Matches the names of the Knative revisions where requests enter: `iris-1-00001`."""
    return version.workload(version.entry) + REVISION


def service_names(version: WatchedVersion) -> str:
    """Matches the name of the Service where requests enter, as the mesh has it.

    Knative routes to a Service of each revision, which has the revision's name.
    """
    if version.mode is DeploymentMode.SERVERLESS:
        return revision_names(version)
    return raw_service_name(version.workload(version.entry))


def pod_names(version: WatchedVersion, component: str) -> str:
    """Matches the names of a workload's pods, which Kubernetes shortens where they are too long.

    Not found are the pods of SERVERLESS workloads whose names have more than 46 characters: Knative hashes these.
    """
    workload = version.workload(component)
    serverless = version.mode is DeploymentMode.SERVERLESS
    before = f"{workload}{REVISION}" if serverless else workload
    ending = f"{_DEPLOYMENT}-" if serverless else "-"
    room = GENERATED_PREFIX - len(workload) - (_REVISION_LENGTH if serverless else 0)
    left = room - len(ending)
    if left <= 0:
        return f"{before}{ending[:room]}{_ENDING}"
    return f"{before}{ending}{_HASH}-{_ENDING}" if left > _LONGEST_HASH else f"{before}{ending}{_HASH}(-{_ENDING})?"
