"""A SERVERLESS version: a Knative Service."""

from typing import Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.container import model_container
from caraml_pulumi.model.autoscaling import (
    CLASS_ANNOTATION,
    KNATIVE_CLASSES,
    KNATIVE_METRICS,
    METRIC_ANNOTATION,
    knative_target,
)
from caraml_pulumi.model.labels import KNATIVE_VISIBILITY
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.version import VersionPlan

API_VERSION: Final = "serving.knative.dev/v1"


def knative_service(version: VersionPlan, platform: PlatformSpec) -> Manifest:
    """The Knative Service of `version`, reachable inside the cluster; its VirtualService makes it reachable outside.

    The autoscaling annotations are on the revision's template, where alone Knative reads them. Pulumi waits for the
    condition Ready, since it does not wait for custom resources by itself.
    """
    labels = dict(version.labels)
    return {
        "apiVersion": API_VERSION,
        "kind": "Service",
        "metadata": {
            "name": version.full_name,
            "namespace": version.project,
            "labels": {**labels, KNATIVE_VISIBILITY: "cluster-local"},
            "annotations": {
                "pulumi.com/waitFor": "condition=Ready",
                "pulumi.com/timeoutSeconds": str(platform.deployment_timeout_seconds),
            },
        },
        "spec": {
            "template": {
                "metadata": {"labels": labels, "annotations": autoscaling_annotations(version)},
                "spec": {"containers": [model_container(version)]},
            }
        },
    }


def autoscaling_annotations(version: VersionPlan) -> dict[str, str]:
    """What Knative's autoscaler reads from a revision: class, metric, target and the replica bounds.

    Concurrency is written with two digits after the point, cpu and rps as whole numbers, memory in whole Mi of the
    request, as Merlin writes them.
    """
    policy = version.autoscaling
    return {
        CLASS_ANNOTATION: KNATIVE_CLASSES[policy.metric],
        METRIC_ANNOTATION: KNATIVE_METRICS[policy.metric],
        "autoscaling.knative.dev/target": knative_target(
            policy.metric, policy.target, version.resources.memory_request
        ),
        "autoscaling.knative.dev/min-scale": str(version.min_replica),
        "autoscaling.knative.dev/max-scale": str(version.max_replica),
    }
