"""A RAW_DEPLOYMENT version: a Deployment, a Service and a HorizontalPodAutoscaler."""

from typing import Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.container import HTTP1, model_container
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.version import VersionPlan

SERVICE_PORT: Final = 80
"""KServe's: the port of the Service, whatever the container's."""


def service_name(version: VersionPlan) -> str:
    """`{model}-{version}-predictor`, as KServe names it.

    Knative makes a Service `{model}-{version}` for a SERVERLESS version; with another name here, a version changes its
    mode without a moment in which neither answers.
    """
    return f"{version.full_name}-predictor"


def _metadata(version: VersionPlan) -> Manifest:
    return {"name": version.full_name, "namespace": version.project, "labels": dict(version.labels)}


def deployment(version: VersionPlan, platform: PlatformSpec) -> Manifest:
    """The Deployment of `version`.

    It has no `replicas`: the autoscaler owns them. The strategy and the history are what KServe gives a raw deployment.
    """
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(version),
        "spec": {
            "selector": {"matchLabels": dict(version.selector)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": platform.deployment_timeout_seconds,
            "template": {
                "metadata": {"labels": dict(version.labels)},
                "spec": {"containers": [model_container(version)]},
            },
        },
    }


def service(version: VersionPlan) -> Manifest:
    """The Service of `version`: port 80 to the model's port."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(version) | {"name": service_name(version)},
        "spec": {
            "selector": dict(version.selector),
            "ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": HTTP1, "protocol": "TCP"}],
        },
    }


def horizontal_pod_autoscaler(version: VersionPlan) -> Manifest:
    """The autoscaler of `version`: the average CPU utilization in percent of the request."""
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _metadata(version),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": version.full_name},
            "minReplicas": version.min_replica,
            "maxReplicas": version.max_replica,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": round(version.autoscaling.target)},
                    },
                }
            ],
        },
    }
