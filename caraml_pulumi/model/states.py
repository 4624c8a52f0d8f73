"""The state of a deployed version, derived from what the cluster shows of it.

Merlin's states (seed: Deploying a Model Version) say whether a version answers: `pending`, `running`, `serving` while a
model endpoint routes to it, `failed`, `terminated`. PrimeHub's phases (seed: Model Deployment) say how its newest
change goes. So a version whose update fails, while its replicas of before answer, is running and its phase is Failed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from caraml_pulumi.model.labels import PREDICTOR
from caraml_pulumi.model.modes import DeploymentMode, VersionStatus
from caraml_pulumi.model.reasons import explained, is_failure, most_telling
from caraml_pulumi.observed.objects import Object, is_condition, number_at, text_at
from caraml_pulumi.observed.pods import is_ending, is_ready, pod_troubles, restarts
from caraml_pulumi.observed.troubles import Trouble
from caraml_pulumi.observed.workloads import deployment_left, deployment_troubles, revision_troubles, service_left

SCALED_TO_ZERO = "scaled to zero: the next request starts a replica"
NOT_CREATED = "not created yet: an update is under way, or ended before"


class Phase(StrEnum):
    """How the newest change of a version goes (seed: Model Deployment, Deployment Phases)."""

    DEPLOYING = "Deploying"
    DEPLOYED = "Deployed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Workload:
    """What the cluster shows of a predictor or a transformer. Objects may be partial."""

    name: str
    mode: DeploymentMode
    component: str = PREDICTOR
    live: Object | None = None
    """Its Deployment or Knative Service; None if the cluster has none."""
    creating: bool = False
    """Whether the creation of that has begun and not ended: it may not be there yet."""
    revisions: Sequence[Object] = ()
    """The Revisions of the Knative Service."""
    deployments: Sequence[Object] = ()
    """The Deployments of these Revisions."""
    pods: Sequence[Object] = ()
    events: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    """Events about pods by their uid, the newest first."""


@dataclass(frozen=True, slots=True)
class WorkloadState:
    """How a predictor or a transformer is."""

    component: str
    ready: int
    """Replicas that are ready, whichever template they are of."""
    desired: int
    """Replicas that there should be."""
    restarts: int
    """How often containers of its replicas were started again."""
    answers: bool
    """Whether requests are answered, also by replicas of before; those that must be started first count."""
    complete: bool
    """Whether what was asked for last is all there."""
    failed: bool = False
    """Whether it will not become complete without a change."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VersionState:
    """How a version is."""

    status: VersionStatus
    phase: Phase
    reason: str
    """What a person needs to know, in one line; empty where all is as it should be."""
    workloads: tuple[WorkloadState, ...] = ()
    weight: int | None = None
    """Percent of its endpoint's requests; None where no endpoint routes to it."""

    @property
    def restarts(self) -> int:
        """How often containers of its replicas were started again."""
        return sum(workload.restarts for workload in self.workloads)


def version_state(
    workloads: Sequence[Workload],
    *,
    group: str,
    group_exists: bool = True,
    stopped: bool = False,
    weight: int | None = None,
) -> VersionState:
    """The state of a version of the project `group`. Never raises, whatever the objects look like.

    `group_exists` says whether the cluster has the project's namespace. `stopped` is what is asked for: that nothing of
    the version runs. `weight` is its share of its endpoint's requests.
    """
    if not group_exists and any(not workload.creating for workload in workloads):
        gone = f"group not found: the namespace {group} is not in the cluster"
        return VersionState(VersionStatus.FAILED, Phase.FAILED, gone, weight=weight)
    if stopped:
        left = sum(len(workload.pods) for workload in workloads)
        if left:
            return VersionState(VersionStatus.PENDING, Phase.STOPPING, f"{left} replicas still to end", weight=weight)
        return VersionState(VersionStatus.TERMINATED, Phase.STOPPED, "", weight=weight)
    if not workloads:
        return VersionState(VersionStatus.PENDING, Phase.DEPLOYING, NOT_CREATED, weight=weight)
    states = tuple(workload_state(workload, group) for workload in workloads)
    failed = any(state.failed for state in states)
    return VersionState(
        status=_status(states, failed=failed, routed=weight is not None),
        phase=Phase.FAILED if failed else Phase.DEPLOYED if all(s.complete for s in states) else Phase.DEPLOYING,
        reason=_reason(states),
        workloads=states,
        weight=weight,
    )


