"""Every shape of a version, judged by the real API server, Knative's real webhook and its controllers."""

import time
from typing import Any

import pytest

from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.serverless import KnativeFeature
from caraml_pulumi.model.version_plan import VersionPlan
from tests.e2e.conftest import LocalCluster
from tests.unit.model.builders import objects, one, platform, version

pytestmark = pytest.mark.e2e
STRICT = {"dryRun": "All", "fieldValidation": "Strict"}
MODES = ("SERVERLESS", "RAW_DEPLOYMENT")
T4 = {
    "name": "NVIDIA T4",
    "values": ["None", "1"],
    "nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-tesla-t4"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
}
ON = platform(
    limits={"cpuFactor": 2},
    knative={"features": [feature.value for feature in KnativeFeature]},
    gpus=[T4],
    instanceTypes={"gpu-small": {"limits": {"cpu": "2", "memory": "4Gi", "gpu": 1}, "nodeSelector": {"pool": "gpu"}}},
    standardTransformer={"image": "registry.local/caraml/standard-transformer:1"},
    storageInitializer={
        "image": "registry.local/kserve/storage-initializer:1",
        "credentialsSecret": "artifacts",
        "env": {"AWS_ENDPOINT_URL": "http://s3.example.com"},
    },
)
ZONES = {"topologyKey": "topology.kubernetes.io/zone"}
NOT_IN_CHINA = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["cn"]}]}]
        }
    }
}
SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "command": {"command": "serve --fast", "args": ["--name", "iris model"]},
    "secrets": {"secrets": {"API_KEY": "x"}, "secretRefs": {"TOKEN": {"name": "vault", "key": "token"}}},
    "UPI_V1": {"protocol": "UPI_V1"},
    "UPI_V1 with metrics on its port": {"protocol": "UPI_V1", "metrics": {"enabled": True}},
    "UPI_V1 pushing": {"protocol": "UPI_V1", "metrics": {"pushgatewayUrl": "http://pushgateway.monitoring:9091"}},
    "SELDON": {"protocol": "SELDON"},
    "SELDON with an artifact": {"protocol": "SELDON", "storageUri": "s3://models/iris"},
    "artifact": {"storageUri": "gs://models/iris"},
    "artifact on a claim": {"storageUri": "pvc://models/iris"},
    "probes": {
        "startupProbe": {"failureThreshold": 30},
        "livenessProbe": {"path": "/alive", "periodSeconds": 5},
        "readinessProbe": {"timeoutSeconds": 2, "initialDelaySeconds": 3},
    },
    "no liveness": {"disableLivenessProbe": True},
    "GPU": {"resourceRequest": {"gpuName": "NVIDIA T4", "gpuRequest": 1}},
    "instance type": {"instanceType": "gpu-small"},
    "placement": {
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "spot", "value": "yes", "effect": "NoExecute", "tolerationSeconds": 60}],
        "affinity": NOT_IN_CHINA,
        "priorityClassName": "system-cluster-critical",
    },
    "spread": {"topologySpreadConstraints": [ZONES, {**ZONES, "whenUnsatisfiable": "DoNotSchedule", "minDomains": 2}]},
    "disruption budget": {
        "podDisruptionBudget": {"minAvailablePercentage": 50},
        "resourceRequest": {"minReplica": 2, "maxReplica": 4},
    },
    "security": {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "fsGroup": 2000,
        },
        "serviceAccountName": "default",
        "imagePullSecrets": ["registry"],
    },
    "fixed replicas": {"replicas": 3},
    "custom transformer": {
        "transformer": {
            "image": "registry.local/caraml/transformer:1",
            "resourceRequest": {"cpuRequest": "100m"},
            "env": {"LEVEL": "info"},
            "secrets": {"FEAST_TOKEN": "x"},
        }
    },
    "standard transformer": {"transformer": {"type": "standard", "config": {"transformerConfig": {}}}},
    "UPI_V1 with a transformer": {
        "protocol": "UPI_V1",
        "transformer": {"image": "registry.local/caraml/transformer:1"},
    },
    "revision": {"revision": 3},
    "stopped": {"stopped": True},
    "labels and annotations": {"labels": {"tier": "gold"}, "annotations": {"example.com/owner": "fraud team"}},
    "timeout": {"timeoutSeconds": 600},
}
OF_ONE_MODE: dict[str, dict[str, Any]] = {
    "container concurrency": {"containerConcurrency": 4, "deploymentMode": "SERVERLESS"},
    "initial scale": {"initialScale": 2, "resourceRequest": {"maxReplica": 3}, "deploymentMode": "SERVERLESS"},
    "queue-proxy": {"queueProxy": {"cpuRequest": "30m", "memoryLimit": "100Mi"}, "deploymentMode": "SERVERLESS"},
    "queue-proxy percentage": {"queueProxy": {"resourcePercentage": 20}, "deploymentMode": "SERVERLESS"},
    "no surge": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}, "deploymentMode": "RAW_DEPLOYMENT"},
    "second port": {"metrics": {"port": 9102}, "deploymentMode": "RAW_DEPLOYMENT"},
}
ALL = [
    *(
        pytest.param({**settings, "deploymentMode": mode}, id=f"{name}, {mode}")
        for name, settings in SHAPES.items()
        for mode in MODES
    ),
    *(pytest.param(settings, id=name) for name, settings in OF_ONE_MODE.items()),
]


