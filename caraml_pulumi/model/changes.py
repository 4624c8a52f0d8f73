"""The rules about changes: what may become of a resource that exists already."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import DeploymentMode, declared_status

_VERSION: Final = "caraml:index:CustomModelVersion"
_IDENTITY: Final = ("model", "version", "project", "environment")
_ACKNOWLEDGED: Final = re.compile(r"[A-Za-z0-9][-.\w]*/[A-Za-z0-9][-.\w]*(/[1-9]\d*)?", re.ASCII)

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
        where=f"{_name(new)}: deploymentMode, {before} => {after}",
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
            fixed = _number(replicas)
            raise CaramlError(
                f"the autoscaler of {_number(minimum)} to {_number(maximum)} replicas could outlive the change to "
                f"{fixed}",
                where=f"{_name(new)}: {path}replicas",
                fix=f"set minReplica and maxReplica to {fixed} and run up; then set replicas and run up again",
            )


def serving_version_kept(version: str, fate: str, acknowledged: Collection[str] = ()) -> None:
    """Refuse what would end a version that gets requests, unless somebody has acknowledged it.

    `version` is ``project/model/version``, and `fate` what would become of it: deleted, stopped, replaced; empty if it
    stays. `acknowledged` names versions in the same way, or all of a model as ``project/model``.
    """
    if fate and version not in acknowledged and version.rpartition("/")[0] not in acknowledged:
        raise CaramlError(
            f"version {version} gets requests, and would be {fate}",
            fix="give its traffic to another version and run up; once that has proven itself, take this one out. Or "
            f"acknowledge it in the stack's configuration: caraml:acknowledge: [{version}]",
        )


def acknowledgement(value: object) -> str:
    """A version, or a model, whose end is acknowledged. Raises `CaramlError` for what names none."""
    if not isinstance(value, str) or not _ACKNOWLEDGED.fullmatch(value):
        raise CaramlError(
            f'"{value}" acknowledges no version', allowed="project/model/version, or project/model for all versions"
        )
    return value


def change_allowed(type_: str, old: Props, new: Props) -> None:
    """Hold the change of a resource of that type from the props `old` to `new` to the rules about it."""
    if type_ != _VERSION or not _same_version(old, new):
        return
    deployment_mode_may_change(old, new)
    if new.get("deploymentMode") == DeploymentMode.RAW_DEPLOYMENT.value:
        autoscaler_hands_over(old, new)


def _name(version: Props) -> str:
    return f"{version.get('model')}-{_number(version.get('version'))}"


def _number(value: object) -> str:
    """A number as it was given: policies get whole ones as floats."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _same_version(old: Props, new: Props) -> bool:
    return all(old.get(key) == new.get(key) for key in _IDENTITY)