def _status(states: Sequence[WorkloadState], *, failed: bool, routed: bool) -> VersionStatus:
    if all(state.answers for state in states):
        return VersionStatus.SERVING if routed else VersionStatus.RUNNING
    return VersionStatus.FAILED if failed else VersionStatus.PENDING


def _reason(states: Sequence[WorkloadState]) -> str:
    """The reason of the workload that is worst off."""
    worst = min(states, key=lambda state: (not state.failed, state.complete, not state.reason))
    beside = worst.reason and worst.component != PREDICTOR
    return f"{worst.component}: {worst.reason}" if beside else worst.reason


def workload_state(workload: Workload, group: str) -> WorkloadState:
    """How a workload of the project `group` is."""
    if workload.live is None and workload.creating:
        return WorkloadState(workload.component, 0, 0, 0, answers=False, complete=False, reason=NOT_CREATED)
    if workload.live is None:
        kind = "Deployment" if workload.mode is DeploymentMode.RAW_DEPLOYMENT else "Knative Service"
        missing = f"{kind} {workload.name} is not in the cluster"
        return WorkloadState(workload.component, 0, 0, 0, answers=False, complete=False, failed=True, reason=missing)
    of_mode = _raw if workload.mode is DeploymentMode.RAW_DEPLOYMENT else _serverless
    return of_mode(workload, workload.live, group)


def _raw(workload: Workload, live: Object, group: str) -> WorkloadState:
    desired = number_at(live, "spec", "replicas", default=1)
    available = number_at(live, "status", "availableReplicas")
    left = deployment_left(live)
    told = _told([*deployment_troubles(live), *_pod_troubles(workload)], left, group, answers=available > 0)
    if not desired:
        told = (True, "scaled to 0 replicas outside the stack, and nothing wakes it up")
    return WorkloadState(
        component=workload.component,
        ready=number_at(live, "status", "readyReplicas"),
        desired=desired,
        restarts=_restarts(workload),
        answers=available > 0,
        complete=not left and desired > 0,
        failed=told[0],
        reason=told[1],
    )


def _serverless(workload: Workload, live: Object, group: str) -> WorkloadState:
    newest = _revision(workload, text_at(live, "status", "latestCreatedRevisionName"))
    asleep = is_condition(newest, "Active", "False")
    pods = [pod for pod in workload.pods if not is_ending(pod)]
    ready = sum(is_ready(pod) for pod in pods)
    desired = number_at(newest, "status", "desiredReplicas", default=-1)
    desired = desired if desired >= 0 else 0 if asleep else max(len(pods), 1)
    left = service_left(live) or (f"{ready} of {desired} replicas ready" if ready < desired else "")
    answers = is_condition(live, "RoutesReady", "True")
    refusals = [trouble for deployment in workload.deployments for trouble in deployment_troubles(deployment)]
    troubles = [*revision_troubles(newest), *refusals, *_pod_troubles(workload)]
    failed, reason = _told(troubles, left, group, answers=answers)
    return WorkloadState(
        component=workload.component,
        ready=ready,
        desired=desired,
        restarts=_restarts(workload),
        answers=answers,
        complete=not left,
        failed=failed,
        reason=SCALED_TO_ZERO if not (left or desired or ready) else reason,
    )


def _told(troubles: Sequence[Trouble], left: str, group: str, *, answers: bool) -> tuple[bool, str]:
    """Whether the change has failed, and the reason: the trouble, and how far the change is where others answer.

    Nothing is told where nothing is left to be done: a pod that was evicted stays listed beside the one in its place.
    """
    if not left or not troubles:
        return False, left
    text = explained(most_telling(troubles), group)
    return any(is_failure(trouble) for trouble in troubles), f"{text}; {left}" if answers else text


def _pod_troubles(workload: Workload) -> list[Trouble]:
    waiting = [pod for pod in workload.pods if not is_ready(pod) and not is_ending(pod)]
    return [
        trouble
        for pod in waiting
        for trouble in pod_troubles(pod, workload.events.get(text_at(pod, "metadata", "uid"), ()))
    ]


def _restarts(workload: Workload) -> int:
    return sum(restarts(pod) for pod in workload.pods if not is_ending(pod))


def _revision(workload: Workload, name: str) -> Object:
    return next((item for item in workload.revisions if text_at(item, "metadata", "name") == name), {})
