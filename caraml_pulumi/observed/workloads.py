"""Why a controller makes no pods, or has given up: Deployments, and Knative's revisions."""

from collections.abc import Iterator
from typing import Final

from caraml_pulumi.observed.images import pull_trouble
from caraml_pulumi.observed.objects import (
    Object,
    at,
    condition,
    is_condition,
    number_at,
    observed,
    reason_and_message,
    text_at,
)
from caraml_pulumi.observed.troubles import Cause, Trouble, one_line, refused

LASTING: Final = frozenset(
    (
        "ContainerMissing",
        "ErrImagePull",
        "ExitCode0",
        "ExitCode1",
        "ImagePullBackOff",
        "InvalidImageName",
        "ProgressDeadlineExceeded",
        "RevisionFailed",
    )
)
"""Reasons of Knative that do not go away without a change of the spec, or only by luck."""
_PASSING: Final = frozenset(["Deploying", "ResolvingDigests"])
UNSEEN: Final = "the controller has not seen the change yet"


def deployment_left(deployment: Object) -> str:
    """What a Deployment still waits for until all replicas are of the new template and available; empty when done."""
    if at(deployment, "status", "observedGeneration") is None or not observed(deployment):
        return UNSEEN
    wanted, there = number_at(deployment, "spec", "replicas", default=1), number_at(deployment, "status", "replicas")
    updated = number_at(deployment, "status", "updatedReplicas")
    available = number_at(deployment, "status", "availableReplicas")
    if updated < wanted:
        return f"{updated} of {wanted} replicas updated"
    if there > updated:
        return f"{there - updated} old replicas still to end"
    return f"{available} of {wanted} replicas ready" if available < wanted else ""


def service_left(service: Object) -> str:
    """What a Knative Service still waits for until its newest revision takes all traffic; empty when it does."""
    newest, ready = (text_at(service, "status", f"latest{kind}RevisionName") for kind in ("Created", "Ready"))
    if not observed(service) or not newest:
        return UNSEEN
    if newest != ready:
        return f"revision {newest} is not ready yet" + (f", {ready} answers" if ready else "")
    if is_condition(service, "Ready", "True"):
        return ""
    return one_line(text_at(condition(service, "Ready"), "message") or "its route is not ready yet")


def deployment_troubles(deployment: Object) -> Iterator[Trouble]:
    """Why a Deployment has not the pods it wants: they are refused, or it has waited for too long."""
    failure = condition(deployment, "ReplicaFailure")
    if failure is not None and failure.get("status") == "True":
        yield refused(text_at(failure, "message") or text_at(failure, "reason"))
    progressing = condition(deployment, "Progressing")
    if progressing is not None and progressing.get("reason") == "ProgressDeadlineExceeded":
        yield Trouble(Cause.DEADLINE, one_line(text_at(progressing, "message") or "it takes too long"))


def revision_troubles(revision: Object) -> Iterator[Trouble]:
    """Why a revision of a Knative Service is not ready."""
    for type_ in ("ContainerHealthy", "ResourcesAvailable", "Ready"):
        found = condition(revision, type_)
        if found is None or found.get("status") != "False" or not observed(revision, found):
            continue
        reason, message = text_at(found, "reason"), text_at(found, "message")
        if reason == "ContainerMissing" or "ImagePull" in reason or reason == "InvalidImageName":
            yield pull_trouble("", reason, message)
        elif reason == "FailedCreate" or "is forbidden: " in message:
            yield refused(message)
        elif reason.startswith("ExitCode"):
            yield Trouble(Cause.CRASH, one_line(message))
        elif reason not in _PASSING:
            yield Trouble(Cause.DEADLINE, one_line(reason_and_message(found)))
        return
