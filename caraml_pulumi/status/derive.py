"""Derives the state of each endpoint and version from the objects in the cluster."""

import re
from collections.abc import Mapping, Sequence

from caraml_pulumi.manifests.routing.live import KINDS, live_weights, not_taken
from caraml_pulumi.model.labels import INFERENCE_SERVICE, PREDICTOR, TRANSFORMER
from caraml_pulumi.model.modes import DeploymentMode, VersionStatus
from caraml_pulumi.model.names import full_name, raw_service_name
from caraml_pulumi.model.states import NOT_CREATED, VersionState, Workload, version_state
from caraml_pulumi.observed.objects import at, text_at
from caraml_pulumi.status.cluster import Live
from caraml_pulumi.status.deployed import (
    KNATIVE,
    WORKLOADS,
    Deployed,
    DeployedEndpoint,
    DeployedVersion,
    ObjectRef,
)
from caraml_pulumi.status.report import EndpointReport, Report, VersionReport


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
    routes = [route for ref in endpoint.objects if ref.kind in KINDS and (route := live.one(ref))]
    if not routes:
        return {}
    names = {number: _usual_names(full_name(endpoint.model, number)) for number in endpoint.traffic}
    names |= {one.version: names.get(one.version, frozenset()) | one.names for one in _of_model(deployed, endpoint)}
    found = live_weights(routes, names)
    if found is None:
        return dict(endpoint.traffic)
    return {version: weight for version, weight in found.items() if weight or version in endpoint.traffic}


def _of_model(deployed: Deployed, endpoint: DeployedEndpoint) -> list[DeployedVersion]:
    return [one for one in deployed.versions if (one.project, one.model) == (endpoint.project, endpoint.model)]


def _usual_names(version: str) -> frozenset[str]:
    """The names of a version's workloads and their Services, also of one that another stack deploys."""
    workloads = (version, f"{version}-{TRANSFORMER}")
    return frozenset((*workloads, *(raw_service_name(workload) for workload in workloads)))


def _version_state(version: DeployedVersion, live: Live, weight: int | None) -> VersionState:
    workloads = [
        workload_of(ref, mode, live) for ref in version.objects if (mode := WORKLOADS.get((ref.api_version, ref.kind)))
    ]
    if version.stopped and not workloads and version.objects:
        workloads = [_left_over(version, version.objects[0], live)]
    return version_state(
        workloads,
        group=version.project,
        group_exists=not any((ref.provider, ref.namespace) in live.gone for ref in version.objects),
        stopped=version.stopped,
        weight=weight,
    )


def workload_of(ref: ObjectRef, mode: DeploymentMode, live: Live) -> Workload:
    """A predictor or a transformer as the cluster shows it."""
    component = TRANSFORMER if ref.name.endswith(f"-{TRANSFORMER}") else PREDICTOR
    found = live.one(ref)
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
            events=live.events,
        )
    selector = at(found, "spec", "selector", "matchLabels")
    pods = live.labelled(ref, "v1", "Pod", selector) if isinstance(selector, dict) else []
    return Workload(ref.name, mode, component, found, creating=ref.creating, pods=pods, events=live.events)


def _left_over(version: DeployedVersion, ref: ObjectRef, live: Live) -> Workload:
    """The pods that a stopped SERVERLESS version still has; what made them is gone."""
    own = re.compile(rf"{re.escape(version.full_name)}(-r\d+)?")
    pods = [
        pod
        for pod in live.all(ref.provider, "v1", "Pod", ref.namespace)
        if own.fullmatch(text_at(pod, "metadata", "labels", INFERENCE_SERVICE))
    ]
    return Workload(name=version.full_name, mode=DeploymentMode.SERVERLESS, pods=pods)


def _endpoint(
    endpoint: DeployedEndpoint, weights: Mapping[int, int], versions: Sequence[VersionReport], live: Live
) -> EndpointReport:
    routes = [ref for ref in endpoint.objects if ref.kind in KINDS]
    missing = [ref for ref in routes if live.one(ref) is None]
    if missing or not routes:
        gone = next((f"{ref.kind} {ref.name} is not in the cluster" for ref in missing if not ref.creating), "")
        status = VersionStatus.FAILED if gone else VersionStatus.PENDING
        return EndpointReport(endpoint, status, gone or NOT_CREATED, weights)
    refused = [(ref, why) for ref in routes if (why := not_taken(live.one(ref) or {}))]
    if refused:
        told = "; ".join(f"{ref.kind} {ref.name}: {why}" for ref, why in refused)
        return EndpointReport(endpoint, VersionStatus.FAILED, told, weights)
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
