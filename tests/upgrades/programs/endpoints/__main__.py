"""Endpoints of each routing backend with all that it can do, and what watches them."""

from typing import Any

import pulumi

from caraml_pulumi import CustomModelVersion, ModelEndpoint, ModelMonitoring, ModelProject


def without_waiting(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    """Objects are recorded as they are admitted; no pod has to run."""
    if args.type_.startswith("kubernetes:") and "metadata" in args.props:
        args.props["metadata"].setdefault("annotations", {})["pulumi.com/skipAwait"] = "true"
    return pulumi.ResourceTransformationResult(args.props, args.opts)


pulumi.runtime.register_stack_transformation(without_waiting)
project = ModelProject(
    "upgrade-endpoints",
    team="data-science",
    stream="samples",
    secrets={"clients": {"batch": pulumi.Output.secret("battery staple")}},
)
SERVERLESS, RAW = "SERVERLESS", "RAW_DEPLOYMENT"
CORS = {
    "allow_origins": ["https://app.example.com"],
    "allow_methods": ["POST", "OPTIONS"],
    "allow_headers": ["content-type"],
    "expose_headers": ["x-model"],
    "allow_credentials": True,
    "max_age_seconds": 600,
}
RETRIES = {"attempts": 3, "per_try_timeout_seconds": 2, "retry_on": ["gateway-error", "503"]}


def endpoint(
    model: str, backend: str, weights: dict[int, int], mode: str = RAW, protocol: str = "HTTP_JSON", **args: Any
) -> tuple[list[CustomModelVersion], ModelEndpoint]:
    versions = [
        CustomModelVersion(
            f"{model}-{number}",
            model=model,
            version=number,
            project=project,
            image="registry.local/team/model:1",
            deployment_mode=mode,
            protocol=protocol,
        )
        for number in weights
    ]
    traffic = dict(zip(versions, weights.values(), strict=True))
    return versions, ModelEndpoint(model, traffic=traffic, backend=backend, protocol=protocol, **args)


second = [{"version": 2, "weight": 100, "deployment_mode": RAW}]
gold = {"headers": {"x-tier": {"exact": "gold"}}, "traffic": second}
trial = {"path": {"prefix": "/v1/trials"}, "traffic": second}
endpoint("istio", "ISTIO", {1: 90, 2: 10}, matches=[gold, trial], cors=CORS, labels={"tier": "gold"})
endpoint(
    "mirrored", "ISTIO", {1: 100, 2: 0}, mirror={"version": 2, "percentage": 20}, retries=RETRIES, timeout_seconds=9
)
endpoint("istio-grpc", "ISTIO", {1: 90, 2: 10}, protocol="UPI_V1", retries=RETRIES)
endpoint("istio-seldon", "ISTIO", {1: 90, 2: 10}, mode=SERVERLESS, protocol="SELDON")
endpoint("gateway", "GATEWAY_API", {1: 90, 2: 10}, matches=[gold], cors=CORS, timeout_seconds=9)
endpoint("gateway-one", "GATEWAY_API", {1: 100}, mode=SERVERLESS)
endpoint("gateway-grpc", "GATEWAY_API", {1: 90, 2: 10}, protocol="UPI_V1")
endpoint("knative", "KNATIVE", {1: 100}, mode=SERVERLESS)
endpoint("knative-grpc", "KNATIVE", {1: 90, 2: 10}, mode=SERVERLESS, protocol="UPI_V1")
endpoint("ingress", "INGRESS", {1: 100}, retries=RETRIES, cors=CORS, max_request_size="10Mi", timeout_seconds=9)
endpoint(
    "private",
    "INGRESS",
    {1: 90, 2: 10},
    protocol="SELDON",
    access={
        "type": "private",
        "clients": [
            {"name": "app@example.com", "token": pulumi.Output.secret("correct horse")},
            {"name": "batch", "token_ref": {"name": "clients", "key": "batch"}},
        ],
    },
)
versions, _ = endpoint(
    "watched",
    "ISTIO",
    {1: 90, 2: 10},
    monitoring={
        "enabled": True,
        "alerts": [
            {"metric": "error_rate", "severity": "warning", "target": 5},
            {"metric": "latency", "severity": "critical", "target": 200, "percentile": 95},
        ],
        "objective": {"availability": 99.5, "window_days": 28},
        "playbook_url": "https://example.com/playbook",
    },
)
alone = CustomModelVersion("alone-1", model="alone", version=1, project=project, image="registry.local/team/model:1")
ModelMonitoring("alone", versions=[alone], dashboard=True)
