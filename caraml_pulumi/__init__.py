"""Pulumi components that deploy machine-learning models to Kubernetes.

The public names are imported when they are first used, so that ``import caraml_pulumi`` stays fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caraml_pulumi.artifact_bucket import ArtifactBucket, ArtifactBucketArgs
    from caraml_pulumi.autoscaling_policy import AutoscalingPolicy, AutoscalingPolicyArgs
    from caraml_pulumi.environment import deploy_environment
    from caraml_pulumi.errors import CaramlError
    from caraml_pulumi.image_build import ImageBuild, ImageBuildArgs
    from caraml_pulumi.instance_type import InstanceTypeArgs, TolerationArgs
    from caraml_pulumi.model.alerts import AlertMetric, AlertSeverity
    from caraml_pulumi.model.autoscaling import AutoscalingMetric
    from caraml_pulumi.model.bucket import BucketFeature
    from caraml_pulumi.model.clients import AccessType
    from caraml_pulumi.model.modes import DeploymentMode, Protocol
    from caraml_pulumi.model.placement import TaintEffect, TolerationOperator
    from caraml_pulumi.model.routing import RoutingBackend
    from caraml_pulumi.model.transformer import TransformerType
    from caraml_pulumi.model_artifact import ModelArtifact, ModelArtifactArgs
    from caraml_pulumi.model_endpoint import ModelEndpoint
    from caraml_pulumi.model_endpoint_args import ModelEndpointArgs, VersionTrafficArgs
    from caraml_pulumi.model_monitoring import (
        AlertArgs,
        ModelMonitoring,
        ModelMonitoringArgs,
        MonitoringArgs,
        ObjectiveArgs,
        WatchedVersionArgs,
    )
    from caraml_pulumi.model_project import (
        ContainerDefaultsArgs,
        GroupQuotaArgs,
        ModelProject,
        ModelProjectArgs,
        SubjectsArgs,
    )
    from caraml_pulumi.model_release import ModelRelease
    from caraml_pulumi.model_version import CustomModelVersion
    from caraml_pulumi.model_version_args import CustomModelVersionArgs
    from caraml_pulumi.transformer import TransformerArgs
    from caraml_pulumi.workload_args import ResourceRequestArgs

_HOMES = {
    "AccessType": "caraml_pulumi.model.clients",
    "AlertArgs": "caraml_pulumi.model_monitoring",
    "AlertMetric": "caraml_pulumi.model.alerts",
    "AlertSeverity": "caraml_pulumi.model.alerts",
    "ArtifactBucket": "caraml_pulumi.artifact_bucket",
    "ArtifactBucketArgs": "caraml_pulumi.artifact_bucket",
    "AutoscalingMetric": "caraml_pulumi.model.autoscaling",
    "AutoscalingPolicy": "caraml_pulumi.autoscaling_policy",
    "AutoscalingPolicyArgs": "caraml_pulumi.autoscaling_policy",
    "BucketFeature": "caraml_pulumi.model.bucket",
    "CaramlError": "caraml_pulumi.errors",
    "ContainerDefaultsArgs": "caraml_pulumi.model_project",
    "CustomModelVersion": "caraml_pulumi.model_version",
    "CustomModelVersionArgs": "caraml_pulumi.model_version_args",
    "DeploymentMode": "caraml_pulumi.model.modes",
    "GroupQuotaArgs": "caraml_pulumi.model_project",
    "ImageBuild": "caraml_pulumi.image_build",
    "ImageBuildArgs": "caraml_pulumi.image_build",
    "InstanceTypeArgs": "caraml_pulumi.instance_type",
    "ModelArtifact": "caraml_pulumi.model_artifact",
    "ModelArtifactArgs": "caraml_pulumi.model_artifact",
    "ModelEndpoint": "caraml_pulumi.model_endpoint",
    "ModelEndpointArgs": "caraml_pulumi.model_endpoint_args",
    "ModelMonitoring": "caraml_pulumi.model_monitoring",
    "ModelMonitoringArgs": "caraml_pulumi.model_monitoring",
    "ModelProject": "caraml_pulumi.model_project",
    "ModelProjectArgs": "caraml_pulumi.model_project",
    "ModelRelease": "caraml_pulumi.model_release",
    "MonitoringArgs": "caraml_pulumi.model_monitoring",
    "ObjectiveArgs": "caraml_pulumi.model_monitoring",
    "Protocol": "caraml_pulumi.model.modes",
    "ResourceRequestArgs": "caraml_pulumi.workload_args",
    "RoutingBackend": "caraml_pulumi.model.routing",
    "SubjectsArgs": "caraml_pulumi.model_project",
    "TaintEffect": "caraml_pulumi.model.placement",
    "TolerationArgs": "caraml_pulumi.instance_type",
    "TolerationOperator": "caraml_pulumi.model.placement",
    "TransformerArgs": "caraml_pulumi.transformer",
    "TransformerType": "caraml_pulumi.model.transformer",
    "VersionTrafficArgs": "caraml_pulumi.model_endpoint_args",
    "WatchedVersionArgs": "caraml_pulumi.model_monitoring",
    "deploy_environment": "caraml_pulumi.environment",
}

__all__ = [
    "AccessType",
    "AlertArgs",
    "AlertMetric",
    "AlertSeverity",
    "ArtifactBucket",
    "ArtifactBucketArgs",
    "AutoscalingMetric",
    "AutoscalingPolicy",
    "AutoscalingPolicyArgs",
    "BucketFeature",
    "CaramlError",
    "ContainerDefaultsArgs",
    "CustomModelVersion",
    "CustomModelVersionArgs",
    "DeploymentMode",
    "GroupQuotaArgs",
    "ImageBuild",
    "ImageBuildArgs",
    "InstanceTypeArgs",
    "ModelArtifact",
    "ModelArtifactArgs",
    "ModelEndpoint",
    "ModelEndpointArgs",
    "ModelMonitoring",
    "ModelMonitoringArgs",
    "ModelProject",
    "ModelProjectArgs",
    "ModelRelease",
    "MonitoringArgs",
    "ObjectiveArgs",
    "Protocol",
    "ResourceRequestArgs",
    "RoutingBackend",
    "SubjectsArgs",
    "TaintEffect",
    "TolerationArgs",
    "TolerationOperator",
    "TransformerArgs",
    "TransformerType",
    "VersionTrafficArgs",
    "WatchedVersionArgs",
    "deploy_environment",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
