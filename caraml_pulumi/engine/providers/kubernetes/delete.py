"""Deletes an object and waits until it is gone."""

import time
from typing import Final

from caraml_pulumi.engine.providers.base import Context
from caraml_pulumi.engine.providers.kubernetes.await_.pods import pods_of
from caraml_pulumi.engine.providers.kubernetes.await_.wait import FIRST_PAUSE, LONGEST_PAUSE, seconds_allowed
from caraml_pulumi.engine.providers.kubernetes.objects import (
    PROPAGATION,
    SKIP_AWAIT,
    Object,
    annotation,
    group_kind,
    group_of,
    is_built_in,
    metadata,
    name_of,
    namespace_of,
    title,
    words,
)
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeClient, KubeError, NoSuchKind
from caraml_pulumi.observed.objects import at

_WITH_DEPENDENTS: Final = frozenset(
    words(
        "ReplicationController apps/DaemonSet apps/Deployment apps/ReplicaSet apps/StatefulSet batch/CronJob batch/Job"
    )
)
"""Built-in kinds whose pods should be gone too before the object counts as deleted."""
_LEAF_GROUPS: Final = frozenset(["networking.istio.io", "security.istio.io", "telemetry.istio.io"])
_LEAVES: Final = frozenset(
    words(
        "gateway.networking.k8s.io/GRPCRoute gateway.networking.k8s.io/HTTPRoute monitoring.coreos.com/PodMonitor "
        "monitoring.coreos.com/PrometheusRule monitoring.coreos.com/ServiceMonitor"
    )
)
"""Custom kinds whose controllers make no objects of their own; of `_LEAF_GROUPS` all kinds."""
_KNATIVE: Final = "serving.knative.dev"
"""Its objects own objects that own objects: in the foreground the garbage collector takes up to 14 s over them, in
the background 1.5 s, after which their pods are waited for here."""


def propagation(inputs: Object) -> str:
    """The propagation policy: the annotation's, or Foreground where dependents exist and Background elsewhere.

    pulumi-kubernetes always takes Foreground, which leaves each object to the garbage collector and its few requests a
    second; for what has no dependents the outcome is the same without that wait.
    """
    chosen = annotation(inputs, PROPAGATION).capitalize()
    if chosen in ("Orphan", "Background", "Foreground"):
        return chosen
    kind = group_kind(inputs)
    leaf = (
        kind in _LEAVES
        or group_of(inputs) in (*_LEAF_GROUPS, _KNATIVE)
        or (is_built_in(inputs) and kind not in _WITH_DEPENDENTS)
    )
    return "Background" if leaf else "Foreground"


def delete(client: KubeClient, live: Object, inputs: Object, context: Context) -> None:
    """Delete the object last seen as `live` and wait until it is gone; one that is gone already is fine.

    Raises `CaramlError` when it cannot be deleted, or finalizers hold it for too long.
    """
    try:
        path = client.path(str(live["apiVersion"]), str(live["kind"]), namespace_of(live), name_of(live))
        policy = propagation(inputs)
        answer = client.request("DELETE", path, {"propagationPolicy": policy})
    except NoSuchKind:
        return
    except KubeError as error:
        if error.not_found:
            return
        raise
    if annotation(inputs, SKIP_AWAIT) == "true":
        return
    deadline = time.monotonic() + seconds_allowed(inputs, context)
    if answer.get("kind") != "Status" and (
        "deletionTimestamp" in metadata(answer) or metadata(answer).get("finalizers")
    ):
        _wait_until_gone(client, path, answer, context, deadline)
    if group_of(live) == _KNATIVE and policy != "Orphan":
        _wait_for_pods(client, live, context, deadline)


def _wait_until_gone(client: KubeClient, path: str, last: Object, context: Context, deadline: float) -> None:
    started, pause, told = time.monotonic(), FIRST_PAUSE, ""
    while True:
        try:
            found = client.request("GET", path)
        except KubeError as error:
            if error.not_found:
                return
            raise
        if metadata(found).get("uid") != metadata(last).get("uid"):
            return
        if (why := _held_by(found)) != told:
            context.report(f"waiting for {why}")
            told = why
        now = time.monotonic()
        if now >= deadline:
            raise CaramlError(
                f"{title(found)} is still there {now - started:.0f} s after it was deleted: {why}",
                fix="see to what its finalizers wait for: their controller must run and be able to clean up",
            )
        if context.cancelled.wait(min(pause, deadline - now)):
            raise CaramlError(f"stopped while {title(found)} was being deleted; it will still go")
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _wait_for_pods(client: KubeClient, obj: Object, context: Context, deadline: float) -> None:
    """Wait until the pods of `obj`, which is gone, have ended too; not where the user may not list pods."""
    pause, told = FIRST_PAUSE, False
    while time.monotonic() < deadline:
        try:
            if not pods_of(client, obj):
                return
        except KubeError as error:
            if error.denied_by_rbac:
                return
            raise
        if not told:
            context.report("waiting for its pods to end")
            told = True
        if context.cancelled.wait(pause):
            return
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _held_by(obj: Object) -> str:
    """What keeps a deleted object: its finalizers, or for a namespace what is left in it."""
    for item in at(obj, "status", "conditions") or []:
        if item.get("status") == "True" and item.get("type") in (
            "NamespaceContentRemaining",
            "NamespaceFinalizersRemaining",
            "NamespaceDeletionContentFailure",
        ):
            return str(item.get("message"))
    finalizers = metadata(obj).get("finalizers") or at(obj, "spec", "finalizers") or []
    return f"the finalizers {', '.join(finalizers)}" if finalizers else "its pods to end"
