"""What an environment needs of a cluster: the API groups that it must serve, and the kinds of objects that are made."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.routing import RoutingBackend


class Resource(NamedTuple):
    """Resources of an API group, as Kubernetes' access rules name them."""

    group: str
    plural: str


class Server(NamedTuple):
    """What has to be installed in a cluster for an API group, and the resources of it that are made."""

    title: str
    plurals: Sequence[str]


SERVERS: Final = {
    "serving.knative.dev": Server("Knative Serving", ("services", "routes")),
    "networking.istio.io": Server("Istio", ("virtualservices",)),
    "gateway.networking.k8s.io": Server("the Gateway API", ("httproutes", "grpcroutes")),
    "monitoring.coreos.com": Server("the Prometheus operator", ("prometheusrules", "podmonitors")),
}
"""The API groups besides Kubernetes' own that an environment may need."""

KUBERNETES: Final = (
    Resource("", "services"),
    Resource("", "configmaps"),
    Resource("", "secrets"),
    Resource("", "resourcequotas"),
    Resource("", "limitranges"),
    Resource("apps", "deployments"),
    Resource("autoscaling", "horizontalpodautoscalers"),
    Resource("policy", "poddisruptionbudgets"),
)
"""What is made of Kubernetes' own kinds in the namespace of any project."""


def needed_groups(platform: PlatformSpec, releases: Iterable[ReleaseSpec]) -> list[str]:
    """The keys of `SERVERS` that these releases need on this platform."""
    releases = list(releases)
    versions = [version for release in releases for version in release.versions if not version.stopped]
    modes = {version.deployment_mode or platform.default_deployment_mode for version in versions}
    backend = platform.routing.backend
    needed = {
        "serving.knative.dev": backend is RoutingBackend.KNATIVE or DeploymentMode.SERVERLESS in modes,
        "networking.istio.io": backend is RoutingBackend.ISTIO,
        "gateway.networking.k8s.io": backend is RoutingBackend.GATEWAY_API,
        "monitoring.coreos.com": platform.monitoring.enabled and any(release.endpoint for release in releases),
    }
    return [group for group, is_needed in needed.items() if is_needed]


def needed_resources(platform: PlatformSpec, releases: Iterable[ReleaseSpec]) -> list[Resource]:
    """The resources that are made in the namespaces of the projects."""
    resources = list(KUBERNETES)
    if platform.routing.backend is RoutingBackend.INGRESS:
        resources.append(Resource("networking.k8s.io", "ingresses"))
    for group in needed_groups(platform, releases):
        resources += [Resource(group, plural) for plural in SERVERS[group].plurals]
    return resources
