"""The container of a workload: the same in a Knative Service and in a Deployment."""

from typing import Any, Final

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.deferred import Value
from caraml_pulumi.model.env import ARTIFACT_LOCATION
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.names import container_name
from caraml_pulumi.model.pod import SecurityContext
from caraml_pulumi.model.probes import Probe
from caraml_pulumi.model.workload import WorkloadPlan

HTTP1: Final = "http1"
"""Knative's name of a port that speaks HTTP/1."""
H2C: Final = "h2c"
"""Knative's name of a port that speaks HTTP/2 without TLS, as gRPC does."""
GRPC: Final = "grpc"
METRICS: Final = "metrics"
ARTIFACT_VOLUME: Final = "kserve-provision-location"
"""KServe's name of the volume with a model's artifacts."""
DRAIN_SECONDS: Final = 10
"""How long a raw replica goes on answering after it was told to stop (PrimeHub): proxies learn of it with a delay.

A replica of Knative is drained by its queue-proxy.
"""


def port_name(workload: WorkloadPlan) -> str:
    """The name of the serving port, by which Knative, and Istio, know what it speaks."""
    if workload.protocol is not Protocol.UPI_V1:
        return HTTP1
    return H2C if workload.mode is DeploymentMode.SERVERLESS else GRPC


def container(workload: WorkloadPlan, security: SecurityContext, secret_name: Value | None) -> Manifest:
    """The container of `workload`: image, contract, port, resources and probes; its secrets are in `secret_name`.

    Every property of a probe is written, since Knative compares a revision's template with its own defaulted copy.
    """
    probes = workload.probes
    raw = workload.mode is DeploymentMode.RAW_DEPLOYMENT
    context = security_context(security)
    parts: dict[str, Any] = {
        "command": list(workload.command),
        "args": list(workload.args),
        "livenessProbe": _probe(probes.liveness, workload.port),
        "startupProbe": _probe(probes.startup, workload.port),
        "securityContext": context,
        "volumeMounts": _mounts(workload),
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}} if raw else None,
    }
    return {
        "name": container_name(workload.component),
        "image": workload.image,
        "env": _env(workload, secret_name),
        "ports": _ports(workload),
        "resources": resources(workload),
        "readinessProbe": _probe(probes.readiness, workload.port),
        **{name: value for name, value in parts.items() if value},
    }


def _env(workload: WorkloadPlan, secret_name: Value | None) -> list[Manifest]:
    """The variables; in the workload's own Secret each has its name as the key."""
    refs = {name: (secret_name, name) for name in workload.secrets}
    refs |= {name: (ref.name, ref.key) for name, ref in workload.secret_refs.items()}
    return [
        *({"name": name, "value": value} for name, value in workload.env.items()),
        *(
            {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
            for name, (secret, key) in refs.items()
        ),
    ]


def _ports(workload: WorkloadPlan) -> list[Manifest]:
    ports = [{"name": port_name(workload), "containerPort": workload.port, "protocol": "TCP"}]
    if workload.metrics and workload.metrics.port != workload.port:
        ports.append({"name": METRICS, "containerPort": workload.metrics.port, "protocol": "TCP"})
    return ports


def _probe(probe: Probe | None, port: int) -> Manifest | None:
    if probe is None:
        return None
    if probe.grpc:
        handler: Manifest = {"grpc": {"port": port, "service": ""}}
    elif probe.path is None:
        handler = {"tcpSocket": {"port": port}}
    else:
        handler = {"httpGet": {"path": probe.path, "port": port, "scheme": "HTTP"}}
    delay = {"initialDelaySeconds": probe.initial_delay_seconds} if probe.initial_delay_seconds else {}
    return {
        **handler,
        **delay,
        "timeoutSeconds": probe.timeout_seconds,
        "periodSeconds": probe.period_seconds,
        "successThreshold": probe.success_threshold,
        "failureThreshold": probe.failure_threshold,
    }


def resources(workload: WorkloadPlan) -> Manifest:
    """Requests and limits; GPUs are both, as Kubernetes wants them."""
    decided = workload.resources
    gpu = {decided.gpu.resource_name: str(decided.gpu.count)} if decided.gpu else {}
    limits = {"cpu": decided.cpu_limit, "memory": decided.memory_limit}
    return {
        "requests": {"cpu": decided.cpu_request, "memory": decided.memory_request} | gpu,
        "limits": {name: value for name, value in limits.items() if value is not None} | gpu,
    }


def _mounts(workload: WorkloadPlan) -> list[Manifest]:
    if workload.storage_uri is None:
        return []
    return [{"name": ARTIFACT_VOLUME, "mountPath": ARTIFACT_LOCATION, "readOnly": True}]


def security_context(security: SecurityContext) -> Manifest:
    """What the container may do, in Kubernetes' words; nothing where the cluster decides."""
    given = security.model_dump(exclude={"fs_group", "capabilities"}, exclude_none=True, by_alias=True)
    if security.capabilities is not None:
        lists = security.capabilities.model_dump(by_alias=True)
        given["capabilities"] = {name: names for name, names in lists.items() if names}
    return given
