"""A project: a Namespace, what may be used in it, and its Secrets."""

from base64 import b64encode
from collections.abc import Iterator

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.deferred import checked
from caraml_pulumi.model.project import ProjectPlan

QUOTA = "project-quota"
DEFAULTS = "container-defaults"
OPAQUE = "Opaque"
SECRET_TYPES = {
    frozenset({".dockerconfigjson"}): "kubernetes.io/dockerconfigjson",
    frozenset({"tls.crt", "tls.key"}): "kubernetes.io/tls",
}
"""The types of Secrets with just these keys: what images are pulled with, and what an Ingress is served with."""


def namespace(project: ProjectPlan) -> Manifest:
    """The Namespace of `project`, labelled as managed."""
    seconds = project.namespace_timeout_seconds
    timeout = {} if seconds is None else {"pulumi.com/timeoutSeconds": str(seconds)}
    annotations = {**project.annotations, **timeout}
    metadata = {
        "name": project.project,
        "labels": dict(project.labels),
        **({"annotations": annotations} if annotations else {}),
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def limits(project: ProjectPlan) -> Iterator[Manifest]:
    """The ResourceQuota that holds all pods of the namespace to the group's quota, and the LimitRange it needs.

    Neither is made where the quota limits nothing. GPUs of each name are limited by themselves: Kubernetes has no sum
    over names. A ResourceQuota on limits refuses pods that have a container without them; the LimitRange gives it some.
    """
    quota, defaults = project.quota, project.container_defaults
    limited = {"cpu": (quota.cpu, defaults.cpu), "memory": (quota.memory, defaults.memory)}
    limited = {name: amounts for name, amounts in limited.items() if amounts[0] is not None}
    hard = {f"limits.{name}": hard for name, (hard, _) in limited.items()}
    if quota.gpu is not None:
        hard |= {f"requests.{name}": str(quota.gpu) for name in project.gpu_resource_names}
    if hard:
        yield project_object(project, "v1", "ResourceQuota", QUOTA, {"spec": {"hard": hard}})
    if limited:
        default = {name: default for name, (_, default) in limited.items()}
        spec = {"limits": [{"type": "Container", "default": default}]}
        yield project_object(project, "v1", "LimitRange", DEFAULTS, {"spec": spec})


def secrets(project: ProjectPlan) -> list[Manifest]:
    """The Secrets of the namespace; values may be deferred. Keys that Kubernetes knows make them of its types."""
    return [
        project_object(
            project,
            "v1",
            "Secret",
            name,
            {
                "type": SECRET_TYPES.get(frozenset(values), OPAQUE),
                "data": {key: checked(value, _encoded) for key, value in values.items()},
            },
        )
        for name, values in project.secrets.items()
    ]


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


def project_object(project: ProjectPlan, api_version: str, kind: str, name: str, content: Manifest) -> Manifest:
    """An object in the namespace of `project`, with the platform's labels."""
    metadata = {"name": name, "namespace": project.project, "labels": dict(project.object_labels)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}
