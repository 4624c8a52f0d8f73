"""Why something is not ready, as its Knative revision, its pods and the cluster's events tell: one paragraph."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from caraml_pulumi.engine.providers.kubernetes.await_.pods import pods_of
from caraml_pulumi.engine.providers.kubernetes.objects import Object, group_kind, metadata, namespace_of
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeClient
from caraml_pulumi.observed.objects import at, condition, observed, reason_and_message
from caraml_pulumi.observed.pods import is_ready, pod_troubles
from caraml_pulumi.observed.troubles import one_line

MOST: Final = 3
"""Reasons that are told."""


def explain(client: KubeClient, obj: Object) -> str:
    """What holds `obj` up; empty where nothing can be told. Never raises: it only adds to another message."""
    try:
        pods = [pod for pod in pods_of(client, obj) if not is_ready(pod) and at(pod, "status", "phase") != "Succeeded"]
        found = [
            *_own_reasons(obj),
            *_revision_reasons(client, obj),
            *_counted(trouble.text for pod in pods for trouble in pod_troubles(pod)),
        ]
        if not found:
            found = list(_events(client, [obj, *pods[:MOST]]))
    except CaramlError:
        return ""
    return "; ".join(one_line(reason) for reason in dict.fromkeys(found[:MOST]))


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


def _counted(reasons: Iterable[str]) -> list[str]:
    counts = Counter(reasons)
    return [reason if count == 1 else f"{reason} ({count} pods)" for reason, count in counts.most_common()]


def _events(client: KubeClient, objects: list[Object]) -> Iterator[str]:
    for obj in objects:
        path = client.path("v1", "Event", namespace_of(obj) or "default")
        selector = f"type=Warning,involvedObject.uid={metadata(obj).get('uid')}"
        items = client.request("GET", path, params={"fieldSelector": selector, "limit": "50"})["items"]
        items.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""), reverse=True)
        for event in items[:1]:
            yield reason_and_message(event)
