"""Which properties cannot be changed in place, by kind: the table of pulumi-kubernetes, as data."""

from typing import Any, Final

from caraml_pulumi.engine.property_path import PathKey, parse_path
from caraml_pulumi.engine.providers.kubernetes.objects import Object, group_kind, words
from caraml_pulumi.engine.values import UNKNOWN

_IDENTITY: Final = ("metadata.name", "metadata.namespace")
_CONTAINER: Final = words(
    "args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext "
    "stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir"
)
_POD: Final = words(
    "affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork "
    "hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName "
    "readinessGates restartPolicy runtimeClassName schedulerName securityContext serviceAccount serviceAccountName "
    "shareProcessNamespace subdomain terminationGracePeriodSeconds volumes"
)
_VOLUME: Final = words(
    "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs "
    "hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume"
)
_BY_KIND: Final[dict[str, list[str]]] = {
    "ConfigMap": ["binaryData", "data"],
    "PersistentVolume": [f"spec.{source}" for source in _VOLUME],
    "PersistentVolumeClaim": ["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"],
    "Pod": [f"spec.{name}" for name in _POD]
    + [f"spec.{containers}[*].{name}" for containers in ("containers", "initContainers") for name in _CONTAINER],
    "ResourceQuota": ["spec.scopes"],
    "Secret": ["type", "stringData", "data"],
    "Service": ["spec.clusterIP"],
    "apps/DaemonSet": ["spec.selector"],
    "apps/Deployment": ["spec.selector"],
    "apps/StatefulSet": [
        f"spec.{name}"
        for name in ("podManagementPolicy", "revisionHistoryLimit", "selector", "serviceName", "volumeClaimTemplates")
    ],
    "batch/Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
    "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
    "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
    "storage.k8s.io/StorageClass": ["parameters", "provisioner"],
}


def fixed_properties(obj: Object, *, mutable_config_maps: bool = False, mutable_secrets: bool = False) -> list[str]:
    """The paths in `obj` whose change replaces it; ``[*]`` stands for any element.

    ConfigMaps and Secrets are replaced when their data changes, so that workloads notice, unless the provider's
    `enableConfigMapMutable` or `enableSecretMutable` is set and the object is not ``immutable``.
    """
    kind = group_kind(obj)
    frozen = obj.get("immutable") is True
    if kind == "ConfigMap" and mutable_config_maps and not frozen:
        return [*_IDENTITY]
    if kind == "Secret" and mutable_secrets and not frozen:
        return [*_IDENTITY, "type"]
    return [*_IDENTITY, *_BY_KIND.get(kind, [])]


def is_fixed(path: str, value: Any, fixed: list[str]) -> bool:  # noqa: ANN401 - any property value
    """Whether a change at `path`, where `value` is or was, touches one of the `fixed` properties."""
    keys = parse_path(path)
    return any(_touches(keys, value, parse_path(pattern)) for pattern in fixed)


def _touches(keys: list[PathKey], value: Any, pattern: list[PathKey]) -> bool:  # noqa: ANN401
    if not all(wanted in ("*", key) for key, wanted in zip(keys, pattern, strict=False)):
        return False
    return len(keys) >= len(pattern) or _holds(value, pattern[len(keys) :])


def _holds(value: Any, rest: list[PathKey]) -> bool:  # noqa: ANN401
    if not rest or value is UNKNOWN:
        return True
    if rest[0] == "*":
        return isinstance(value, list) and any(_holds(item, rest[1:]) for item in value)
    return isinstance(value, dict) and rest[0] in value and _holds(value[rest[0]], rest[1:])
