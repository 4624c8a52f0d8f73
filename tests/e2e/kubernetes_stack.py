"""Resources of the Kubernetes provider as an engine would run them, one at a time."""

from dataclasses import dataclass, field
from typing import Any

from caraml_pulumi.engine.providers.base import Context, Diff
from caraml_pulumi.engine.providers.kubernetes import KubernetesProvider
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.kube import MERGE_PATCH, KubeClient

Object = dict[str, Any]
LABELS = {"app": "iris"}


@dataclass
class Stack:
    """A provider, a namespace to work in, and what the provider said."""

    provider: KubernetesProvider
    namespace: str
    client: KubeClient
    warnings: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)

    def context(self, **options: Any) -> Context:
        return Context(report=self.reports.append, warn=self.warnings.append, **options)

    def metadata(self, name: str, **more: Any) -> Object:
        return {"metadata": {"name": name, "namespace": self.namespace, **more}}

    def create(self, type_: str, inputs: Object, name: str = "res", **options: Any) -> ResourceState:
        urn = f"urn:pulumi:dev::p::kubernetes:{type_}::{name}"
        checked = self.provider.check(urn, None, inputs)
        live = self.provider.create(urn, checked, self.context(**options))
        return ResourceState(urn, f"kubernetes:{type_}", True, live.id, checked, live.outputs)

    def diff(self, old: ResourceState, inputs: Object, ignore: list[str] | None = None) -> Diff:
        return self.provider.diff(old, self.provider.check(old.urn, old.inputs, inputs), ignore or [])

    def update(self, old: ResourceState, inputs: Object, **options: Any) -> ResourceState:
        checked = self.provider.check(old.urn, old.inputs, inputs)
        live = self.provider.update(old, checked, self.context(**options))
        return ResourceState(old.urn, old.type, True, live.id, checked, live.outputs)

    def live(self, resource: ResourceState) -> Object:
        obj = resource.outputs
        namespace, _, name = resource.id.rpartition("/")
        found: Object = self.client.request("GET", self.client.path(obj["apiVersion"], obj["kind"], namespace, name))
        return found

    def edit(self, resource: ResourceState, change: Object, manager: str) -> None:
        obj = resource.outputs
        namespace, _, name = resource.id.rpartition("/")
        path = self.client.path(obj["apiVersion"], obj["kind"], namespace, name)
        self.client.request("PATCH", path, change, {"fieldManager": manager}, MERGE_PATCH)


def deployment(stack: Stack, image: str = "a:1", name: str = "iris", replicas: int = 2, **container: Any) -> Object:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "m", "image": image, **container}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}
    return {**stack.metadata(name), "spec": spec}
