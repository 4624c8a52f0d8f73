"""Why something is not ready, as its Knative revision, its pods and the cluster's events tell: one paragraph."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from caraml_pulumi.engine.providers.kubernetes.await_.pods import pods_of
from caraml_pulumi.engine.providers.kubernetes.await_.progress import condition, observed, reason_and_message
from caraml_pulumi.engine.providers.kubernetes.objects import Object, at, group_kind, metadata, namespace_of
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeClient

LONGEST: Final = 300
"""Characters of one reason; image pull errors repeat themselves at length."""
MOST: Final = 3
"""Reasons that are told."""
_PASSING: Final = frozenset(["ContainerCreating", "PodInitializing"])


def explain(client: KubeClient, obj: Object) -> str:
    """What holds `obj` up; empty where nothing can be told. Never raises: it only adds to another message."""
    try:
        pods = [pod for pod in pods_of(client, obj) if not _is_ready(pod)]
        found = [
            *_own_reasons(obj),
            *_revision_reasons(client, obj),
            *_counted(reason for pod in pods for reason in pod_reasons(pod)),
        ]
        if not found:
            found = list(_events(client, [obj, *pods[:MOST]]))
    except CaramlError:
        return ""
    return "; ".join(_shortened(reason) for reason in dict.fromkeys(found[:MOST]))


def _own_reasons(obj: Object) -> Iterator[str]:
    failure = condition(obj, "ReplicaFailure")
    if failure is not None and failure.get("status") == "True":
        yield reason_and_message(failure)


def _revision_reasons(client: KubeClient, obj: Object) -> Iterator[str]:
    """What the newest revision of a Knative Service says; the Service itself says only that none is ready."""
    name = at(obj, "status", "latestCreatedRevisionName")
    if group_kind(obj) != "serving.knative.dev/Service" or not name or not observed(obj):
        return
    revision = client.request("GET", client.path(obj["apiVersion"], "Revision", namespace_of(obj), name))
    ready = condition(revision, "Ready")
    if ready is not None and ready.get("status") == "False":
        yield f"revision {name}: {reason_and_message(ready)}"


def pod_reasons(pod: Object) -> Iterator[str]:
    """Why a pod does not run: not schedulable, or a container that waits or has failed."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.get("status") == "False":
        yield reason_and_message(scheduled)
    for kind in ("initContainerStatuses", "containerStatuses"):
        for status in at(pod, "status", kind) or []:
            if reason := _container_reason(status):
                yield f"container {status.get('name')}: {reason}"


def _container_reason(status: dict[str, Any]) -> str:
    waits = at(status, "state", "waiting")
    if waits and waits.get("reason") not in _PASSING:
        reason = reason_and_message(waits)
        code = at(status, "lastState", "terminated", "exitCode")
        return f"{reason} (it exited with code {code})" if code is not None else reason
    ended = at(status, "state", "terminated")
    if ended and ended.get("exitCode"):
        return f"exited with code {ended['exitCode']}" + (f": {reason_and_message(ended)}" if ended else "")
    if at(status, "state", "running") and status.get("ready") is False:
        restarts = status.get("restartCount")
        return "runs, but is not ready" + (f" (restarted {restarts} times)" if restarts else "")
    return ""


def _counted(reasons: Iterable[str]) -> list[str]:
    counts = Counter(reasons)
    return [reason if count == 1 else f"{reason} ({count} pods)" for reason, count in counts.most_common()]


def _is_ready(pod: Object) -> bool:
    ready = condition(pod, "Ready")
    return at(pod, "status", "phase") == "Succeeded" or (ready is not None and ready.get("status") == "True")


def _events(client: KubeClient, objects: list[Object]) -> Iterator[str]:
    for obj in objects:
        path = client.path("v1", "Event", namespace_of(obj) or "default")
        selector = f"type=Warning,involvedObject.uid={metadata(obj).get('uid')}"
        items = client.request("GET", path, params={"fieldSelector": selector, "limit": "50"})["items"]
        items.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""), reverse=True)
        for event in items[:1]:
            yield reason_and_message(event)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
