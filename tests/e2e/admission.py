"""What a program emits, admitted strictly: by the real API server, and for Knative by its real webhook."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from caraml_pulumi import CustomModelVersion
from caraml_pulumi.engine.values import plain
from caraml_pulumi.kube.client import APPLY_PATCH, KubeClient
from caraml_pulumi.model.serverless import KnativeFeature
from caraml_pulumi.testing import Recording, record

PLATFORM: dict[str, Any] = {
    "domain": "models.example.com",
    "environment": "id-dev",
    "knative": {"features": [feature.value for feature in KnativeFeature]},
}
STRICT = {"dryRun": "All", "fieldManager": "test", "force": "true", "fieldValidation": "Strict"}
"""An apply, as an update does it, that changes nothing and allows no unknown or repeated field."""


def admit(client: KubeClient, manifest: Any) -> Any:
    """What the API server makes of `manifest`. Raises `KubeError` if it is refused."""
    metadata = manifest["metadata"]
    path = client.path(manifest["apiVersion"], manifest["kind"], metadata.get("namespace"), metadata["name"])
    return client.request("PATCH", path, manifest, STRICT, APPLY_PATCH)


@dataclass(frozen=True)
class Emitted:
    """A program's registrations and its Kubernetes objects."""

    recording: Recording
    objects: list[Any]

    def one(self, kind: str) -> Any:
        """The only object of a kind."""
        (found,) = [item for item in self.objects if item["kind"] == kind]
        return found

    @property
    def kinds(self) -> list[str]:
        """The kinds of all objects."""
        return sorted(item["kind"] for item in self.objects)

    def template(self, name: str | None = None) -> Any:
        """The pod template of the only workload (of that name)."""
        workloads = [item for item in self.objects if "template" in item.get("spec", {})]
        (workload,) = [item for item in workloads if name is None or item["metadata"]["name"] == name]
        return workload["spec"]["template"]

    def annotations(self, name: str | None = None) -> Any:
        """The annotations of its pods."""
        return self.template(name)["metadata"].get("annotations", {})

    def pod(self, name: str | None = None) -> Any:
        """The spec of its pods."""
        return self.template(name)["spec"]

    def container(self, name: str | None = None) -> Any:
        """The container in its pods."""
        (container,) = self.pod(name)["containers"]
        return container

    def env(self, name: str | None = None) -> dict[str, Any]:
        """That container's variables: their values, or where they are from."""
        variables = self.container(name)["env"]
        return {item["name"]: item.get("value", item.get("valueFrom")) for item in variables}


def _named(manifest: Any, name: str) -> Any:
    """`manifest` with the name that the recording says Pulumi gave it, if the program gave it none."""
    return {**manifest, "metadata": {"name": name, **manifest["metadata"]}}


def emitted(client: KubeClient, program: Callable[[], Any], platform: dict[str, Any] = PLATFORM) -> Emitted:
    """What `program` emits on `platform`, all of it admitted."""
    recording = record(program, config={"caraml:platform": platform})
    objects = [_named(plain(item.inputs), f"{item.name}-id") for item in recording.registrations if item.custom]
    for manifest in objects:
        admit(client, manifest)
    return Emitted(recording, objects)


Emit = Callable[..., Emitted]


def version_emitter(client: KubeClient, namespace: str) -> Emit:
    """Emits version 1 of iris in `namespace` with more arguments, on a platform with more settings."""

    def emit(platform: dict[str, Any] | None = None, **settings: Any) -> Emitted:
        given = {"model": "iris", "version": 1, "project": namespace, "image": "registry.local/team/iris:1"}
        return emitted(
            client, lambda: CustomModelVersion("iris-1", **{**given, **settings}), PLATFORM | (platform or {})
        )

    return emit
