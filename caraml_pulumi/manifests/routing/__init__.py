"""What routes requests to endpoints and versions, by backend."""

from collections.abc import Callable, Mapping
from typing import Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.routing import gateway_api, ingress, istio, knative
from caraml_pulumi.model.deferred import Value
from caraml_pulumi.model.endpoint_plan import EndpointPlan
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.routing import RoutingBackend
from caraml_pulumi.model.version_plan import VersionPlan

_OF_ENDPOINTS: Final[Mapping[RoutingBackend, Callable[[EndpointPlan, PlatformSpec], list[Manifest]]]] = {
    RoutingBackend.ISTIO: istio.endpoint_objects,
    RoutingBackend.GATEWAY_API: gateway_api.endpoint_objects,
    RoutingBackend.KNATIVE: knative.endpoint_objects,
}
_OF_VERSIONS: Final[Mapping[RoutingBackend, Callable[[VersionPlan, PlatformSpec], list[Manifest]]]] = {
    RoutingBackend.ISTIO: istio.version_objects,
    RoutingBackend.GATEWAY_API: gateway_api.version_objects,
    RoutingBackend.KNATIVE: knative.version_objects,
    RoutingBackend.INGRESS: ingress.version_objects,
}


def clients_secret(endpoint: EndpointPlan) -> Manifest | None:
    """The Secret, without a name, with the clients of a private endpoint; nothing for a public one."""
    return ingress.clients_secret(endpoint)


def endpoint_objects(
    endpoint: EndpointPlan, platform: PlatformSpec, secret_name: Value | None = None
) -> list[Manifest]:
    """What routes to a model, by the endpoint's backend; `secret_name` is that of its clients' Secret."""
    if endpoint.backend is RoutingBackend.INGRESS:
        return ingress.endpoint_objects(endpoint, platform, secret_name)
    return _OF_ENDPOINTS[endpoint.backend](endpoint, platform)


def version_objects(version: VersionPlan, platform: PlatformSpec) -> list[Manifest]:
    """What routes to a version, by the platform's backend; none where the version publishes itself."""
    return _OF_VERSIONS[platform.routing.backend](version, platform)
