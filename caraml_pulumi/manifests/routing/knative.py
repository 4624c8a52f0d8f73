"""Knative: a Route over the Configurations of the Knative Services that versions are.

Each version stays a Service of its own, which Knative publishes by itself; the endpoint's Route gives each a percentage
and a tag, an address of its own. Knative divides requests and rewrites nothing.
"""

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.knative import API_VERSION
from caraml_pulumi.model.endpoint_plan import EndpointPlan
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.version_plan import VersionPlan


def route(endpoint: EndpointPlan, platform: PlatformSpec) -> Manifest:
    """The Route to a model's versions.

    It follows each version's latest ready revision. Pulumi waits for the condition Ready, since it does not wait for
    custom resources by itself.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "Route",
        "metadata": {
            "name": endpoint.model,
            "namespace": endpoint.project,
            "labels": dict(endpoint.labels),
            "annotations": {
                "pulumi.com/waitFor": "condition=Ready",
                "pulumi.com/timeoutSeconds": str(platform.deployment_timeout_seconds),
            },
        },
        "spec": {
            "traffic": [
                {
                    "configurationName": share.workload,
                    "latestRevision": True,
                    "percent": share.weight,
                    "tag": f"v{share.version}",
                }
                for share in endpoint.shares
            ]
        },
    }


def endpoint_objects(endpoint: EndpointPlan, platform: PlatformSpec) -> list[Manifest]:
    """What routes to a model: its Route."""
    return [route(endpoint, platform)]


def version_objects(version: VersionPlan, platform: PlatformSpec) -> list[Manifest]:
    """Nothing: a version's Knative Service has a Route of its own."""
    return []
