"""Pods use no files of their node: no hostPath volumes, and no PersistentVolumes that are a node's directory.

A volume of the node's files lets a container read what other pods and the kubelet keep there, and write what the node
runs; and a replica that is moved to another node finds other files. Kubernetes' Pod Security Standards refuse hostPath
in the profile "baseline". The setting `allowed` names directories that pods may use nevertheless, such as one with the
models of a node's cache; everything under them is allowed, `..` is followed first. Whatever makes pods is judged, and
Pulumi's patches of it.

    # refused
    volumes: [{name: models, hostPath: {path: /var/models}}]
    # passes
    volumes: [{name: models, persistentVolumeClaim: {claimName: models}}]
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.pod_security import host_path_allowed
from caraml_pulumi.model.spec import within
from policies.pods import PATCH_TYPES, POD_TYPES, pods
from policies.reading import PERSISTENT_VOLUME, at, broken
from policies.resource import Resource
from policies.rule import resource_rule


def _of_pods(workload: Resource) -> Iterator[CaramlError]:
    found = pods(workload)
    for index, volume in enumerate(at(found.spec, "volumes")):
        if path := at(volume, "hostPath", "path"):
            rule = within(*found.path, "spec", "volumes", index, "hostPath")(host_path_allowed)
            yield from broken(rule, str(at(volume, "name") or index), path, workload.settings["allowed"])


def _of_volume(volume: Resource) -> Iterator[CaramlError]:
    for kind in ("hostPath", "local"):
        if path := at(volume.props, "spec", kind, "path"):
            rule = within("spec", kind)(host_path_allowed)
            yield from broken(rule, volume.name, path, volume.settings["allowed"])


policy = resource_rule(
    "no-host-paths",
    "Pods use no files of their node.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("security",),
    steps="Use an emptyDir, a PersistentVolumeClaim, or artifacts from a bucket in place of the hostPath.",
    settings={
        "allowed": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Directories of nodes that pods may use, with all that is under them. Default: none.",
        }
    },
    judges={**dict.fromkeys((*POD_TYPES, *PATCH_TYPES), _of_pods), PERSISTENT_VOLUME: _of_volume},
)
