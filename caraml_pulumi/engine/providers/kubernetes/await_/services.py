"""Service and Ingress: ready when traffic sent to them arrives somewhere."""

from caraml_pulumi.engine.providers.kubernetes.await_.progress import READY, FindAll, Progress, waiting
from caraml_pulumi.engine.providers.kubernetes.objects import Object, name_of, namespace_of
from caraml_pulumi.observed.objects import at


def service(obj: Object, find_all: FindAll) -> Progress:
    """It has a ready endpoint, and an address when it is a load balancer.

    Headless ones, external names and those without a selector are ready as they are.
    """
    spec = obj.get("spec") or {}
    if spec.get("type") == "LoadBalancer" and not at(obj, "status", "loadBalancer", "ingress"):
        return waiting("no load balancer address yet")
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
        return READY
    selector = f"kubernetes.io/service-name={name_of(obj)}"
    slices = find_all("discovery.k8s.io/v1", "EndpointSlice", namespace_of(obj), selector)
    endpoints = [endpoint for item in slices for endpoint in item.get("endpoints") or []]
    if any(at(endpoint, "conditions", "ready") is not False for endpoint in endpoints):
        return READY
    labels = ",".join(f"{key}={value}" for key, value in sorted(spec["selector"].items()))
    return waiting(f"no ready pod with the labels {labels}")


def ingress(obj: Object) -> Progress:
    """A controller has given it an address."""
    return (
        READY if at(obj, "status", "loadBalancer", "ingress") else waiting("no ingress controller gave an address yet")
    )
