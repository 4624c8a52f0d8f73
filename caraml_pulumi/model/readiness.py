"""Whether a version can be given requests, from the object that runs it."""

from collections.abc import Mapping
from typing import Any

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import DeploymentMode


def version_is_ready(version: str, mode: DeploymentMode, live: Mapping[str, Any]) -> None:
    """Refuse weight for a version that is not ready; `live` is its Knative Service or Deployment.

    A SERVERLESS version is ready when Knative says so of what was last asked for, even with no replica; a
    RAW_DEPLOYMENT when a replica is available. Raises `CaramlError`.
    """
    status = live.get("status") or {}
    conditions = {one.get("type"): one for one in status.get("conditions") or []}
    if mode is DeploymentMode.RAW_DEPLOYMENT:
        condition = conditions.get("Available") or conditions.get("Progressing") or {}
        ready = int(status.get("availableReplicas") or 0) > 0
    else:
        condition = conditions.get("Ready") or {}
        seen = status.get("observedGeneration") == (live.get("metadata") or {}).get("generation")
        ready = condition.get("status") == "True" and seen
    if not ready:
        reason = condition.get("message") or condition.get("reason") or "nothing answers yet"
        raise CaramlError(
            f"version {version} is not ready: {reason}", fix="wait until it is, or give it no weight until then"
        )
