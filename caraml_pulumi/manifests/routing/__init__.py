"""What routes requests to endpoints and versions, by backend."""

from collections.abc import Callable, Mapping
from typing import Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.routing import gateway_api, ingress, istio, knative
from caraml_pulumi.model.endpoint_plan import EndpointPlan
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.routing import RoutingBackend
from caraml_pulumi.model.version_plan import VersionPlan

_OF_ENDPOINTS: Final[Mapping[RoutingBackend, Callable[[EndpointPlan, PlatformSpec], list[Manifest]]]] = {
    RoutingBackend.ISTIO: istio.endpoint_objects,
    RoutingBackend.GATEWAY_API: gateway_api.endpoint_objects,
    RoutingBackend.KNATIVE: knative.endpoint_objects,
    RoutingBackend.INGRESS: ingress.endpoint_objects,
}
_OF_VERSIONS: Final[Mapping[RoutingBackend, Callable[[VersionPlan, PlatformSpec], list[Manifest]]]] = {
    RoutingBackend.ISTIO: istio.version_objects,
    RoutingBackend.GATEWAY_API: gateway_api.version_objects,
    RoutingBackend.KNATIVE: knative.version_objects,
    RoutingBackend.INGRESS: ingress.version_objects,
}


def endpoint_objects(endpoint: EndpointPlan, platform: PlatformSpec) -> list[Manifest]:
    """What routes to a model, by the endpoint's backend."""
    return _OF_ENDPOINTS[endpoint.backend](endpoint, platform)


def version_objects(version: VersionPlan, platform: PlatformSpec) -> list[Manifest]:
    """What routes to a version, by the platform's backend; none where the version publishes itself."""
    return _OF_VERSIONS[platform.routing.backend](version, platform)
