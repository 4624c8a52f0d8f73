"""The objects with which the Pulumi Kubernetes Operator runs an environment inside a cluster.

The `Stack` (``pulumi.com/v1``) of version 2 of the operator, the ServiceAccount that its workspace runs as, and the
rights that this needs. Secrets are named, and never written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from caraml_pulumi.manifests.access import DEPLOYED, READ, WATCHED, WRITE
from caraml_pulumi.stack_files import StackFiles

Manifest = dict[str, Any]
PASSPHRASE: Final = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
_RBAC: Final = "rbac.authorization.k8s.io"
_OF_PROJECTS: Final = {"": ("limitranges", "resourcequotas", "secrets")}
_ACCESS: Final = {_RBAC: ("rolebindings", "roles")}
_NAMESPACES: Final = {"": ("namespaces",)}
_KUBECONFIG: Final = "/etc/caraml/kubeconfig"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key of a Secret in the namespace of the Stacks."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where the operator takes the program from: a Git repository's branch, and the directory of ``Pulumi.yaml``."""

    repository: str
    branch: str
    directory: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """How an environment's Stack is run.

    Attributes:
        project: the Pulumi project's name.
        namespace: of the Stacks and their ServiceAccounts.
        source: where the program is.
        backend: where the state is; it must be reachable from the cluster.
        secrets: environment variables by name, each from a Secret; the passphrase is among them.
        image: the workspace's image.
        kubeconfig: the Secret with the kubeconfig of the cluster that is deployed to; None: the operator's own.
        resync_seconds: how often what was changed by hand is put right.
    """

    project: str
    namespace: str
    source: Source
    backend: str
    secrets: Mapping[str, SecretKey]
    image: str
    kubeconfig: SecretKey | None = None
    resync_seconds: int = 3600


def name_of(settings: Settings, environment: str) -> str:
    """The name of an environment's Stack and ServiceAccount."""
    return f"{settings.project}-{environment}".lower().replace("_", "-").replace(".", "-")


def objects(settings: Settings, environment: str, files: StackFiles, after: str = "") -> list[Manifest]:
    """The objects of one environment, in the order in which they are applied.

    `after` is the environment whose Stack has to have succeeded before this one's is run; empty: none.
    """
    name = name_of(settings, environment)
    account = {"kind": "ServiceAccount", "name": name, "namespace": settings.namespace}
    found: list[Manifest] = [
        _object("v1", "ServiceAccount", name, settings.namespace, environment),
        # the operator's agent asks the API server who calls it
        _binding(f"{name}-auth-delegator", "system:auth-delegator", [account], environment),
    ]
    if settings.kubeconfig is None:
        found += _rights(name, account, environment, files)
    return [*found, _stack(settings, environment, name, after)]


def _stack(settings: Settings, environment: str, name: str, after: str) -> Manifest:
    spec: Manifest = {
        "serviceAccountName": name,
        "stack": f"organization/{settings.project}/{environment}",
        "projectRepo": settings.source.repository,
        "branch": settings.source.branch,
        **({"repoDir": settings.source.directory} if settings.source.directory else {}),
        "shallow": True,
        "backend": settings.backend,
        "envRefs": {name: _reference(secret) for name, secret in settings.secrets.items()},
        "refresh": True,
        "continueResyncOnCommitMatch": True,
        "resyncFrequencySeconds": settings.resync_seconds,
        "destroyOnFinalize": False,
        **({"prerequisites": [{"name": name_of(settings, after)}]} if after else {}),
        "workspaceTemplate": {"spec": _workspace(settings)},
    }
    return _object("pulumi.com/v1", "Stack", name, settings.namespace, environment) | {"spec": spec}


def _workspace(settings: Settings) -> Manifest:
    """What the Stack's `Workspace` (``auto.pulumi.com/v1alpha1``) has besides the operator's defaults."""
    workspace: Manifest = {
        "image": settings.image,
        "securityProfile": "restricted",
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
    }
    if settings.kubeconfig is None:
        return workspace
    directory, _, file = _KUBECONFIG.rpartition("/")
    items = [{"key": settings.kubeconfig.key, "path": file}]
    volume = {"name": "kubeconfig", "secret": {"secretName": settings.kubeconfig.name, "items": items}}
    mount = {"name": "kubeconfig", "mountPath": directory, "readOnly": True}
    return workspace | {
        "env": [{"name": "KUBECONFIG", "value": _KUBECONFIG}],
        "podTemplate": {
            "spec": {"volumes": [volume], "containers": [{"name": "pulumi", "volumeMounts": [mount]}]},
        },
    }


def _rights(name: str, account: Manifest, environment: str, files: StackFiles) -> Iterator[Manifest]:
    """What the workspace may do in the operator's own cluster: what the environment is made of, and no more.

    A namespace that the environment makes has no Role yet when it is made, so that these rights hold in all namespaces
    then. Where every project's namespace is there already, they hold in these alone.
    """
    made = [project for project in files.projects.values() if project.create_namespace and not project.existing]
    rules = [*_rules(DEPLOYED, WRITE), *_rules(_OF_PROJECTS, WRITE), *_rules(WATCHED, READ)]
    if any(project.deployers or project.viewers for project in files.projects.values()):
        rules += _rules(_ACCESS, WRITE)
    if made:
        rules += _rules(_NAMESPACES, WRITE)
    yield _object(f"{_RBAC}/v1", "ClusterRole", name, "", environment) | {"rules": rules}
    if made:
        yield _binding(name, name, [account], environment)
        return
    for namespace in files.projects:
        yield _binding(name, name, [account], environment, namespace)


def _rules(resources: Mapping[str, Sequence[str]], verbs: Sequence[str]) -> list[Manifest]:
    return [
        {"apiGroups": [group], "resources": list(plurals), "verbs": list(verbs)} for group, plurals in resources.items()
    ]


def _binding(name: str, role: str, subjects: Sequence[Manifest], environment: str, namespace: str = "") -> Manifest:
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    return _object(f"{_RBAC}/v1", kind, name, namespace, environment) | {
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": list(subjects),
    }


def _object(api_version: str, kind: str, name: str, namespace: str, environment: str) -> Manifest:
    labels = {"app.kubernetes.io/managed-by": "caraml-pulumi", "caraml.dev/environment": environment}
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), "labels": labels}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _reference(secret: SecretKey) -> Manifest:
    return {"type": "Secret", "secret": {"name": secret.name, "key": secret.key}}
