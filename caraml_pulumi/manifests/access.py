"""Who may deploy and look at models in a project: Roles and RoleBindings."""

from collections.abc import Iterator
from typing import Any, Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.project import project_object
from caraml_pulumi.model.access import Subjects
from caraml_pulumi.model.project import ProjectPlan

DEPLOYERS: Final = "model-deployers"
VIEWERS: Final = "model-viewers"

DEPLOYED: Final = {
    "": ("configmaps", "services"),
    "apps": ("deployments",),
    "autoscaling": ("horizontalpodautoscalers",),
    "batch": ("jobs",),
    "gateway.networking.k8s.io": ("grpcroutes", "httproutes"),
    "monitoring.coreos.com": ("podmonitors", "prometheusrules", "servicemonitors"),
    "networking.istio.io": ("virtualservices",),
    "networking.k8s.io": ("ingresses",),
    "policy": ("poddisruptionbudgets",),
    "serving.knative.dev": ("routes", "services"),
}
"""What versions and endpoints consist of, by API group; Secrets come with them."""
WATCHED: Final = {
    "": ("endpoints", "events", "limitranges", "pods", "pods/log", "resourcequotas"),
    "apps": ("replicasets",),
    "autoscaling.internal.knative.dev": ("metrics", "podautoscalers"),
    "discovery.k8s.io": ("endpointslices",),
    "serving.knative.dev": ("configurations", "revisions"),
}
"""What controllers make of it, and what tells why it does not work."""
_RBAC: Final = "rbac.authorization.k8s.io"
READ: Final = ("get", "list", "watch")
WRITE: Final = (*READ, "create", "update", "patch", "delete")


def access(project: ProjectPlan) -> Iterator[Manifest]:
    """The Role and RoleBinding of deployers, and those of viewers, where there are any."""
    if project.deployers:
        yield _role(
            project, DEPLOYERS, [*_rules(DEPLOYED, WRITE), *_rules({"": ("secrets",)}, WRITE), *_rules(WATCHED, READ)]
        )
        yield _binding(project, DEPLOYERS, project.deployers)
    if project.viewers:
        yield _role(project, VIEWERS, [*_rules(DEPLOYED, READ), *_rules(WATCHED, READ)])
        yield _binding(project, VIEWERS, project.viewers)


def _rules(resources: dict[str, tuple[str, ...]], verbs: tuple[str, ...]) -> list[dict[str, list[str]]]:
    return [
        {"apiGroups": [group], "resources": list(plurals), "verbs": list(verbs)} for group, plurals in resources.items()
    ]


def _role(project: ProjectPlan, name: str, rules: list[dict[str, list[str]]]) -> Manifest:
    return project_object(project, f"{_RBAC}/v1", "Role", name, {"rules": rules})


def _binding(project: ProjectPlan, name: str, subjects: Subjects) -> Manifest:
    role = {"apiGroup": _RBAC, "kind": "Role", "name": name}
    return project_object(
        project,
        f"{_RBAC}/v1",
        "RoleBinding",
        name,
        {"roleRef": role, "subjects": list(_subjects(subjects, project.project))},
    )


def _subjects(subjects: Subjects, namespace: str) -> Iterator[dict[str, Any]]:
    for user in subjects.users:
        yield {"apiGroup": _RBAC, "kind": "User", "name": user}
    for group in subjects.groups:
        yield {"apiGroup": _RBAC, "kind": "Group", "name": group}
    for account in subjects.service_accounts:
        of, _, name = account.rpartition("/")
        yield {"kind": "ServiceAccount", "name": name, "namespace": of or namespace}
