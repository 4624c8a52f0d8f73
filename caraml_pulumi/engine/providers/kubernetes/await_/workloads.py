"""Deployment, StatefulSet, DaemonSet, Job and Pod: ready when what was asked for runs, in its new version only."""

from typing import Final

from caraml_pulumi.engine.providers.kubernetes.await_.progress import READY, Progress, failed, waiting
from caraml_pulumi.engine.providers.kubernetes.objects import Object
from caraml_pulumi.observed.objects import at, condition, observed, reason_and_message
from caraml_pulumi.observed.workloads import UNSEEN, deployment_left

_UNSEEN: Final = waiting(UNSEEN)


def _count(obj: Object, field: str) -> int:
    value = at(obj, "status", field)
    return value if isinstance(value, int) else 0


def _wanted(obj: Object) -> int:
    replicas = at(obj, "spec", "replicas")
    return replicas if isinstance(replicas, int) else 1


def deployment(obj: Object) -> Progress:
    """All replicas are of the new template and available, and no old one is left."""
    left = deployment_left(obj)
    progressing = condition(obj, "Progressing")
    if left != UNSEEN and progressing is not None and progressing.get("reason") == "ProgressDeadlineExceeded":
        return failed(reason_and_message(progressing))
    return waiting(left) if left else READY


def stateful_set(obj: Object) -> Progress:
    """All replicas above the partition are of the new template, and all are ready."""
    if at(obj, "status", "observedGeneration") is None or not observed(obj):
        return _UNSEEN
    wanted, ready = _wanted(obj), _count(obj, "readyReplicas")
    strategy = at(obj, "spec", "updateStrategy") or {}
    if ready < wanted:
        return waiting(f"{ready} of {wanted} replicas ready")
    if strategy.get("type") == "OnDelete":
        return READY
    to_update = wanted - int(at(strategy, "rollingUpdate", "partition") or 0)
    updated = _count(obj, "updatedReplicas")
    if at(obj, "status", "currentRevision") != at(obj, "status", "updateRevision") and updated < to_update:
        return waiting(f"{updated} of {to_update} replicas updated")
    return READY


def daemon_set(obj: Object) -> Progress:
    """Every node that should have a pod has a ready one of the new template."""
    if at(obj, "status", "observedGeneration") is None or not observed(obj):
        return _UNSEEN
    wanted, ready = _count(obj, "desiredNumberScheduled"), _count(obj, "numberAvailable")
    updated = _count(obj, "updatedNumberScheduled")
    if at(obj, "spec", "updateStrategy", "type") != "OnDelete" and updated < wanted:
        return waiting(f"{updated} of {wanted} pods updated")
    return READY if ready >= wanted else waiting(f"{ready} of {wanted} pods ready")


def job(obj: Object) -> Progress:
    """It has completed. A suspended job is ready as it is; one that failed never will be."""
    if at(obj, "spec", "suspend") is True:
        return READY
    failure = condition(obj, "Failed")
    if failure is not None and failure.get("status") == "True":
        return failed(reason_and_message(failure) or "the job failed")
    complete = condition(obj, "Complete")
    if complete is not None and complete.get("status") == "True":
        return READY
    wanted = at(obj, "spec", "completions") or 1
    return waiting(f"{_count(obj, 'succeeded')} of {wanted} completions")


def pod(obj: Object) -> Progress:
    """It is ready, or has run to its end."""
    phase = at(obj, "status", "phase")
    if phase == "Succeeded":
        return READY
    if phase == "Failed":
        return failed(str(at(obj, "status", "message") or "the pod failed"))
    ready = condition(obj, "Ready")
    if ready is not None and ready.get("status") == "True":
        return READY
    return waiting(f"the pod is {phase or 'Pending'}")
