"""The rules about changes: what may become of a resource that exists already."""

from collections.abc import Mapping
from typing import Any, Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import declared_status

_VERSION: Final = "caraml:index:CustomModelVersion"
_IDENTITY: Final = ("model", "version", "project", "environment")

Props = Mapping[str, Any]


def deployment_mode_may_change(old: Props, new: Props) -> None:
    """Refuse another deployment mode for a version that runs: only a stopped one may change it.

    `old` and `new` are the props of a CustomModelVersion. (Merlin refuses it while an endpoint is pending, running or
    serving, in these words.)
    """
    before, after = old.get("deploymentMode"), new.get("deploymentMode")
    same_version = all(old.get(key) == new.get(key) for key in _IDENTITY)
    if before is None or before == after or old.get("stopped") or not same_version:
        return
    raise CaramlError(
        f"changing deployment type of a {declared_status(routed=False)} model is not allowed, "
        "please terminate it first",
        where=f"{new.get('model')}-{new.get('version')}: deploymentMode, {before} => {after}",
        fix=f"stop the version or take it out, with deploymentMode {before}, and run up; then deploy it again with "
        f"{after}. Or deploy {after} as another version, which takes over without an interruption",
    )


def change_allowed(type_: str, old: Props, new: Props) -> None:
    """Hold the change of a resource of that type from the props `old` to `new` to the rules about it."""
    if type_ == _VERSION:
        deployment_mode_may_change(old, new)
