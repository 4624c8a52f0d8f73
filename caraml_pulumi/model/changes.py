"""The rules about changes: what may become of a resource that exists already."""

from collections.abc import Mapping
from typing import Any, Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import DeploymentMode, declared_status

_VERSION: Final = "caraml:index:CustomModelVersion"
_IDENTITY: Final = ("model", "version", "project", "environment")

Props = Mapping[str, Any]


def deployment_mode_may_change(old: Props, new: Props) -> None:
    """Refuse another deployment mode for a version that runs: only a stopped one may change it.

    `old` and `new` are the props of a CustomModelVersion before and after. (Merlin refuses it while an endpoint is
    pending, running or serving, in these words.)
    """
    before, after = old.get("deploymentMode"), new.get("deploymentMode")
    if before is None or before == after or old.get("stopped"):
        return
    raise CaramlError(
        f"changing deployment type of a {declared_status(routed=False)} model is not allowed, "
        "please terminate it first",
        where=f"{new.get('model')}-{new.get('version')}: deploymentMode, {before} => {after}",
        fix=f"stop the version or take it out, with deploymentMode {before}, and run up; then deploy it again with "
        f"{after}. Or deploy {after} as another version, which takes over without an interruption",
    )


def autoscaler_hands_over(old: Props, new: Props) -> None:
    """Refuse a fixed number of replicas for a RAW_DEPLOYMENT whose autoscaler may want another.

    Pulumi deletes last: after the Deployment got its number, the autoscaler that is about to go could still set one of
    its own, which no preview would show. It has nothing to set while its range is that number, or the version stopped.
    """
    if old.get("stopped") or new.get("stopped") or old.get("revision") != new.get("revision"):
        return
    for path, before, after in (
        ("", old, new),
        ("transformer.", old.get("transformer") or {}, new.get("transformer") or {}),
    ):
        replicas, scaled = after.get("replicas"), before.get("resourceRequest") or {}
        if replicas is None or "autoscalingPolicy" not in before:
            continue
        minimum, maximum = scaled.get("minReplica"), scaled.get("maxReplica")
        if not minimum == maximum == replicas:
            raise CaramlError(
                f"the autoscaler of {minimum} to {maximum} replicas could outlive the change to {replicas}",
                where=f"{new.get('model')}-{new.get('version')}: {path}replicas",
                fix=f"set minReplica and maxReplica to {replicas} and run up; then set replicas and run up again",
            )


def change_allowed(type_: str, old: Props, new: Props) -> None:
    """Hold the change of a resource of that type from the props `old` to `new` to the rules about it."""
    if type_ != _VERSION or not _same_version(old, new):
        return
    deployment_mode_may_change(old, new)
    if new.get("deploymentMode") == DeploymentMode.RAW_DEPLOYMENT.value:
        autoscaler_hands_over(old, new)


def _same_version(old: Props, new: Props) -> bool:
    return all(old.get(key) == new.get(key) for key in _IDENTITY)
