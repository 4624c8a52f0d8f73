"""Knative's routes for Istio's gateways, as Knative's own ingress controller for Istio (net-istio) writes them."""

from typing import Any

from caraml_pulumi.cluster.knative import NAMESPACE
from caraml_pulumi.manifests import Manifest
from tests.e2e.proxies.mesh import ISTIO, named_object

GATEWAYS = {"ExternalIP": f"{NAMESPACE}/knative-ingress-gateway", "ClusterLocal": f"{NAMESPACE}/knative-local-gateway"}


def virtual_services(ingress: Any) -> list[Manifest]:
    """A VirtualService for each rule of a Knative Ingress: its hosts, at the gateway that its visibility says."""
    metadata, rules = ingress["metadata"], ingress["spec"]["rules"]
    return [
        named_object(
            ISTIO,
            "VirtualService",
            f"{metadata['name']}-{index}",
            metadata["namespace"],
            spec={
                "hosts": rule["hosts"],
                "gateways": [GATEWAYS[rule.get("visibility", "ExternalIP")]],
                "http": [_route(path) for path in rule["http"]["paths"]],
            },
        )
        for index, rule in enumerate(rules)
    ]


def _route(path: Any) -> Manifest:
    match = {
        **({"uri": {"prefix": path["path"]}} if path.get("path") else {}),
        **({"headers": path["headers"]} if path.get("headers") else {}),
    }
    to = [
        {
            "destination": {
                "host": f"{split['serviceName']}.{split['serviceNamespace']}.svc.cluster.local",
                "port": {"number": split["servicePort"]},
            },
            "weight": split["percent"],
            "headers": {"request": {"set": split.get("appendHeaders", {})}},
        }
        for split in path["splits"]
    ]
    return {**({"match": [match]} if match else {}), "route": to}


def services(ingress: Any) -> list[tuple[str, int]]:
    """The Services that a Knative Ingress leads to, one of each revision, and their ports."""
    paths = [path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
    return sorted({(split["serviceName"], split["servicePort"]) for path in paths for split in path["splits"]})
