"""What follows from the protocol of a version: ports, variables, metrics, routes and addresses."""

import json
from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from tests.unit.model.builders import one, platform, version

RAW: dict[str, Any] = {"deploymentMode": "RAW_DEPLOYMENT"}


def pod(mode: str, **settings: Any) -> dict[str, Any]:
    kind = "Service" if mode == "SERVERLESS" else "Deployment"
    template: dict[str, Any] = one(kind, version(deploymentMode=mode, **settings))["spec"]["template"]
    return template


@pytest.mark.parametrize(
    ("protocol", "mode", "port"),
    [
        ("HTTP_JSON", "SERVERLESS", ("http1", 8080)),
        ("HTTP_JSON", "RAW_DEPLOYMENT", ("http1", 8080)),
        ("UPI_V1", "SERVERLESS", ("h2c", 9000)),
        ("UPI_V1", "RAW_DEPLOYMENT", ("grpc", 9000)),
        ("SELDON", "SERVERLESS", ("http1", 9000)),
        ("SELDON", "RAW_DEPLOYMENT", ("http1", 9000)),
    ],
)
def test_the_serving_port_has_the_name_that_the_mode_reads(protocol: str, mode: str, port: tuple[str, int]) -> None:
    first = pod(mode, protocol=protocol)["spec"]["containers"][0]["ports"][0]
    assert (first["name"], first["containerPort"]) == port


def test_a_raw_grpc_service_says_that_it_speaks_http2() -> None:
    (service,) = [one("Service", version(**RAW, protocol="UPI_V1"))]
    assert service["spec"]["ports"] == [
        {"name": "grpc", "port": 80, "targetPort": "grpc", "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"}
    ]


def test_a_seldon_image_finds_a_predictive_unit_and_not_caramls_ports() -> None:
    plan = version(**RAW, protocol="SELDON", storageUri="s3://models/iris")
    env = dict(plan.predictor.env)
    assert json.loads(env.pop("PREDICTIVE_UNIT_PARAMETERS")) == [
        {"name": "model_uri", "value": "/mnt/models", "type": "STRING"}
    ]
    assert env == {
        "STORAGE_URI": "s3://models/iris",
        "CARAML_MODEL_NAME": "iris",
        "CARAML_MODEL_VERSION": "1",
        "CARAML_MODEL_FULL_NAME": "iris-1",
        "CARAML_PROTOCOL": "SELDON",
        "CARAML_PROJECT": "iris-team",
        "CARAML_ARTIFACT_LOCATION": "/mnt/models",
        "PREDICTIVE_UNIT_SERVICE_PORT": "9000",
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": "9000",
        "PREDICTIVE_UNIT_ID": "model",
        "PREDICTIVE_UNIT_IMAGE": "ghcr.io/team/iris:1",
        "PREDICTOR_ID": "deploy",
        "SELDON_DEPLOYMENT_ID": "iris-1",
    }


@pytest.mark.parametrize(
    ("protocol", "url"),
    [
        ("HTTP_JSON", "http://iris-1.iris-team.models.example.com/v1/models/iris-1:predict"),
        ("SELDON", "http://iris-1.iris-team.models.example.com/api/v1.0/predictions"),
        ("UPI_V1", "iris-1.iris-team.models.example.com"),
    ],
)
def test_the_address_follows_from_the_protocol(protocol: str, url: str) -> None:
    assert version(protocol=protocol).url == url


def test_seldon_predictions_of_the_endpoint_go_to_seldons_path_and_grpc_ones_anywhere() -> None:
    seldon = one("VirtualService", version(protocol="SELDON"))["spec"]["http"]
    assert [route.get("rewrite", {}).get("uri") for route in seldon] == ["/api/v1.0/predictions"] * 2 + [None] * 2
    (grpc,) = one("VirtualService", version(protocol="UPI_V1"))["spec"]["http"]
    assert "match" not in grpc


