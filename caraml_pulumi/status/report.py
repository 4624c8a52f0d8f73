"""What `caraml status` says: the state of each endpoint and version of a stack, for people and for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caraml_pulumi.model.labels import INFERENCE_SERVICE, PREDICTOR, TRANSFORMER
from caraml_pulumi.model.modes import DeploymentMode, VersionStatus
from caraml_pulumi.model.states import NOT_CREATED, Phase, VersionState, Workload, version_state
from caraml_pulumi.observed.objects import at
from caraml_pulumi.status.cluster import KNATIVE, Live, newest_first
from caraml_pulumi.status.deployed import Deployed, DeployedEndpoint, DeployedVersion, ObjectRef
from caraml_pulumi.status.weights import ROUTES, live_weights

_MODES = {
    ("apps/v1", "Deployment"): DeploymentMode.RAW_DEPLOYMENT,
    (KNATIVE, "Service"): DeploymentMode.SERVERLESS,
}
"""What runs a workload, by apiVersion and kind."""


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


def report(deployed: Deployed, live: Live) -> Report:
    """The state of what is deployed, from the objects in the cluster."""
    weights = {(one.project, one.model): _weights(one, deployed, live) for one in deployed.endpoints}
    versions = [
        VersionReport(one, _version_state(one, live, weights.get((one.project, one.model), {}).get(one.version)))
        for one in deployed.versions
    ]
    endpoints = [_endpoint(one, weights[one.project, one.model], versions, live) for one in deployed.endpoints]
    return Report(endpoints, versions)


def _weights(endpoint: DeployedEndpoint, deployed: Deployed, live: Live) -> dict[int, int]:
    """The weights in the cluster; as declared where its routes do not say, and none where there is no route."""
    routes = [route for ref in endpoint.objects if ref.kind in ROUTES and (route := live.one(ref))]
    if not routes:
        return {}
    names = {version: frozenset({f"{endpoint.model}-{version}"}) for version in endpoint.traffic}
    for one in deployed.versions:
        if (one.project, one.model) == (endpoint.project, endpoint.model):
            names[one.version] = one.names
    found = live_weights(routes, names)
    if found is None:
        return dict(endpoint.traffic)
    return {version: weight for version, weight in found.items() if weight or version in endpoint.traffic}


def _version_state(version: DeployedVersion, live: Live, weight: int | None) -> VersionState:
    workloads = [
        _workload(ref, mode, live) for ref in version.objects if (mode := _MODES.get((ref.api_version, ref.kind)))
    ]
    if version.stopped and not workloads and version.objects:
        workloads = [_left_over(version, version.objects[0], live)]
    return version_state(workloads, group=version.project, stopped=version.stopped, weight=weight)


def _workload(ref: ObjectRef, mode: DeploymentMode, live: Live) -> Workload:
    component = TRANSFORMER if ref.name.endswith(f"-{TRANSFORMER}") else PREDICTOR
    found = live.one(ref)
    events = newest_first(live.all(ref.provider, "v1", "Event", ref.namespace))
    if mode is DeploymentMode.SERVERLESS:
        own = {f"{KNATIVE.partition('/')[0]}/service": ref.name}
        return Workload(
            name=ref.name,
            mode=mode,
            component=component,
            live=found,
            creating=ref.creating,
            revisions=live.labelled(ref, KNATIVE, "Revision", own),
            deployments=live.labelled(ref, "apps/v1", "Deployment", own),
            pods=live.labelled(ref, "v1", "Pod", own),
            events=events,
        )
    selector = at(found, "spec", "selector", "matchLabels")
    pods = live.labelled(ref, "v1", "Pod", selector) if isinstance(selector, dict) else []
    return Workload(ref.name, mode, component, found, creating=ref.creating, pods=pods, events=events)


def _left_over(version: DeployedVersion, ref: ObjectRef, live: Live) -> Workload:
    """The pods that a stopped SERVERLESS version still has; what made them is gone."""
    pods = live.labelled(ref, "v1", "Pod", {INFERENCE_SERVICE: version.full_name})
    return Workload(name=version.full_name, mode=DeploymentMode.SERVERLESS, pods=pods)


def _endpoint(
    endpoint: DeployedEndpoint, weights: Mapping[int, int], versions: Sequence[VersionReport], live: Live
) -> EndpointReport:
    routes = [ref for ref in endpoint.objects if ref.kind in ROUTES]
    missing = [ref for ref in routes if live.one(ref) is None]
    if missing or not routes:
        gone = next((f"{ref.kind} {ref.name} is not in the cluster" for ref in missing if not ref.creating), "")
        status = VersionStatus.FAILED if gone else VersionStatus.PENDING
        return EndpointReport(endpoint, status, gone or NOT_CREATED, weights)
    states = {
        one.version.version: one.state.status
        for one in versions
        if (one.version.project, one.version.model) == (endpoint.project, endpoint.model)
    }
    silent = {number: states[number] for number, weight in weights.items() if weight and number in states}
    silent = {number: status for number, status in silent.items() if status is not VersionStatus.SERVING}
    reason = "; ".join(
        f"version {number} gets {weights[number]} % of the requests and is {status}"
        for number, status in silent.items()
    )
    pending = all(status is VersionStatus.PENDING for status in silent.values())
    status = VersionStatus.SERVING if not silent else VersionStatus.PENDING if pending else VersionStatus.FAILED
    return EndpointReport(endpoint, status, reason, weights)
