"""The versions of a stack: which it deploys, and which of them get requests; by components and by labels."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from caraml_pulumi.model.names import full_name
from policies.pods import KNATIVE_CONFIGURATION, STATEFUL_SET
from policies.reading import (
    DEPLOYMENT,
    KNATIVE_SERVICE,
    MODEL_ENDPOINT,
    MODEL_VERSION,
    SERVICE,
    DeployedVersion,
    Properties,
    at,
    version_of_component,
    version_of_object,
)
from policies.resource import Resource
from policies.routes import ROUTE_TYPES, Target, divisions, namespace_of

INFERENCE_SERVICE: Final = "kubernetes:serving.kserve.io/v1beta1:InferenceService"
WORKLOADS: Final = (KNATIVE_SERVICE, KNATIVE_CONFIGURATION, INFERENCE_SERVICE, DEPLOYMENT, STATEFUL_SET)
"""What runs a version. Those of Knative and KServe are reached by their own names, the others by Services."""
READ: Final = tuple(dict.fromkeys((MODEL_VERSION, MODEL_ENDPOINT, SERVICE, *WORKLOADS, *ROUTE_TYPES)))
"""The types of resources that tell."""

_IDENTITY: Final = ("environment", "project", "model", "version")

Owner = tuple[str, str, str]
"""An environment, a project and a model."""
Versions = Mapping[DeployedVersion, list[Resource]]


def deployed_versions(resources: Iterable[Resource], prefix: str) -> Versions:
    """The versions that are deployed, each with its component and its workloads; `prefix` is that of labels."""
    found: dict[DeployedVersion, list[Resource]] = defaultdict(list)
    for resource in resources:
        if version := _version(resource, prefix):
            found[version].append(resource)
    return found


def stopped_versions(resources: Iterable[Resource], prefix: str) -> Versions:
    """The versions that are declared, and of which nothing is to run."""
    found: dict[DeployedVersion, list[Resource]] = defaultdict(list)
    for resource in resources:
        if _version(resource, prefix) is None and (version := _declared(resource, prefix)):
            found[version].append(resource)
    return found


def serving_versions(resources: Iterable[Resource], prefix: str) -> set[DeployedVersion]:
    """The versions that a model endpoint, or a route that no component made, sends requests to; maybe not deployed."""
    known = list(resources)
    names = _names(known, prefix)
    found = {version for endpoint in known for version in _weighted(endpoint)}
    for route in known:
        if route.type not in ROUTE_TYPES or made_by(route, MODEL_ENDPOINT):
            continue
        if version_of_object(route.props, prefix) is None:
            targets = [target for division in divisions(route) for target in division.targets if target.weight]
            found |= {names[key] for target in targets for key in _keys(target, route) if key in names}
    return found


def owner(component: Properties) -> Owner:
    """The environment, the project and the model that a component is of."""
    environment, project, model = (str(component.get(name) or "") for name in ("environment", "project", "model"))
    return environment, project, model


def made_by(resource: Resource, *components: str) -> bool:
    """Whether a resource is a child of a component of these types, which says itself what it is for."""
    return resource.parent.rpartition("::")[0].endswith(components)


def routed(endpoint: Properties) -> Iterator[tuple[int, float]]:
    """Each version that a ModelEndpoint names, and its weight; one that gets copies alone has none."""
    holders = [endpoint, *at(endpoint, "matches")]
    for share in (share for holder in holders for share in at(holder, "traffic")):
        yield int(share["version"]), float(share["weight"])
    if mirror := at(endpoint, "mirror"):
        yield int(mirror["version"]), 0


def _version(resource: Resource, prefix: str) -> DeployedVersion | None:
    if resource.type == MODEL_VERSION:
        return version_of_component(resource.props)
    return version_of_object(resource.props, prefix) if resource.type in WORKLOADS else None


def _declared(resource: Resource, prefix: str) -> DeployedVersion | None:
    """The version that a resource is of, whether it runs or not."""
    if resource.type == MODEL_VERSION:
        return version_of_component({name: resource.props[name] for name in _IDENTITY if name in resource.props})
    metadata = at(resource.props, "metadata")
    return version_of_object({"metadata": metadata}, prefix) if resource.type in WORKLOADS else None


def _weighted(endpoint: Resource) -> Iterator[DeployedVersion]:
    props = endpoint.props
    if endpoint.type == MODEL_ENDPOINT and "traffic" in props:
        for version, weight in routed(props):
            if weight:
                yield DeployedVersion(*owner(props), version)


def _names(resources: list[Resource], prefix: str) -> dict[tuple[str, str], DeployedVersion]:
    """By which names, in which namespace, routes reach versions."""
    found: dict[tuple[str, str], DeployedVersion] = {}
    pods: dict[str, list[tuple[Any, DeployedVersion]]] = defaultdict(list)
    for workload in resources:
        version = _version(workload, prefix) if workload.type in WORKLOADS else None
        if version:
            namespace = namespace_of(workload.props)
            found[namespace, full_name(version.model, version.version)] = version
            if workload.type not in (DEPLOYMENT, STATEFUL_SET):
                found[namespace, str(at(workload.props, "metadata", "name"))] = version
            else:
                labels = at(workload.props, "spec", "template", "metadata", "labels")
                pods[namespace].append((labels, version))
    for service in resources:
        if service.type == SERVICE and (selector := at(service.props, "spec", "selector")):
            namespace = namespace_of(service.props)
            for labels, version in pods[namespace]:
                if all(at(labels, name) == value for name, value in selector.items()):
                    found[namespace, str(at(service.props, "metadata", "name"))] = version
    return found


def _keys(target: Target, route: Resource) -> Iterator[tuple[str, str]]:
    yield target.namespace, target.name
    if target.kind == "Revision":
        yield target.namespace, target.name.rpartition("-")[0]
    if target.host:
        yield namespace_of(route.props), target.host.partition(".")[0]
