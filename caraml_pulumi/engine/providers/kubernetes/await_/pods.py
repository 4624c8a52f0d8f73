"""The pods that run for an object."""

from typing import Final

from caraml_pulumi.engine.providers.kubernetes.objects import Object, group_kind, name_of, namespace_of
from caraml_pulumi.kube import KubeClient
from caraml_pulumi.observed.objects import at

MOST: Final = 100
"""Pods that are looked at; the reasons of more would not be told anyway."""
_OWN_PODS: Final = {
    "batch/Job": "batch.kubernetes.io/job-name",
    "serving.knative.dev/Configuration": "serving.knative.dev/configuration",
    "serving.knative.dev/Revision": "serving.knative.dev/revision",
    "serving.knative.dev/Service": "serving.knative.dev/service",
}
"""Labels by which controllers mark the pods they make for an object."""


def pods_of(client: KubeClient, obj: Object) -> list[Object]:
    """The pods that `obj` is, makes or selects, at most `MOST`. Raises `KubeError` when they may not be listed."""
    kind = group_kind(obj)
    if kind == "Pod":
        return [obj]
    if kind in _OWN_PODS:
        selector = f"{_OWN_PODS[kind]}={name_of(obj)}"
    else:
        labels = at(obj, "spec", "selector", "matchLabels") or (
            at(obj, "spec", "selector") if kind == "Service" else {}
        )
        selector = ",".join(f"{key}={value}" for key, value in (labels or {}).items())
    if not selector or not namespace_of(obj):
        return []
    path = client.path("v1", "Pod", namespace_of(obj))
    listed: list[Object] = client.request("GET", path, params={"labelSelector": selector, "limit": str(MOST)})["items"]
    return listed
