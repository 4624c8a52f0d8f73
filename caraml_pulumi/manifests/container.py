"""The container that serves a model: the same in a Knative Service and in a Deployment."""

from typing import Any, Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.env import HTTP_PORT
from caraml_pulumi.model.version import VersionPlan

CONTAINER_NAME: Final = "model"
"""Seed: Model Deployment, Replicas Log."""
LIVENESS_PATH: Final = "/"
"""Seed: Custom Model: answers 200 while the server lives."""
HTTP1: Final = "http1"
"""Knative's name of a port that speaks HTTP/1."""


def model_container(version: VersionPlan) -> Manifest:
    """The container of `version`: image, contract, port, resources and probes.

    Liveness waits 30 s and then asks `GET /` every 10 s; readiness asks for the model itself, so that no traffic comes
    before it can serve (seed: Custom Model). Every property of a probe is written, since Knative compares a revision's
    template with its own defaulted copy.
    """
    container: dict[str, Any] = {
        "name": CONTAINER_NAME,
        "image": version.image,
        "env": [{"name": name, "value": value} for name, value in version.env.items()],
        "ports": [{"name": HTTP1, "containerPort": HTTP_PORT, "protocol": "TCP"}],
        "resources": _resources(version),
        "readinessProbe": {
            "httpGet": _http_get(version.health_path),
            "timeoutSeconds": 5,
            "periodSeconds": 10,
            "successThreshold": 1,
            "failureThreshold": 3,
        },
    }
    if version.command:
        container["command"] = list(version.command)
    if version.args:
        container["args"] = list(version.args)
    if version.liveness:
        container["livenessProbe"] = {
            "httpGet": _http_get(LIVENESS_PATH),
            "initialDelaySeconds": 30,
            "timeoutSeconds": 5,
            "periodSeconds": 10,
            "successThreshold": 1,
            "failureThreshold": 3,
        }
    return container


def _http_get(path: str) -> Manifest:
    return {"path": path, "port": HTTP_PORT, "scheme": "HTTP"}


def _resources(version: VersionPlan) -> Manifest:
    decided = version.resources
    limits = {"cpu": decided.cpu_limit, "memory": decided.memory_limit}
    return {
        "requests": {"cpu": decided.cpu_request, "memory": decided.memory_request},
        "limits": {name: value for name, value in limits.items() if value is not None},
    }
