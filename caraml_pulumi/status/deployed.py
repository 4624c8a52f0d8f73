"""The models of a stack as its state has them: versions, endpoints, and the objects that each consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from caraml_pulumi.engine.providers.kubernetes.objects import api_version_and_kind, name_of, namespace_of, split_id
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.model.labels import PREDICTOR, TRANSFORMER
from caraml_pulumi.model.modes import DeploymentMode, VersionStatus

VERSION_TYPE: Final = "caraml:index:CustomModelVersion"
ENDPOINT_TYPE: Final = "caraml:index:ModelEndpoint"
KNATIVE: Final = "serving.knative.dev/v1"
WORKLOADS: Final = {
    ("apps/v1", "Deployment"): DeploymentMode.RAW_DEPLOYMENT,
    (KNATIVE, "Service"): DeploymentMode.SERVERLESS,
}
"""What runs a version, by apiVersion and kind."""
_KUBERNETES: Final = "kubernetes:"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object of a stack in a cluster."""

    provider: str
    """The URN of the Kubernetes provider that made it."""
    api_version: str
    kind: str
    namespace: str
    name: str
    creating: bool = field(default=False, compare=False)
    """Whether its creation has begun and not ended: it may not be there yet."""


@dataclass(frozen=True, slots=True)
class DeployedVersion:
    """A version as the state has it."""

    model: str
    version: int
    project: str
    environment: str
    full_name: str
    url: str
    stopped: bool
    objects: tuple[ObjectRef, ...]
    images: Mapping[str, str] = field(default_factory=dict)
    """The image of its predictor, and of its transformer if it has one; those that the state says."""

    @property
    def names(self) -> frozenset[str]:
        """The names by which a route may send requests to it."""
        host = urlsplit(self.url).hostname if "//" in self.url else self.url
        return frozenset({self.full_name, host or "", *(ref.name for ref in self.objects)} - {""})


@dataclass(frozen=True, slots=True)
class DeployedEndpoint:
    """A model endpoint as the state has it."""

    model: str
    project: str
    environment: str
    url: str
    traffic: Mapping[int, int]
    """Percent of the requests by version, as declared."""
    objects: tuple[ObjectRef, ...]


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a stack deploys, ordered by project, model and version."""

    versions: tuple[DeployedVersion, ...]
    endpoints: tuple[DeployedEndpoint, ...]

    @property
    def objects(self) -> list[ObjectRef]:
        """The objects of all of them."""
        owned = [*(one.objects for one in self.versions), *(one.objects for one in self.endpoints)]
        return [ref for objects in owned for ref in objects]


def read_deployed(state: Snapshot) -> Deployed:
    """The versions and endpoints of a stack; what an update is creating belongs to them already."""
    resources = [one for one in state.resources if not one.delete and not one.external]
    created = {one.urn for one in resources}
    begun = [operation.resource for operation in state.pending_operations if operation.type == "creating"]
    children: dict[str, list[ObjectRef]] = {}
    for resource in [*resources, *(one for one in begun if one.urn not in created)]:
        if resource.type.startswith(_KUBERNETES) and (reference := _reference(resource)):
            children.setdefault(resource.parent, []).append(reference)
    versions, endpoints = [], []
    for resource in resources:
        properties = {**resource.inputs, **resource.outputs}
        objects = tuple(children.get(resource.urn, ()))
        if resource.type == VERSION_TYPE and isinstance(properties.get("version"), int | float):
            versions.append(_version(properties, objects))
        elif resource.type == ENDPOINT_TYPE and "model" in properties:
            endpoints.append(_endpoint(properties, objects))
    return Deployed(
        tuple(sorted(versions, key=lambda one: (one.project, one.model, one.version))),
        tuple(sorted(endpoints, key=lambda one: (one.project, one.model))),
    )


def _reference(resource: ResourceState) -> ObjectRef | None:
    api_version, kind = api_version_and_kind(resource.urn)
    provider = resource.provider.rpartition("::")[0]
    if resource.id:
        return ObjectRef(provider, api_version, kind, *split_id(resource.id))
    named = namespace_of(resource.inputs), name_of(resource.inputs)
    return ObjectRef(provider, api_version, kind, *named, creating=True) if all(named) else None


def _version(properties: Mapping[str, Any], objects: tuple[ObjectRef, ...]) -> DeployedVersion:
    model, version = _text(properties, "model"), int(properties["version"])
    return DeployedVersion(
        model=model,
        version=version,
        project=_text(properties, "project"),
        environment=_text(properties, "environment"),
        full_name=_text(properties, "fullName") or f"{model}-{version}",
        url=_text(properties, "url"),
        stopped=properties.get("status") == VersionStatus.TERMINATED or properties.get("stopped") is True,
        objects=objects,
        images=_images(properties),
    )


def _images(properties: Mapping[str, Any]) -> dict[str, str]:
    transformer = properties.get("transformer")
    found = {
        PREDICTOR: _text(properties, "image"),
        TRANSFORMER: _text(transformer, "image") if isinstance(transformer, Mapping) else "",
    }
    return {component: image for component, image in found.items() if image}


def _endpoint(properties: Mapping[str, Any], objects: tuple[ObjectRef, ...]) -> DeployedEndpoint:
    shares = properties.get("traffic")
    shares = [share for share in shares if isinstance(share, dict)] if isinstance(shares, list) else []
    return DeployedEndpoint(
        model=_text(properties, "model"),
        project=_text(properties, "project"),
        environment=_text(properties, "environment"),
        url=_text(properties, "url"),
        traffic={int(share["version"]): int(share["weight"]) for share in shares if "version" in share},
        objects=objects,
    )


def _text(properties: Mapping[str, Any], name: str) -> str:
    value = properties.get(name)
    return value if isinstance(value, str) else ""
