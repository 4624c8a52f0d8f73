"""Why a pod does not run: what its conditions, its containers and the events about it tell."""

from collections.abc import Iterator, Sequence
from typing import Final

from caraml_pulumi.observed.images import pull_trouble
from caraml_pulumi.observed.objects import (
    Object,
    at,
    condition,
    is_condition,
    items_at,
    number_at,
    reason_and_message,
    text_at,
)
from caraml_pulumi.observed.troubles import Cause, Trouble, one_line

IMAGE_REASONS: Final = frozenset(
    (
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    )
)
"""The kubelet's reasons why an image cannot be used."""
NODE_EVENTS: Final = frozenset(["Nominated", "TriggeredScaleUp"])
"""Reasons of events by which Karpenter and the Cluster Autoscaler say that they make a node for a pod."""
_PASSING: Final = frozenset(["", "ContainerCreating", "PodInitializing"])
_MOUNT: Final = frozenset(["FailedAttachVolume", "FailedMount"])
_KILLED: Final = 137
"""Exit code of a container that got SIGKILL: its liveness probe failed, or it did not end in time."""
_DETAILS: Final = (" preemption:", " no new claims to deallocate")
"""Where the scheduler's message goes on about what it tried besides."""


def is_ready(pod: Object) -> bool:
    """Whether requests are sent to it."""
    return is_condition(pod, "Ready", "True")


def is_ending(pod: Object) -> bool:
    """Whether it is being deleted."""
    return bool(at(pod, "metadata", "deletionTimestamp"))


def restarts(pod: Object) -> int:
    """How often its containers were started again."""
    return sum(number_at(status, "restartCount") for status in items_at(pod, "status", "containerStatuses"))


def pod_troubles(pod: Object, events: Sequence[Object] = ()) -> Iterator[Trouble]:
    """What keeps a pod from running; `events` are those about it, the newest first."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False":
        message = _without_attempts(scheduled)
        if _event(events, NODE_EVENTS):
            yield Trouble(Cause.NODE, f"waits for a new node: {message}")
        else:
            yield Trouble(Cause.UNSCHEDULABLE, f"cannot be scheduled: {message}")
    if at(pod, "status", "phase") == "Failed" and text_at(pod, "status", "reason"):
        yield Trouble(Cause.EVICTED, one_line(reason_and_message(pod["status"])))
    for status in items_at(pod, "status", "initContainerStatuses"):
        if found := _container_trouble(pod, status, events):
            failed = found.cause in (Cause.CRASH, Cause.RESTARTED)
            yield Trouble(Cause.INITIALIZER if failed else found.cause, found.text)
    for status in items_at(pod, "status", "containerStatuses"):
        if found := _container_trouble(pod, status, events):
            yield found
    if _is_being_created(pod) and (message := _event(events, _MOUNT)):
        yield Trouble(Cause.VOLUME, f"a volume cannot be mounted: {message}")


def _is_being_created(pod: Object) -> bool:
    states = [at(status, "state", "waiting") for status in items_at(pod, "status", "containerStatuses")]
    return any(isinstance(state, dict) and text_at(state, "reason") in _PASSING for state in states)


def _without_attempts(scheduled: Object) -> str:
    message = text_at(scheduled, "message") or text_at(scheduled, "reason")
    for detail in _DETAILS:
        message = message.partition(detail)[0]
    return one_line(message.rstrip(" ."))


def _container_trouble(pod: Object, status: Object, events: Sequence[Object]) -> Trouble | None:
    name, state = text_at(status, "name"), at(status, "state")
    waits = text_at(state, "waiting", "reason")
    last = at(status, "lastState", "terminated")
    if waits in IMAGE_REASONS:
        image = text_at(status, "image") or text_at(_container(pod, name), "image")
        message = text_at(state, "waiting", "message")
        return pull_trouble(image, waits, message, _event(events, frozenset(["Failed"]), image))
    if waits == "CrashLoopBackOff":
        return Trouble(Cause.CRASH, _ended(pod, status, last, events))
    if waits not in _PASSING:
        detail = one_line(text_at(state, "waiting", "message") or waits)
        return Trouble(Cause.CONFIGURATION, f"container {name} cannot be started: {detail}")
    ended = at(state, "terminated")
    if number_at(ended, "exitCode") or text_at(ended, "reason") == "OOMKilled":
        return Trouble(Cause.CRASH, _ended(pod, status, ended, events))
    if isinstance(at(state, "running"), dict) and status.get("ready") is False:
        probe = _event(events, frozenset(["Unhealthy"]))
        if number_at(status, "restartCount") and isinstance(last, dict):
            return Trouble(Cause.RESTARTED, _ended(pod, status, last, events))
        return Trouble(Cause.UNREADY, f"container {name} is not ready" + (f": {probe}" if probe else ""))
    return None


def _ended(pod: Object, status: Object, ended: object, events: Sequence[Object]) -> str:
    """How a container ended, with the last thing it said, and how often it was started again."""
    name, code = text_at(status, "name"), number_at(ended, "exitCode")
    said = next((line.strip() for line in reversed(text_at(ended, "message").splitlines()) if line.strip()), "")
    if text_at(ended, "reason") == "OOMKilled":
        limit = text_at(_container(pod, name), "resources", "limits", "memory")
        text = f"container {name} was killed: out of memory" + (f", its limit is {limit}" if limit else "")
    elif code == _KILLED and (probe := _event(events, frozenset(["Unhealthy"]), "Liveness")):
        text = f"container {name} was killed: {probe}"
    elif isinstance(ended, dict):
        text = f"container {name} exited with code {code}" + (f": {said}" if said else "")
    else:
        text = f"container {name} ends again and again"
    times = number_at(status, "restartCount")
    return one_line(text) + (f" ({times} restart{'s' if times > 1 else ''})" if times else "")


def _container(pod: Object, name: str) -> Object:
    containers = items_at(pod, "spec", "containers") + items_at(pod, "spec", "initContainers")
    return next((container for container in containers if container.get("name") == name), {})


def _event(events: Sequence[Object], reasons: frozenset[str], containing: str = "") -> str:
    """The message of the newest event for one of `reasons`."""
    for event in events:
        message = text_at(event, "message")
        if text_at(event, "reason") in reasons and containing in message:
            return one_line(message)
    return ""
