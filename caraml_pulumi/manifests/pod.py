"""The pods of a workload: their labels and annotations, containers, artifacts, and where they run."""

from typing import Any, Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.container import ARTIFACT_VOLUME, container
from caraml_pulumi.model.deferred import Value
from caraml_pulumi.model.env import ARTIFACT_LOCATION
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.placement import Placement
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.storage import PVC_SCHEME, StorageInitializerSpec
from caraml_pulumi.model.version_plan import VersionPlan
from caraml_pulumi.model.workload import WorkloadPlan

CLAIM_VOLUME: Final = "kserve-pvc-source"
CLAIM_PATH: Final = "/mnt/pvc"
TEMPLATE_LABEL: Final = {
    DeploymentMode.SERVERLESS: "serving.knative.dev/revision",
    DeploymentMode.RAW_DEPLOYMENT: "pod-template-hash",
}
"""The label that only pods of the same template share."""


def pod_metadata(workload: WorkloadPlan, annotations: Manifest) -> Manifest:
    """The labels and annotations of the pods; Prometheus reads where the metrics are from the annotations."""
    scraped = workload.metrics
    scrape = (
        {
            "prometheus.io/scrape": "true",
            "prometheus.io/path": scraped.path,
            "prometheus.io/port": str(scraped.port),
        }
        if scraped
        else {}
    )
    found = {**workload.annotations, **scrape, **annotations}
    return {"labels": dict(workload.labels)} | ({"annotations": found} if found else {})


def pod_spec(
    version: VersionPlan, workload: WorkloadPlan, platform: PlatformSpec, secret_name: Value | None
) -> Manifest:
    """The pods of `workload`, whichever controller makes them."""
    pod = version.pod
    group = pod.security_context.fs_group
    parts: dict[str, Any] = {
        "initContainers": _init_containers(workload, platform.storage_initializer),
        "volumes": _volumes(workload),
        "serviceAccountName": pod.service_account_name,
        "imagePullSecrets": [{"name": name} for name in pod.image_pull_secrets],
        "securityContext": None if group is None else {"fsGroup": group},
        **_placement(workload, workload.placement),
    }
    return {
        "containers": [container(workload, pod.security_context, secret_name)],
        **{name: value for name, value in parts.items() if value},
    }


def _placement(workload: WorkloadPlan, placement: Placement) -> Manifest:
    """Where the pods run. Replicas are spread among those of the same template, so that an update is spread as well."""
    among = {
        "labelSelector": {"matchLabels": dict(workload.selector)},
        "matchLabelKeys": [TEMPLATE_LABEL[workload.mode]],
    }
    return {
        "nodeSelector": dict(placement.node_selector),
        "tolerations": [toleration.props() for toleration in placement.tolerations],
        "affinity": placement.affinity,
        "topologySpreadConstraints": [constraint.props() | among for constraint in placement.topology_spread],
        "priorityClassName": placement.priority_class_name,
        "runtimeClassName": placement.runtime_class_name,
    }


def _init_containers(workload: WorkloadPlan, initializer: StorageInitializerSpec) -> list[Manifest]:
    """KServe's storage initializer, which brings the artifacts to the volume that the model reads."""
    uri = workload.storage_uri
    if uri is None:
        return []
    mounts: list[Manifest] = [{"name": ARTIFACT_VOLUME, "mountPath": ARTIFACT_LOCATION}]
    if _claim(workload):
        uri = f"{CLAIM_PATH}/{uri.removeprefix(PVC_SCHEME).partition('/')[2]}"
        mounts.append({"name": CLAIM_VOLUME, "mountPath": CLAIM_PATH, "readOnly": True})
    made: Manifest = {
        "name": "storage-initializer",
        "image": initializer.image,
        "args": [uri, ARTIFACT_LOCATION],
        "resources": {
            "requests": {"cpu": initializer.cpu_request, "memory": initializer.memory_request},
            "limits": {"cpu": initializer.cpu_limit, "memory": initializer.memory_limit},
        },
        "volumeMounts": mounts,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    if initializer.env:
        made["env"] = [{"name": name, "value": value} for name, value in initializer.env.items()]
    if initializer.credentials_secret:
        made["envFrom"] = [{"secretRef": {"name": initializer.credentials_secret}}]
    return [made]


def _volumes(workload: WorkloadPlan) -> list[Manifest]:
    if workload.storage_uri is None:
        return []
    volumes: list[Manifest] = [{"name": ARTIFACT_VOLUME, "emptyDir": {}}]
    if claim := _claim(workload):
        source = {"claimName": claim, "readOnly": True}
        volumes.append({"name": CLAIM_VOLUME, "persistentVolumeClaim": source})
    return volumes


def _claim(workload: WorkloadPlan) -> str:
    """The PersistentVolumeClaim that holds the artifacts, if one does."""
    uri = workload.storage_uri
    return uri.removeprefix(PVC_SCHEME).partition("/")[0] if isinstance(uri, str) and uri[:6] == PVC_SCHEME else ""
