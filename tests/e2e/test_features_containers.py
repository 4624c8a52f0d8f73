"""The container of a version, feature by feature: what is emitted, and that the real servers admit it."""

from typing import Any

import pulumi
import pytest

from caraml_pulumi import CaramlError
from tests.e2e.admission import Emit, version_emitter
from tests.e2e.conftest import LocalCluster

pytestmark = pytest.mark.e2e
RAW = {"deployment_mode": "RAW_DEPLOYMENT"}


@pytest.fixture
def emit(cluster: LocalCluster, namespace: str) -> Emit:
    return version_emitter(cluster.client, namespace)


@pytest.mark.parametrize(
    "image",
    [
        "registry.local/team/iris:1",
        "registry.local:5000/team/iris",
        f"registry.local/team/iris@sha256:{'a' * 64}",
        f"registry.local/team/iris:1@sha256:{'a' * 64}",
    ],
)
def test_the_image_is_taken_as_it_is_written(emit: Emit, image: str) -> None:
    assert emit(image=image).container()["image"] == image


def test_a_command_is_a_list_or_a_text_split_as_a_shell_does(emit: Emit) -> None:
    split = emit(command="serve --name 'iris model'", args=["--fast"]).container()
    assert (split["command"], split["args"]) == (["serve", "--name", "iris model"], ["--fast"])


def test_the_container_gets_the_variables_of_the_contract(emit: Emit, namespace: str) -> None:
    assert emit(storage_uri="s3://models/iris").env() == {
        "STORAGE_URI": "s3://models/iris",
        "CARAML_HTTP_PORT": "8080",
        "CARAML_GRPC_PORT": "9000",
        "CARAML_MODEL_NAME": "iris",
        "CARAML_MODEL_VERSION": "1",
        "CARAML_MODEL_FULL_NAME": "iris-1",
        "CARAML_ARTIFACT_LOCATION": "/mnt/models",
        "CARAML_PROTOCOL": "HTTP_JSON",
        "CARAML_PROJECT": namespace,
    }


def test_the_variables_that_merlin_deprecated_are_there_where_the_platform_wants_them(emit: Emit) -> None:
    legacy = {"MERLIN_PREDICTOR_PORT": "8080", "MERLIN_MODEL_NAME": "iris-1", "MERLIN_ARTIFACT_LOCATION": "/mnt/models"}
    assert legacy.items() <= emit({"legacyEnv": True}).env().items()


def test_a_users_variables_are_added_and_those_of_the_platform_refused(emit: Emit) -> None:
    assert emit(env={"LEVEL": "info"}).env()["LEVEL"] == "info"
    for name in ("CARAML_MODEL_NAME", "STORAGE_URI", "MERLIN_MODEL_NAME", "PORT"):
        with pytest.raises(CaramlError, match=f'environment variable "{name}" is set by'):
            emit(env={name: "mine"})


def test_a_secret_variable_is_in_a_secret_and_one_that_exists_is_referred_to(emit: Emit) -> None:
    made = emit(
        secrets={"API_KEY": pulumi.Output.from_input("hidden-word")},
        secret_refs={"TOKEN": {"name": "vault", "key": "token"}},
    )
    assert made.one("Secret")["stringData"] == {"API_KEY": "hidden-word"}
    assert made.env()["API_KEY"] == {"secretKeyRef": {"name": made.one("Secret")["metadata"]["name"], "key": "API_KEY"}}
    assert made.env()["TOKEN"] == {"secretKeyRef": {"name": "vault", "key": "token"}}
    assert "Secret" not in emit().kinds


@pytest.mark.parametrize(
    ("settings", "name", "port"),
    [
        ({}, "http1", 8080),
        ({"protocol": "UPI_V1"}, "h2c", 9000),
        (RAW, "http1", 8080),
        ({**RAW, "protocol": "UPI_V1"}, "grpc", 9000),
        ({"protocol": "SELDON"}, "http1", 9000),
    ],
    ids=str,
)
def test_the_port_has_the_name_that_the_mode_understands(
    emit: Emit, settings: dict[str, Any], name: str, port: int
) -> None:
    made = emit(**settings)
    assert made.container()["ports"][0] == {"name": name, "containerPort": port, "protocol": "TCP"}
    if settings.get("deployment_mode"):
        (service_port,) = made.one("Service")["spec"]["ports"]
        assert (service_port["port"], service_port["targetPort"]) == (80, name)


