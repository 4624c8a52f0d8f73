"""The objects of a version, feature by feature: what is emitted, and that the real servers admit it."""

from typing import Any

import pytest

from caraml_pulumi import CaramlError
from tests.e2e.admission import Emit, Emitted, version_emitter
from tests.e2e.conftest import LocalCluster

pytestmark = pytest.mark.e2e
RAW = {"deployment_mode": "RAW_DEPLOYMENT"}
MODES = pytest.mark.parametrize("mode", ["SERVERLESS", "RAW_DEPLOYMENT"])


@pytest.fixture
def emit(cluster: LocalCluster, namespace: str) -> Emit:
    return version_emitter(cluster.client, namespace)


def test_the_mode_decides_the_workload(emit: Emit) -> None:
    assert emit().kinds == ["Service", "VirtualService"]
    assert emit().one("Service")["apiVersion"] == "serving.knative.dev/v1"
    assert emit(**RAW).kinds == ["Deployment", "HorizontalPodAutoscaler", "Service", "VirtualService"]


def test_objects_are_named_after_model_and_version(emit: Emit) -> None:
    assert {item["metadata"]["name"] for item in emit().objects} == {"iris-1", "iris-1-vs"}
    assert {item["metadata"]["name"] for item in emit(**RAW).objects} == {"iris-1", "iris-1-predictor", "iris-1-vs"}


def test_a_name_that_knative_could_not_lengthen_is_refused(emit: Emit) -> None:
    with pytest.raises(CaramlError, match="at most 57"):
        emit(model="a" * 25, version=10**9, revision=10**9, transformer={"image": "registry.local/team/transformer:1"})


def test_objects_carry_merlins_labels_and_the_users(emit: Emit) -> None:
    for item in emit(team="fraud", stream="risk", labels={"tier": "gold"}).objects:
        labels = item["metadata"]["labels"]
        assert labels["tier"] == "gold"
        assert {name.removeprefix("caraml.dev/"): value for name, value in labels.items() if "caraml.dev/" in name} == {
            "app": "iris",
            "component": "model-version",
            "environment": "id-dev",
            "orchestrator": "caraml",
            "stream": "risk",
            "team": "fraud",
            "version": "1",
        }


def test_labels_that_merlin_would_drop_without_a_word_are_refused(emit: Emit) -> None:
    for labels in ({"caraml.dev/team": "x"}, {"tier": "not a value"}, {"-": "x"}):
        with pytest.raises(CaramlError, match="label"):
            emit(labels=labels)


def test_requests_come_from_the_version_and_then_from_the_environment(emit: Emit) -> None:
    platform = {"defaultDeploymentConfig": {"cpuRequest": "250m", "memoryRequest": "1Gi"}}
    resources = emit(platform, resource_request={"cpu_request": "100m"}).container()["resources"]
    assert resources["requests"] == {"cpu": "100m", "memory": "1Gi"}


def test_the_cpu_limit_is_explicit_or_by_factor_or_the_constant(emit: Emit) -> None:
    def limit(platform: dict[str, Any] | None = None, **request: str) -> Any:
        asked = {"cpu_request": "250m", **request}
        return emit(platform, resource_request=asked).container()["resources"]["limits"]["cpu"]

    assert limit(cpu_limit="2") == "2"
    assert limit({"limits": {"cpuFactor": 1.25}}) == "312m"
    assert limit() == "8"
    with_env = emit({"limits": {"envWithoutCpuFactor": {"OMP_NUM_THREADS": "4"}}})
    assert with_env.env()["OMP_NUM_THREADS"] == "4"


def test_the_memory_limit_is_the_request_by_the_platforms_factor(emit: Emit) -> None:
    asked = {"memory_request": "500Mi"}
    assert emit(resource_request=asked).container()["resources"]["limits"]["memory"] == "1000Mi"
    unlimited = emit({"limits": {"memoryFactor": 0}}, resource_request=asked)
    assert "memory" not in unlimited.container()["resources"]["limits"]


