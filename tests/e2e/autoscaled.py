"""Small workloads that are scaled as versions are, and how the autoscalers' tests look at them."""

import time
from collections.abc import Callable
from typing import Any

from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.autoscaling import knative_annotations
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.resources import ResourceRequest
from caraml_pulumi.model.scaling import Scaling, ScalingSettings, plan_scaling
from caraml_pulumi.model.spec import parse

MEMORY_REQUEST = "1Gi"
CPU_MILLICORES = 75
READY_SECONDS = 20
"""Usually 1 to 2 s."""


def plan(
    policy: dict[str, Any] | None = None,
    *,
    mode: DeploymentMode = DeploymentMode.SERVERLESS,
    minimum: int | None = None,
    maximum: int | None = None,
    **settings: int | None,
) -> Scaling:
    given = {**settings, **({"autoscaling_policy": policy} if policy else {})}
    return plan_scaling(
        parse(ScalingSettings, given),
        ResourceRequest(min_replica=minimum, max_replica=maximum),
        ResourceRequest(min_replica=0, max_replica=1),
        mode=mode,
        ceiling=None,
        memory_request=MEMORY_REQUEST,
        zero_initial_scale=True,
    )


def _container(image: str) -> Manifest:
    requests = {"cpu": f"{CPU_MILLICORES}m", "memory": MEMORY_REQUEST}
    return {"name": "model", "image": image, "resources": {"requests": requests}}


def service(name: str, scaling: Scaling) -> Manifest:
    metadata = {"annotations": knative_annotations(scaling, MEMORY_REQUEST)}
    container = _container("registry.local/models/iris:1")
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"template": {"metadata": metadata, "spec": {"containers": [container]}}},
    }


def deployment(name: str) -> Manifest:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [_container("iris")]}},
        },
    }


class Objects:
    """The objects of one namespace."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self.client = client
        self.namespace = namespace

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> None:
        """Have the API server, and Knative's webhook, admit an object strictly."""
        params = {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        path = self.client.path(manifest["apiVersion"], manifest["kind"], self.namespace)
        self.client.request("POST", path, body=manifest, params=params)

    def get(self, api_version: str, kind: str, name: str) -> Manifest:
        found: Manifest = self.client.request("GET", self.client.path(api_version, kind, self.namespace, name))
        return found

    def replicas(self, deployment: str) -> int:
        replicas: int = self.get("apps/v1", "Deployment", deployment)["spec"]["replicas"]
        return replicas

    def autoscaler(self, name: str) -> Manifest:
        """What a HorizontalPodAutoscaler is to do."""
        spec: Manifest = self.get("autoscaling/v2", "HorizontalPodAutoscaler", name)["spec"]
        return spec

    def autoscalers(self) -> list[str]:
        """The names of all HorizontalPodAutoscalers."""
        path = self.client.path("autoscaling/v2", "HorizontalPodAutoscaler", self.namespace)
        return [item["metadata"]["name"] for item in self.client.request("GET", path)["items"]]

    def serve(self, name: str, scaling: Scaling) -> str:
        """Create a Knative Service, wait until it is ready and return the name of its Deployment."""
        self.create(service(name, scaling))
        eventually(lambda: self._is_ready(name), READY_SECONDS)
        return f"{name}-00001-deployment"

    def _is_ready(self, name: str) -> bool:
        status = self.get("serving.knative.dev/v1", "Service", name).get("status", {})
        return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))


def eventually(holds: Callable[[], bool], seconds: float, meanwhile: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        meanwhile()
        time.sleep(0.05)