def test_liveness_asks_the_root_after_merlins_times_unless_it_is_switched_off(emit: Emit) -> None:
    assert emit().container()["livenessProbe"] == {
        "httpGet": {"path": "/", "port": 8080, "scheme": "HTTP"},
        "initialDelaySeconds": 30,
        "timeoutSeconds": 5,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    for switch in ("CARAML_DISABLE_LIVENESS_PROBE", "MERLIN_DISABLE_LIVENESS_PROBE"):
        assert "livenessProbe" not in emit(env={switch: "True"}).container()
    assert "livenessProbe" not in emit(disable_liveness_probe=True).container()


def test_readiness_asks_for_the_model(emit: Emit) -> None:
    assert emit().container()["readinessProbe"]["httpGet"]["path"] == "/v1/models/iris-1"


def test_probes_of_grpc_are_grpcs_own(emit: Emit) -> None:
    container = emit(protocol="UPI_V1").container()
    assert container["livenessProbe"]["grpc"] == container["readinessProbe"]["grpc"] == {"port": 9000, "service": ""}


def test_a_slow_model_has_a_startup_probe(emit: Emit) -> None:
    probe = emit(startup_probe={"failure_threshold": 60}).container()["startupProbe"]
    assert (probe["httpGet"]["path"], probe["failureThreshold"]) == ("/v1/models/iris-1", 60)
    assert "startupProbe" not in emit().container()


def test_artifacts_are_there_before_the_server_starts(emit: Emit) -> None:
    made = emit({"storageInitializer": {"credentialsSecret": "s3-keys"}}, storage_uri="s3://models/iris")
    (initializer,) = made.pod()["initContainers"]
    assert initializer["args"] == ["s3://models/iris", "/mnt/models"]
    assert initializer["envFrom"] == [{"secretRef": {"name": "s3-keys"}}]
    assert initializer["terminationMessagePolicy"] == "FallbackToLogsOnError"
    (mount,) = made.container()["volumeMounts"]
    assert (mount["mountPath"], mount["readOnly"]) == ("/mnt/models", True)


def test_pods_run_as_the_service_account_with_its_pull_secrets(emit: Emit) -> None:
    pod = emit(service_account_name="models", image_pull_secrets=["registry"]).pod()
    assert (pod["serviceAccountName"], pod["imagePullSecrets"]) == ("models", [{"name": "registry"}])


def test_what_the_container_may_do_is_the_users_to_say(emit: Emit) -> None:
    made = emit(security_context={"run_as_non_root": True, "capabilities": {"drop": ["ALL"]}, "fs_group": 1000})
    assert made.container()["securityContext"] == {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
    assert made.pod()["securityContext"] == {"fsGroup": 1000}
    assert "securityContext" not in emit().container()


def test_prometheus_is_told_where_the_metrics_are(emit: Emit) -> None:
    scrape = {"prometheus.io/scrape": "true", "prometheus.io/path": "/metrics", "prometheus.io/port": "8080"}
    assert scrape.items() <= emit().annotations().items()
    assert emit(**RAW, metrics={"port": 9102}).annotations()["prometheus.io/port"] == "9102"


def test_a_grpc_server_pushes_its_metrics_or_serves_them_on_its_one_port(emit: Emit) -> None:
    pushing = emit(protocol="UPI_V1", metrics={"pushgateway_url": "http://pushgateway:9091"})
    assert pushing.env()["PUSHGATEWAY_URL"] == "http://pushgateway:9091"
    assert "prometheus.io/scrape" not in pushing.annotations()
    assert emit(protocol="UPI_V1", metrics={"enabled": True}).annotations()["prometheus.io/port"] == "9000"


def test_a_seldon_image_is_served_as_primehub_does(emit: Emit) -> None:
    made = emit(protocol="SELDON", storage_uri="s3://models/iris")
    unit = {"PREDICTIVE_UNIT_SERVICE_PORT": "9000", "PREDICTIVE_UNIT_ID": "model", "SELDON_DEPLOYMENT_ID": "iris-1"}
    assert unit.items() <= made.env().items()
    assert made.container()["livenessProbe"]["tcpSocket"] == {"port": 9000}
    version = made.recording.one("caraml:index:CustomModelVersion")
    assert str(version.outputs["url"]).endswith("/api/v1.0/predictions")