def planned(namespace: str, settings: dict[str, Any], on: PlatformSpec = ON) -> VersionPlan:
    return version(on, **{"project": namespace, "image": "registry.local/team/iris:1", **settings})


def request(client: KubeClient, manifest: Manifest, **params: str) -> Any:
    path = client.path(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["namespace"])
    return client.request("POST", path, body=manifest, params=params)


@pytest.mark.parametrize("settings", ALL)
def test_a_shape_is_admitted_strictly(cluster: LocalCluster, namespace: str, settings: dict[str, Any]) -> None:
    for manifest in objects(planned(namespace, settings), ON):
        request(cluster.client, manifest, **STRICT)


READY = [
    name
    for name in SHAPES
    if name not in {"stopped", "GPU", "instance type", "placement", "spread", "artifact on a claim"}
]


def test_knative_makes_every_shape_ready(cluster: LocalCluster, namespace: str) -> None:
    small = {"cpuRequest": "10m", "memoryRequest": "16Mi"}
    workloads: dict[str, list[str]] = {}
    for number, name in enumerate(READY):
        settings = {**SHAPES[name], "resourceRequest": {**small, **SHAPES[name].get("resourceRequest", {})}}
        plan = planned(namespace, {**settings, "model": f"iris-{number}"})
        for manifest in objects(plan, ON):
            request(cluster.client, manifest)
        workloads[name] = [workload.name for workload in plan.workloads]
    assert all(workloads.values())
    for name, made in workloads.items():
        for workload in made:
            wait_until_ready(cluster.client, namespace, workload, of=name)


def wait_until_ready(client: KubeClient, namespace: str, name: str, of: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    conditions: list[Any] = []
    while time.monotonic() < deadline:
        service = client.request("GET", f"/apis/serving.knative.dev/v1/namespaces/{namespace}/services/{name}")
        status = service.get("status", {})
        conditions = status.get("conditions", [])
        ready = [item["status"] for item in conditions if item["type"] == "Ready"]
        if ready == ["True"] and status.get("observedGeneration") == service["metadata"]["generation"]:
            return
        time.sleep(0.2)
    raise AssertionError(f"{name}, a version with {of}, is not ready: {conditions}")


@pytest.mark.parametrize("protocol", ["HTTP_JSON", "UPI_V1", "SELDON"])
def test_an_unchanged_version_is_admitted_again(cluster: LocalCluster, namespace: str, protocol: str) -> None:
    manifest = one("Service", planned(namespace, {"protocol": protocol, "startupProbe": {}}), ON)
    request(cluster.client, manifest)
    path = cluster.client.path(manifest["apiVersion"], "Service", namespace, manifest["metadata"]["name"])
    before = cluster.client.request("GET", path)["metadata"]["generation"]
    applied = {"fieldManager": "test", "force": "true", "fieldValidation": "Strict"}
    after = cluster.client.request(
        "PATCH", path, body=manifest, params=applied, content_type="application/apply-patch+yaml"
    )
    assert after["metadata"]["generation"] == before