@pytest.mark.parametrize(
    ("platform", "request_"),
    [
        ({"maxCpu": "1"}, {"cpu_request": "1500m"}),
        ({"maxMemory": "1Gi"}, {"memory_request": "1025Mi"}),
        ({"maxAllowedReplica": 3}, {"max_replica": 4}),
    ],
    ids=str,
)
def test_requests_above_the_environments_ceilings_are_refused_exactly(
    emit: Emit, platform: dict[str, Any], request_: dict[str, Any]
) -> None:
    with pytest.raises(CaramlError, match="more than the environment allows"):
        emit(platform, resource_request=request_)


GPUS = {
    "gpus": [
        {
            "name": "NVIDIA T4",
            "values": ["None", "1"],
            "nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-tesla-t4"},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        }
    ]
}


@MODES
def test_a_gpu_is_asked_for_by_name_and_brings_its_nodes(emit: Emit, mode: str) -> None:
    made = emit(GPUS, deployment_mode=mode, resource_request={"gpu_name": "NVIDIA T4", "gpu_request": 1})
    resources = made.container()["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "1"
    assert made.pod()["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-tesla-t4"}
    assert made.pod()["tolerations"][0]["key"] == "nvidia.com/gpu"


@pytest.mark.parametrize(("name", "count"), [("A100", 1), ("NVIDIA T4", 2), ("NVIDIA T4", 0)])
def test_a_gpu_that_is_not_offered_is_refused(emit: Emit, name: str, count: int) -> None:
    with pytest.raises(CaramlError, match=r"resource_request\.gpu"):
        emit(GPUS, resource_request={"gpu_name": name, "gpu_request": count})


def test_an_instance_type_decides_size_and_nodes(emit: Emit) -> None:
    types = {"instanceTypes": {"small": {"limits": {"cpu": 1, "memory": "2Gi"}, "nodeSelector": {"pool": "small"}}}}
    made = emit(types, instance_type="small")
    assert made.container()["resources"]["requests"] == {"cpu": "1", "memory": "2Gi"}
    assert made.pod()["nodeSelector"] == {"pool": "small"}


@MODES
def test_replicas_run_where_the_user_says(emit: Emit, mode: str) -> None:
    made = emit(
        deployment_mode=mode,
        node_selector={"disk": "ssd"},
        tolerations=[{"key": "spot", "operator": "Exists"}],
        priority_class_name="system-cluster-critical",
    ).pod()
    assert (made["nodeSelector"], made["priorityClassName"]) == ({"disk": "ssd"}, "system-cluster-critical")
    assert made["tolerations"] == [{"key": "spot", "operator": "Exists"}]


def test_what_knative_has_not_enabled_is_named(emit: Emit) -> None:
    with pytest.raises(CaramlError, match=r"kubernetes\.podspec-nodeselector"):
        emit({"knative": {}}, node_selector={"disk": "ssd"})


@MODES
def test_replicas_are_spread_among_those_of_the_same_template(emit: Emit, mode: str) -> None:
    platform = {"topologySpreadConstraints": [{"topologyKey": "topology.kubernetes.io/zone"}]}
    (spread,) = emit(platform, deployment_mode=mode).pod()["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"]["serving.kserve.io/inferenceservice"] == "iris-1"
    assert spread["matchLabelKeys"] == [
        "pod-template-hash" if mode == "RAW_DEPLOYMENT" else "serving.knative.dev/revision"
    ]


def test_a_disruption_budget_is_there_if_a_replica_may_go(emit: Emit) -> None:
    def made(least: int) -> Emitted:
        replicas = {"min_replica": least, "max_replica": 4}
        return emit({"podDisruptionBudget": {"minAvailablePercentage": 50}}, **RAW, resource_request=replicas)

    assert made(2).one("PodDisruptionBudget")["spec"]["minAvailable"] == "50%"
    assert "PodDisruptionBudget" not in made(1).kinds


def test_a_deployment_replaces_a_quarter_at_a_time_or_as_it_is_told(emit: Emit) -> None:
    spec = emit(**RAW).one("Deployment")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert (spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (10, 600)
    tight = emit(**RAW, rolling_update={"max_surge": 0, "max_unavailable": 1}).one("Deployment")["spec"]
    assert tight["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_a_revision_names_the_objects_and_keeps_the_address(emit: Emit) -> None:
    made = emit(revision=3)
    assert {item["metadata"]["name"] for item in made.objects} == {"iris-1-r3", "iris-1-vs"}
    assert made.env()["CARAML_MODEL_FULL_NAME"] == "iris-1"


def test_knative_has_the_timeout_the_concurrency_and_its_own_resources(emit: Emit) -> None:
    made = emit(timeout_seconds=600, container_concurrency=4, queue_proxy={"cpu_request": "30m"})
    assert (made.pod()["timeoutSeconds"], made.pod()["containerConcurrency"]) == (600, 4)
    assert made.annotations()["queue.sidecar.serving.knative.dev/cpu-resource-request"] == "30m"
    with pytest.raises(CaramlError, match="600"):
        emit(timeout_seconds=601)


@MODES
def test_a_transformer_stands_before_the_model_and_knows_where_it_is(emit: Emit, namespace: str, mode: str) -> None:
    made = emit(deployment_mode=mode, transformer={"image": "registry.local/team/transformer:1"})
    host = f"iris-1.{namespace}:80" if mode == "SERVERLESS" else f"iris-1-predictor.{namespace}:80"
    assert made.env("iris-1-transformer")["CARAML_PREDICTOR_HOST"] == host
    assert "iris-1-transformer" in str(made.one("VirtualService")["spec"])


def test_the_predictions_of_a_upi_model_have_merlins_topic(emit: Emit, namespace: str) -> None:
    platform = {"standardTransformer": {"image": "registry.local/caraml/transformer:1"}}
    made = emit(platform, protocol="UPI_V1", transformer={"type": "standard", "config": {"transformerConfig": {}}})
    assert made.env("iris-1-transformer")["KAFKA_TOPIC"] == f"caraml-{namespace}-iris-prediction-log"


def test_a_standard_transformer_is_the_platforms_with_its_configuration(emit: Emit) -> None:
    platform = {"standardTransformer": {"image": "registry.local/caraml/transformer:1", "env": {"FEAST": "on"}}}
    made = emit(platform, transformer={"type": "standard", "config": {"transformerConfig": {"feast": []}}})
    variables = made.env("iris-1-transformer")
    assert made.container("iris-1-transformer")["image"] == "registry.local/caraml/transformer:1"
    assert variables["STANDARD_TRANSFORMER_CONFIG"] == '{"transformerConfig":{"feast":[]}}'
    assert (variables["SERVER_TIMEOUT"], variables["FEAST"]) == ("30s", "on")


def test_grpc_has_a_host_for_an_address_and_no_rewritten_path(emit: Emit, namespace: str) -> None:
    made = emit(protocol="UPI_V1")
    outputs = made.recording.one("caraml:index:CustomModelVersion").outputs
    assert outputs["url"] == f"iris-1.{namespace}.models.example.com"
    assert all("rewrite" not in route for route in made.one("VirtualService")["spec"]["http"])


def test_the_address_is_merlins_and_known_before_anything_exists(emit: Emit, namespace: str) -> None:
    made = emit()
    outputs = made.recording.one("caraml:index:CustomModelVersion").outputs
    assert outputs["url"] == f"http://iris-1.{namespace}.models.example.com/v1/models/iris-1:predict"
    assert made.one("VirtualService")["spec"]["hosts"] == [f"iris-1.{namespace}.models.example.com"]


def test_a_version_is_waited_for(emit: Emit) -> None:
    assert emit({"deploymentTimeoutSeconds": 300}).one("Service")["metadata"]["annotations"] == {
        "pulumi.com/waitFor": "condition=Ready",
        "pulumi.com/timeoutSeconds": "300",
    }


def test_a_stopped_version_keeps_its_address_and_runs_nothing(emit: Emit) -> None:
    assert emit(stopped=True).kinds == ["VirtualService"]
    assert emit(**RAW, stopped=True).one("Deployment")["spec"]["replicas"] == 0
