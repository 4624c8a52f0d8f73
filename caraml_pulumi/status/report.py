"""What `caraml status` says: the state of each endpoint and version of a stack, for people and for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caraml_pulumi.model.modes import VersionStatus
from caraml_pulumi.model.promotion import digest_of
from caraml_pulumi.model.states import Phase, VersionState
from caraml_pulumi.status.deployed import DeployedEndpoint, DeployedVersion


@dataclass(frozen=True, slots=True)
class VersionReport:
    """A version and its state."""

    version: DeployedVersion
    state: VersionState

    def props(self) -> dict[str, Any]:
        """As JSON has it."""
        version, state = self.version, self.state
        return {
            "project": version.project,
            "model": version.model,
            "version": version.version,
            "environment": version.environment,
            "status": state.status.value,
            "phase": state.phase.value,
            "reason": state.reason,
            "weight": state.weight,
            "restarts": state.restarts,
            "url": version.url,
            "images": [
                {"component": component, "image": image, "digest": digest_of(image)}
                for component, image in version.images.items()
            ],
            "workloads": [
                {
                    "component": workload.component,
                    "ready": workload.ready,
                    "desired": workload.desired,
                    "restarts": workload.restarts,
                }
                for workload in state.workloads
            ],
        }


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """A model endpoint and its state."""

    endpoint: DeployedEndpoint
    status: VersionStatus
    reason: str
    weights: Mapping[int, int]
    """Percent of the requests by version, as the cluster has them."""

    def props(self) -> dict[str, Any]:
        """As JSON has it."""
        endpoint = self.endpoint
        return {
            "project": endpoint.project,
            "model": endpoint.model,
            "environment": endpoint.environment,
            "status": self.status.value,
            "reason": self.reason,
            "traffic": [{"version": version, "weight": weight} for version, weight in self.weights.items()],
            "url": endpoint.url,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The endpoints and versions that were asked for."""

    endpoints: Sequence[EndpointReport]
    versions: Sequence[VersionReport]

    @property
    def failed(self) -> bool:
        """Whether the newest change of a version has failed, or an endpoint does not answer."""
        phases = any(one.state.phase is Phase.FAILED for one in self.versions)
        return phases or any(one.status is VersionStatus.FAILED for one in self.endpoints)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not self.endpoints and not self.versions

    def props(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "endpoints": [one.props() for one in self.endpoints],
            "versions": [one.props() for one in self.versions],
        }
