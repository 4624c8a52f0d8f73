"""A SERVERLESS workload: a Knative Service."""

from typing import Any, Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.autoscaling import knative_annotations
from caraml_pulumi.manifests.pod import pod_metadata, pod_spec
from caraml_pulumi.model.deferred import Value
from caraml_pulumi.model.labels import KNATIVE_VISIBILITY
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.routing import RoutingBackend
from caraml_pulumi.model.serverless import QueueProxySpec
from caraml_pulumi.model.version_plan import VersionPlan
from caraml_pulumi.model.workload import WorkloadPlan

API_VERSION: Final = "serving.knative.dev/v1"
QUEUE_PROXY: Final = "queue.sidecar.serving.knative.dev"


def knative_service(
    version: VersionPlan, workload: WorkloadPlan, platform: PlatformSpec, secret_name: Value | None = None
) -> Manifest:
    """The Knative Service of `workload`, reachable inside the cluster.

    Where Knative is the routing backend, it publishes the workload that requests enter by itself; elsewhere the
    version's route makes it reachable.

    The autoscaling annotations are on the revision's template, where alone Knative reads them. Pulumi waits for the
    condition Ready, since it does not wait for custom resources by itself.
    """
    annotations = {
        **knative_annotations(workload.scaling, workload.resources.memory_request),
        **_queue_proxy(version.queue_proxy),
    }
    only_knative: dict[str, Any] = {
        "containerConcurrency": workload.container_concurrency,
        "timeoutSeconds": version.timeout_seconds,
    }
    is_public = platform.routing.backend is RoutingBackend.KNATIVE and workload is version.entry
    return {
        "apiVersion": API_VERSION,
        "kind": "Service",
        "metadata": {
            "name": workload.name,
            "namespace": workload.project,
            "labels": {**workload.labels, **({} if is_public else {KNATIVE_VISIBILITY: "cluster-local"})},
            "annotations": {
                **workload.annotations,
                "pulumi.com/waitFor": "condition=Ready",
                "pulumi.com/timeoutSeconds": str(platform.deployment_timeout_seconds),
            },
        },
        "spec": {
            "template": {
                "metadata": pod_metadata(workload, annotations),
                "spec": {
                    **pod_spec(version, workload, platform, secret_name),
                    **{name: value for name, value in only_knative.items() if value is not None},
                },
            }
        },
    }


def _queue_proxy(proxy: QueueProxySpec) -> dict[str, str]:
    """The annotations by which Knative sizes its own container."""
    names = {
        "cpu-resource-request": proxy.cpu_request,
        "cpu-resource-limit": proxy.cpu_limit,
        "memory-resource-request": proxy.memory_request,
        "memory-resource-limit": proxy.memory_limit,
        "resource-percentage": None if proxy.resource_percentage is None else f"{proxy.resource_percentage:g}",
    }
    return {f"{QUEUE_PROXY}/{name}": value for name, value in names.items() if value is not None}
