"""How a version is deployed, what it speaks, and which state it is in."""

from enum import StrEnum


class DeploymentMode(StrEnum):
    """What runs a version (seed: Deploying a Model Version)."""

    SERVERLESS = "SERVERLESS"
    """A Knative Service: scales on requests, and to zero."""
    RAW_DEPLOYMENT = "RAW_DEPLOYMENT"
    """A Deployment with a Service and a HorizontalPodAutoscaler: less overhead; scales on CPU only."""


class Protocol(StrEnum):
    """What a version's server speaks (seed: Custom Model)."""

    HTTP_JSON = "HTTP_JSON"
    """JSON over HTTP, on the port in `CARAML_HTTP_PORT`."""
    UPI_V1 = "UPI_V1"
    """CaraML's Universal Prediction Interface over gRPC, on the port in `CARAML_GRPC_PORT`."""
    SELDON = "SELDON"
    """Seldon's protocol over HTTP, as images of a Seldon language wrapper speak it (seed: Model Deployment)."""


class VersionStatus(StrEnum):
    """The states of a Model Version Endpoint (seed: Deploying a Model Version)."""

    PENDING = "pending"
    RUNNING = "running"
    SERVING = "serving"
    TERMINATED = "terminated"
    FAILED = "failed"


def declared_status(*, routed: bool, stopped: bool = False) -> VersionStatus:
    """The state a version is declared to be in.

    `terminated` if it is stopped, else `serving` if a model endpoint routes to it, else `running`.
    """
    if stopped:
        return VersionStatus.TERMINATED
    return VersionStatus.SERVING if routed else VersionStatus.RUNNING
