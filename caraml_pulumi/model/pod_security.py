"""What a pod may take of its node: Kubernetes' Pod Security Standards, as far as a model server meets them."""

from collections.abc import Iterable
from posixpath import normpath
from typing import Final

from caraml_pulumi.errors import CaramlError

BASELINE_CAPABILITIES: Final = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)
"""What the profile "baseline" of the Pod Security Standards lets a container add: what runtimes give it anyway."""
DEFAULT_SERVICE_ACCOUNT: Final = "default"
"""The ServiceAccount of pods that name none (Kubernetes)."""
_CAPABILITY_PREFIX: Final = "CAP_"
_SHARED: Final = {"hostNetwork": "network", "hostPID": "processes", "hostIPC": "memory between processes"}
HOST_NAMESPACES: Final = tuple(_SHARED)
"""The properties of a pod that share a namespace of its node."""


def not_privileged(container: str, privileged: bool) -> None:
    """Refuse a container with all rights on its node (Pod Security Standards, baseline)."""
    if privileged:
        raise CaramlError(
            f'container "{container}" is privileged: it has all rights on its node',
            allowed="privileged: false, the default",
            fix="remove privileged, and add the one capability that the container needs",
        )


def not_a_host_process(whose: str, host_process: bool) -> None:
    """Refuse a Windows container that is a process of its node (Pod Security Standards, baseline)."""
    if host_process:
        raise CaramlError(f"{whose} runs as a process of its Windows node", fix="remove windowsOptions.hostProcess")


def no_privilege_escalation(container: str, allowed: bool) -> None:
    """Refuse a container that asks for privilege escalation (Pod Security Standards, restricted).

    What is left out is not refused, although Kubernetes then allows it: the asking alone tells what a container is for.
    """
    if allowed:
        raise CaramlError(
            f'container "{container}" lets its processes gain more privileges than they started with',
            allowed="allowPrivilegeEscalation: false",
            fix="remove allowPrivilegeEscalation, or set it to false",
        )


def capabilities_within(container: str, added: Iterable[str], allowed: Iterable[str]) -> None:
    """Refuse Linux capabilities beyond those that are `allowed`, all wrong ones in one error.

    Written with or without ``CAP_``, as runtimes take them.
    """
    known = {name.removeprefix(_CAPABILITY_PREFIX) for name in allowed}
    beyond = [name for name in added if name.upper().removeprefix(_CAPABILITY_PREFIX) not in known]
    if beyond:
        raise CaramlError(
            f'container "{container}" adds the capabilit{"ies" if len(beyond) > 1 else "y"} {", ".join(beyond)}',
            allowed=", ".join(sorted(known)) or "none",
            fix="remove it from capabilities.add, or run what needs it outside the model's pods",
        )


def masked_proc(container: str, mount: str) -> None:
    """Refuse a /proc without the masks of the container runtime (Pod Security Standards, baseline)."""
    if mount != "Default":
        raise CaramlError(
            f'container "{container}" mounts /proc as {mount}: it sees what the runtime hides',
            allowed="procMount: Default",
            fix="remove procMount",
        )


def host_path_allowed(volume: str, path: str, allowed: Iterable[str]) -> None:
    """Refuse a volume of the node's own files, but for paths under one that is `allowed` (baseline allows none).

    Part of a name is no path: ``/data`` allows ``/data/models``, not ``/database`` and not ``/data/../etc``.
    """
    prefixes = sorted(allowed)
    if not any(_is_under(normpath(path), normpath(prefix)) for prefix in prefixes):
        raise CaramlError(
            f'volume "{volume}" is {path} of the node',
            allowed=", ".join(prefixes) or "no paths of nodes",
            fix="use an emptyDir, a PersistentVolumeClaim, or artifacts from a bucket (storageUri)",
        )


def _is_under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def own_namespace(what: str, shared: bool) -> None:
    """Refuse pods that share a namespace of their node: `what` is hostNetwork, hostPID or hostIPC (baseline)."""
    if shared:
        raise CaramlError(
            f"the pods share their node's {_SHARED[what]}: {what}",
            allowed=f"{what}: false, the default",
            fix=f"remove {what}",
        )


def no_host_port(container: str, port: float) -> None:
    """Refuse a container that takes a port of its node; 0 is none (Pod Security Standards, baseline)."""
    if port:
        raise CaramlError(
            f'container "{container}" takes port {port:g} of its node: a second replica finds it taken',
            allowed="no hostPort",
            fix="remove hostPort, and reach the pods through a Service",
        )


def runs_as_non_root(container: str, non_root: bool | None, user: float | None) -> None:
    """Refuse a container that may run as root (Pod Security Standards, restricted).

    `non_root` and `user` are runAsNonRoot and runAsUser of the container, else those of its pod; None is not said. A
    number other than 0 is not root.
    """
    if user == 0:
        raise CaramlError(
            f'container "{container}" runs as root: runAsUser 0',
            fix="give securityContext.runAsUser a number above 0, as the image's USER",
        )
    if not non_root and user is None:
        raise CaramlError(
            f'container "{container}" may run as root: nothing says that it does not',
            allowed="runAsNonRoot: true, or runAsUser above 0",
            fix="set securityContext.runAsNonRoot: true, and a USER with a number in the image",
        )


def own_service_account(name: str | None) -> None:
    """Refuse pods of the namespace's default ServiceAccount, whose rights every other pod there has as well.

    None or an empty name is the default one.
    """
    if (name or DEFAULT_SERVICE_ACCOUNT) == DEFAULT_SERVICE_ACCOUNT:
        raise CaramlError(
            "the pods run as the namespace's default ServiceAccount, and share its rights with every other pod there",
            allowed="a ServiceAccount of their own",
            fix="make one with the rights that they need, and name it in serviceAccountName",
        )
