"""A RAW_DEPLOYMENT workload: a Deployment, a Service and a HorizontalPodAutoscaler."""

from typing import Any

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.autoscaling import horizontal_pod_autoscaler
from caraml_pulumi.manifests.container import GRPC, port_name
from caraml_pulumi.manifests.pod import pod_metadata, pod_spec
from caraml_pulumi.model.deferred import Value
from caraml_pulumi.model.modes import Protocol
from caraml_pulumi.model.names import SERVICE_PORT, raw_service_name
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.version_plan import VersionPlan
from caraml_pulumi.model.workload import WorkloadPlan


def _metadata(workload: WorkloadPlan, name: str | None = None, annotations: Manifest | None = None) -> Manifest:
    found = {**workload.annotations, **(annotations or {})}
    made = {"name": name or workload.name, "namespace": workload.project, "labels": dict(workload.labels)}
    return made | ({"annotations": found} if found else {})


def deployment(
    version: VersionPlan, workload: WorkloadPlan, platform: PlatformSpec, secret_name: Value | None = None
) -> Manifest:
    """The Deployment of `workload`.

    It leaves out `replicas` where an autoscaler owns them; a stopped version has 0. A number is applied by force: an
    autoscaler that there was until now still owns the field. The strategy and the history are what KServe gives a raw
    deployment.
    """
    fixed = 0 if version.stopped else None if workload.scaling.policy else workload.scaling.max_replica
    annotations = {} if fixed is None else {"pulumi.com/patchForce": "true"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(workload, annotations=annotations),
        "spec": {
            **({} if fixed is None else {"replicas": fixed}),
            "selector": {"matchLabels": dict(workload.selector)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": version.rolling_update.props()},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": platform.deployment_timeout_seconds,
            "template": {
                "metadata": pod_metadata(workload, {}),
                "spec": pod_spec(version, workload, platform, secret_name),
            },
        },
    }


def service(version: VersionPlan, workload: WorkloadPlan, platform: PlatformSpec) -> Manifest:
    """The Service of `workload`: port 80 to the server's port.

    Pulumi waits until a Service has replicas behind it, as long as it waits for the Deployment; one of a stopped
    version never has any.
    """
    port: dict[str, Any] = {
        "name": "http",
        "port": SERVICE_PORT,
        "targetPort": port_name(workload),
        "protocol": "TCP",
    }
    if workload.protocol is Protocol.UPI_V1:
        port |= {"name": GRPC, "appProtocol": "kubernetes.io/h2c"}
    timeout = {"pulumi.com/timeoutSeconds": str(platform.deployment_timeout_seconds)}
    annotations = {"pulumi.com/skipAwait": "true"} if version.stopped else timeout
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(workload, raw_service_name(workload.name), annotations),
        "spec": {"selector": dict(workload.selector), "ports": [port]},
    }


def raw_workload(
    version: VersionPlan, workload: WorkloadPlan, platform: PlatformSpec, secret_name: Value | None = None
) -> list[Manifest]:
    """All objects of a RAW_DEPLOYMENT workload; the autoscaler only where something is to be scaled."""
    objects = [deployment(version, workload, platform, secret_name), service(version, workload, platform)]
    if workload.scaling.policy and not version.stopped:
        objects.append(horizontal_pod_autoscaler(_metadata(workload), workload.name, workload.scaling))
    return objects
