"""A version with every value decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from caraml_pulumi.model.address import Address
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.pod import PodSettings
from caraml_pulumi.model.rollout import RollingUpdate
from caraml_pulumi.model.serverless import QueueProxySpec
from caraml_pulumi.model.workload import WorkloadPlan

SELDON_PREDICT_PATH: Final = "/api/v1.0/predictions"
"""Seed: Model Deployment, API Endpoint; wrappers answer on /api/v0.1/predictions as well."""


@dataclass(frozen=True, slots=True)
class VersionPlan:
    """A version with every value decided: what its manifests are made from."""

    model: str
    version: int
    revision: int | None
    project: str
    environment: str
    full_name: str
    """`{model}-{version}`, whatever the revision."""
    object_name: str
    """The name of the version's objects."""
    address: Address
    """Where the version is reached from outside."""
    protocol: Protocol
    mode: DeploymentMode
    stopped: bool
    predictor: WorkloadPlan
    transformer: WorkloadPlan | None
    pod: PodSettings
    timeout_seconds: int | None
    queue_proxy: QueueProxySpec
    rolling_update: RollingUpdate
    labels: Mapping[str, str]
    """The labels of every object of the version."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """The annotations of every object of the version that the user gave."""

    @property
    def workloads(self) -> tuple[WorkloadPlan, ...]:
        """The predictor, and the transformer if there is one."""
        return (self.predictor,) if self.transformer is None else (self.predictor, self.transformer)

    @property
    def entry(self) -> WorkloadPlan:
        """Where the version's traffic enters."""
        return self.transformer or self.predictor

    @property
    def url(self) -> str:
        """Where predictions are asked for (seed: Deploying a Model Version); over gRPC a host alone (Merlin)."""
        return self.address.url(self.predict_path)

    @property
    def host(self) -> str:
        """The host of the version, `{model}-{version}.{project}.{domain}` unless the platform's template differs."""
        return self.address.host

    @property
    def predict_path(self) -> str | None:
        """`POST` to this path predicts (seeds: Custom Model, Model Deployment); nothing over gRPC."""
        return predict_path(self.protocol, self.full_name)

    def identity(self) -> dict[str, Any]:
        """Which version it is, and where; policies over a whole stack see outputs only, so it is among them."""
        return {
            "model": self.model,
            "version": self.version,
            "project": self.project,
            "environment": self.environment,
        }

    def props(self) -> dict[str, Any]:
        """The decided values in camelCase, as policies and previews read them; secrets by their names alone."""
        optional = {
            "revision": self.revision,
            "storageUri": self.predictor.storage_uri,
            "timeoutSeconds": self.timeout_seconds,
            "serviceAccountName": self.pod.service_account_name,
            "transformer": _workload_props(self.transformer) if self.transformer else None,
            "annotations": dict(self.annotations) or None,
        }
        return {
            **self.identity(),
            **_workload_props(self.predictor),
            "protocol": self.protocol.value,
            "deploymentMode": self.mode.value,
            "stopped": self.stopped,
            **{name: value for name, value in optional.items() if value is not None},
            "labels": dict(self.labels),
        }


def health_path(full_name: str) -> str:
    """`GET` of this path answers 200 when the model can serve (seed: Custom Model)."""
    return f"/v1/models/{full_name}"


def predict_path(protocol: Protocol, full_name: str) -> str | None:
    """The path of predictions by protocol; gRPC has none."""
    paths = {Protocol.HTTP_JSON: f"{health_path(full_name)}:predict", Protocol.SELDON: SELDON_PREDICT_PATH}
    return paths.get(protocol)


def _workload_props(workload: WorkloadPlan) -> dict[str, Any]:
    resources, scaling = workload.resources, workload.scaling
    gpu, budget = resources.gpu, workload.disruption_budget
    bounds = {"minAvailable": budget.min_available, "maxUnavailable": budget.max_unavailable} if budget else {}
    secret_names = sorted({*workload.secrets, *workload.secret_refs})
    policy = {"autoscalingPolicy": scaling.policy.props()} if scaling.policy else {"replicas": scaling.max_replica}
    return {
        "image": workload.image,
        **({"command": list(workload.command)} if workload.command else {}),
        **({"args": list(workload.args)} if workload.args else {}),
        "env": {name: workload.env[name] for name in workload.user_env},
        **({"secrets": secret_names} if secret_names else {}),
        "resourceRequest": {
            "minReplica": scaling.min_replica,
            "maxReplica": scaling.max_replica,
            "cpuRequest": resources.cpu_request,
            "memoryRequest": resources.memory_request,
            "cpuLimit": resources.cpu_limit,
            **({"memoryLimit": resources.memory_limit} if resources.memory_limit else {}),
            **({"gpuResource": gpu.resource_name, "gpuRequest": gpu.count} if gpu else {}),
        },
        **policy,
        **({"instanceType": workload.instance_type} if workload.instance_type else {}),
        **({} if workload.probes.liveness else {"disableLivenessProbe": True}),
        **({"podDisruptionBudget": {name: bound for name, bound in bounds.items() if bound}} if budget else {}),
    }