@pytest.mark.parametrize(
    ("settings", "scraped"),
    [
        ({}, ("/metrics", "8080")),
        ({"metrics": {"path": "/stats"}}, ("/stats", "8080")),
        ({"protocol": "UPI_V1"}, None),
        ({"protocol": "UPI_V1", "metrics": {"enabled": True}}, ("/metrics", "9000")),
        ({"protocol": "SELDON"}, None),
        ({"protocol": "SELDON", **RAW}, ("/prometheus", "6000")),
        ({"metrics": {"port": 9102}, **RAW}, ("/metrics", "9102")),
        ({"metrics": {"enabled": False}}, None),
        ({"metrics": {"pushgatewayUrl": "http://pushgateway:9091"}}, None),
    ],
)
def test_prometheus_is_told_where_the_metrics_are(settings: dict[str, Any], scraped: tuple[str, str] | None) -> None:
    template = pod(settings.get("deploymentMode", "SERVERLESS"), **{k: v for k, v in settings.items() if k not in RAW})
    annotations = template["metadata"].get("annotations", {})
    expected = (
        {
            "prometheus.io/scrape": "true",
            **dict(zip(("prometheus.io/path", "prometheus.io/port"), scraped, strict=True)),
        }
        if scraped
        else {}
    )
    assert {name: value for name, value in annotations.items() if name.startswith("prometheus.io")} == expected


def test_a_second_port_for_metrics_is_open_in_raw_deployments_and_refused_by_knative() -> None:
    ports = pod("RAW_DEPLOYMENT", metrics={"port": 9102})["spec"]["containers"][0]["ports"]
    assert [(port["name"], port["containerPort"]) for port in ports] == [("http1", 8080), ("metrics", 9102)]
    with pytest.raises(CaramlError, match="metrics on port 9102 cannot be reached: Knative opens 8080 alone"):
        version(metrics={"port": 9102})


def test_a_server_that_pushes_is_told_where_to() -> None:
    plan = version(protocol="UPI_V1", metrics={"pushgatewayUrl": "http://pushgateway:9091"})
    assert plan.predictor.env["PUSHGATEWAY_URL"] == "http://pushgateway:9091"


def test_merlins_old_variables_are_there_where_the_platform_says_so() -> None:
    assert "MERLIN_MODEL_NAME" not in version().predictor.env
    env = version(platform(legacyEnv=True)).predictor.env
    assert {name: value for name, value in env.items() if name.startswith("MERLIN_")} == {
        "MERLIN_PREDICTOR_PORT": "8080",
        "MERLIN_MODEL_NAME": "iris-1",
        "MERLIN_ARTIFACT_LOCATION": "/mnt/models",
    }


@pytest.mark.parametrize(
    ("uri", "argument", "claims"),
    [
        ("s3://models/iris", "s3://models/iris", []),
        ("pvc://claim/team/iris", "/mnt/pvc/team/iris", ["claim"]),
        ("pvc://claim", "/mnt/pvc/", ["claim"]),
    ],
)
def test_artifacts_are_brought_before_the_model_starts_and_cannot_be_changed_by_it(
    uri: str, argument: str, claims: list[str]
) -> None:
    spec = pod("RAW_DEPLOYMENT", storageUri=uri)["spec"]
    (initializer,) = spec["initContainers"]
    assert (initializer["name"], initializer["args"]) == ("storage-initializer", [argument, "/mnt/models"])
    assert spec["containers"][0]["volumeMounts"] == [
        {"name": "kserve-provision-location", "mountPath": "/mnt/models", "readOnly": True}
    ]
    found = [volume["persistentVolumeClaim"] for volume in spec["volumes"] if "persistentVolumeClaim" in volume]
    assert [claim["claimName"] for claim in found] == claims


def test_the_storage_initializer_is_the_platforms() -> None:
    on = platform(
        storageInitializer={"image": "ghcr.io/a/init:1", "credentialsSecret": "keys", "env": {"AWS_REGION": "eu"}}
    )
    template = one("Deployment", version(on, **RAW, storageUri="s3://models/iris"), on)["spec"]["template"]
    (initializer,) = template["spec"]["initContainers"]
    assert initializer["image"] == "ghcr.io/a/init:1"
    assert initializer["env"] == [{"name": "AWS_REGION", "value": "eu"}]
    assert initializer["envFrom"] == [{"secretRef": {"name": "keys"}}]
    assert initializer["resources"] == {
        "requests": {"cpu": "100m", "memory": "100Mi"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    }
