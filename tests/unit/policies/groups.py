"""Projects and versions as stacks have them, for tests of rules about groups."""

from typing import Any

from caraml_pulumi.engine.values import Properties
from policies.reading import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, KNATIVE_SERVICE, MODEL_PROJECT, MODEL_VERSION
from tests.unit.policies.objects import pod, workload

Resource = tuple[str, str, Properties]


def project(name: str = "iris-team", *, enabled: bool = True, environment: str = "dev", **quota: Any) -> Resource:
    outputs = {"project": name, "environment": environment, "enabled": enabled, "quota": quota}
    return MODEL_PROJECT, name, outputs


def version(number: int = 1, project: str = "iris-team", **demand: Any) -> Resource:
    identity = {"model": "iris", "version": number, "project": project, "environment": "dev"}
    stopped = demand.pop("stopped", False)
    asked = {"cpu": "1", "memory": "1Gi", "gpu": 0, **demand}
    outputs = {**identity, "deploymentMode": "SERVERLESS", "status": "terminated" if stopped else "running"}
    return MODEL_VERSION, f"iris-{number}", outputs if stopped else {**outputs, "demand": asked}


def labels(number: int, environment: str = "dev", prefix: str = "caraml.dev/") -> dict[str, str]:
    """The labels by which a version's objects are known."""
    own = {"orchestrator": "caraml", "environment": environment, "app": "iris", "version": str(number)}
    return {prefix + name: value for name, value in own.items()}


def around(
    type_: str = DEPLOYMENT,
    *,
    limits: dict[str, Any] | None = None,
    requests: dict[str, Any] | None = None,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    namespace: str = "iris-team",
    **spec: Any,
) -> Resource:
    """A workload that no component made, with one container."""
    resources = {"resources": {"limits": limits or {}, "requests": requests or {}}}
    props = workload(type_, pod(resources), **spec)
    props["metadata"] |= {"namespace": namespace, "labels": labels or {}}
    if annotations:
        props["spec"]["template"]["metadata"]["annotations"] = annotations
    return type_, "raw", props


def knative(limits: dict[str, Any], **bounds: str) -> Resource:
    """A Knative Service that no component made."""
    annotations = {f"autoscaling.knative.dev/{bound}-scale": value for bound, value in bounds.items()}
    return around(KNATIVE_SERVICE, limits=limits, annotations=annotations)


def autoscaler(most: int) -> Resource:
    """What scales the Deployment of `around`."""
    target = {"kind": "Deployment", "name": "raw"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": most}
    return HORIZONTAL_POD_AUTOSCALER, "raw", {"metadata": {"namespace": "iris-team"}, "spec": spec}
