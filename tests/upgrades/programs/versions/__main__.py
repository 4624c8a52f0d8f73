"""Versions of models in both modes, with every option of `CustomModelVersion` and of its transformer."""

import pulumi

from caraml_pulumi import AutoscalingPolicy, CustomModelVersion, ModelProject


def without_waiting(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    """Objects are recorded as they are admitted; no pod has to run."""
    if args.type_.startswith("kubernetes:") and "metadata" in args.props:
        args.props["metadata"].setdefault("annotations", {})["pulumi.com/skipAwait"] = "true"
    return pulumi.ResourceTransformationResult(args.props, args.opts)


pulumi.runtime.register_stack_transformation(without_waiting)
project = ModelProject("upgrade-versions", team="data-science", stream="samples")
settings = {
    "command": ["serve", "--name", "iris model"],
    "args": ["--fast"],
    "env": {"LEVEL": "info"},
    "secrets": {"API_KEY": pulumi.Output.secret("hidden-word")},
    "secret_refs": {"TOKEN": {"name": "vault", "key": "token"}},
    "liveness_probe": {"path": "/health", "initial_delay_seconds": 5, "period_seconds": 7},
    "readiness_probe": {"path": "/ready", "timeout_seconds": 3, "failure_threshold": 4},
    "startup_probe": {"path": "/", "failure_threshold": 60},
    "metrics": {"path": "/stats"},
    "node_selector": {"pool": "models"},
    "tolerations": [{"key": "models", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "priority_class_name": "system-cluster-critical",
    "topology_spread_constraints": [{"topology_key": "kubernetes.io/hostname", "max_skew": 2}],
    "image_pull_secrets": ["registry"],
    "service_account_name": "default",
    "security_context": {
        "run_as_user": 1000,
        "run_as_non_root": True,
        "fs_group": 2000,
        "capabilities": {"drop": ["ALL"]},
    },
    "labels": {"tier": "gold"},
    "annotations": {"example.com/owner": "ana"},
    "team": "fraud",
    "stream": "risk",
    "timeout_seconds": 120,
}
SERVERLESS = {"deployment_mode": "SERVERLESS"}
RAW = {"deployment_mode": "RAW_DEPLOYMENT"}
IMAGE = "registry.local/team/model:1.0"
versions = {
    "plain": SERVERLESS,
    "plain-raw": RAW,
    "full": {
        **SERVERLESS,
        **settings,
        "queue_proxy": {"cpu_request": "25m", "memory_limit": "256Mi"},
        "container_concurrency": 4,
        "initial_scale": 2,
        "autoscaling_policy": {
            "metric": "concurrency",
            "target": 2,
            "window_seconds": 60,
            "panic_window_percentage": 10,
            "panic_threshold_percentage": 200,
            "target_utilization_percentage": 70,
            "scale_down_delay_seconds": 30,
            "scale_to_zero_retention_seconds": 60,
            "activation_scale": 2,
        },
        "resource_request": {"min_replica": 0, "max_replica": 5, "cpu_request": "250m", "memory_request": "512Mi"},
    },
    "full-raw": {
        **RAW,
        **settings,
        "rolling_update": {"max_surge": "50%", "max_unavailable": "25%"},
        "pod_disruption_budget": {"min_available_percentage": 50},
        "autoscaling_policy": {
            "metric": "cpu_utilization",
            "target": 60,
            "window_seconds": 60,
            "scale_down_delay_seconds": 120,
        },
        "resource_request": {"min_replica": 2, "max_replica": 5, "cpu_request": "250m", "cpu_limit": "1"},
    },
    "rps": {**SERVERLESS, "autoscaling_policy": {"metric": "rps", "target": 100}},
    "memory": {
        **SERVERLESS,
        "autoscaling_policy": {"metric": "memory_utilization", "target": 70},
        "resource_request": {"min_replica": 1, "max_replica": 3},
    },
    "upi": {**SERVERLESS, "protocol": "UPI_V1"},
    "upi-raw": {**RAW, "protocol": "UPI_V1"},
    "seldon": {**SERVERLESS, "protocol": "SELDON"},
    "seldon-raw": {**RAW, "protocol": "SELDON"},
    "artifact": {**SERVERLESS, "storage_uri": "s3://models/iris"},
    "artifact-raw": {**RAW, "storage_uri": "pvc://claim/iris"},
    "gpu": {**SERVERLESS, "resource_request": {"gpu_name": "NVIDIA T4", "gpu_request": 1}},
    "sized-raw": {**RAW, "instance_type": "small", "replicas": 2},
    "revised": {**SERVERLESS, "revision": 3},
    "stopped": {**SERVERLESS, "stopped": True},
    "stopped-raw": {**RAW, "stopped": True},
    "unprobed": {**RAW, "disable_liveness_probe": True, "metrics": {"enabled": False}},
    "custom": {
        **SERVERLESS,
        "transformer": {
            "image": "registry.local/team/transformer:1",
            "command": ["transform"],
            "env": {"MODE": "strict"},
            "secrets": {"PASSWORD": pulumi.Output.secret("another-hidden-word")},
            "resource_request": {"min_replica": 1, "max_replica": 2, "cpu_request": "100m"},
            "autoscaling_policy": {"metric": "rps", "target": 50},
        },
    },
    "custom-raw": {
        **RAW,
        "transformer": {"image": "registry.local/team/transformer:1", "replicas": 1, "startup_probe": {"path": "/"}},
    },
    "standard": {**SERVERLESS, "transformer": {"type": "standard", "config": '{"transformerConfig": {}}'}},
}
for name, args in versions.items():
    CustomModelVersion(f"{name}-1", model=name, version=1, project=project, image=IMAGE, **args)
policy = AutoscalingPolicy("shared", metric="concurrency", target=8)
two = [
    CustomModelVersion(
        f"two-{number}", model="two", version=number, project=project, image=IMAGE, autoscaling_policy=policy
    )
    for number in (1, 2)
]
pulumi.export("url", two[0].url)
