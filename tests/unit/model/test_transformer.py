from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from tests.unit.model.builders import objects, one, platform, version

IMAGE = "ghcr.io/team/transformer:1"
STANDARD = {"image": "ghcr.io/caraml/standard:1", "env": {"DEFAULT_FEAST_SOURCE": "BIGTABLE"}}
ON = platform(standardTransformer=STANDARD, legacyEnv=True)


@pytest.mark.parametrize(
    ("mode", "predictor"), [("SERVERLESS", "iris-1.iris-team:80"), ("RAW_DEPLOYMENT", "iris-1-predictor.iris-team:80")]
)
def test_a_transformer_is_told_where_the_model_is(mode: str, predictor: str) -> None:
    plan = version(ON, deploymentMode=mode, transformer={"image": IMAGE})
    assert plan.transformer is not None
    assert dict(plan.transformer.env) == {
        "CARAML_HTTP_PORT": "8080",
        "CARAML_GRPC_PORT": "9000",
        "CARAML_MODEL_NAME": "iris",
        "CARAML_MODEL_VERSION": "1",
        "CARAML_MODEL_FULL_NAME": "iris-1",
        "CARAML_PROTOCOL": "HTTP_JSON",
        "CARAML_PROJECT": "iris-team",
        "CARAML_PREDICTOR_HOST": predictor,
        "MERLIN_TRANSFORMER_PORT": "8080",
        "MERLIN_TRANSFORMER_MODEL_NAME": "iris-1",
        "MERLIN_TRANSFORMER_MODEL_PREDICT_URL": predictor,
    }


@pytest.mark.parametrize(
    ("mode", "entry"), [("SERVERLESS", "iris-1-transformer"), ("RAW_DEPLOYMENT", "iris-1-transformer-service")]
)
def test_the_versions_traffic_enters_through_the_transformer(mode: str, entry: str) -> None:
    plan = version(deploymentMode=mode, transformer={"image": IMAGE})
    routes = one("VirtualService", plan)["spec"]["http"]
    hosts = {route["route"][0]["headers"]["request"]["set"]["Host"] for route in routes}
    assert hosts == {f"{entry}.iris-team.svc.cluster.local"}


def test_every_object_of_the_two_workloads_has_a_name_of_its_own() -> None:
    for mode in ("SERVERLESS", "RAW_DEPLOYMENT"):
        plan = version(deploymentMode=mode, transformer={"image": IMAGE, "secrets": {"B": "2"}}, secrets={"A": "1"})
        named = [(item["kind"], item["metadata"]["name"]) for item in objects(plan)]
        assert len(named) == len({*named})


def test_the_transformer_has_its_own_size_replicas_and_scaling() -> None:
    asked = {"cpuRequest": "100m", "minReplica": 1, "maxReplica": 7}
    policy = {"metric": "rps", "target": 9}
    plan = version(transformer={"image": IMAGE, "resourceRequest": asked, "autoscalingPolicy": policy})
    assert plan.transformer is not None
    assert plan.transformer.resources.cpu_request == "100m"
    assert (plan.transformer.scaling.max_replica, plan.predictor.scaling.max_replica) == (7, 1)
    assert plan.transformer.scaling.policy is not None
    assert plan.transformer.scaling.policy.target == 9


def test_the_standard_transformer_is_the_platforms_image_with_a_compact_configuration() -> None:
    config = '{"transformerConfig": {"feast": []}}'
    plan = version(ON, transformer={"type": "standard", "config": config, "env": {"MODEL_TIMEOUT": "3s"}})
    assert plan.transformer is not None
    assert plan.transformer.image == "ghcr.io/caraml/standard:1"
    env = plan.transformer.env
    assert env["STANDARD_TRANSFORMER_CONFIG"] == '{"transformerConfig":{"feast":[]}}'
    assert (env["SERVER_TIMEOUT"], env["MODEL_TIMEOUT"], env["DEFAULT_FEAST_SOURCE"]) == ("30s", "3s", "BIGTABLE")
    assert "KAFKA_TOPIC" not in env


def test_a_upi_transformer_logs_predictions_to_the_models_topic() -> None:
    plan = version(ON, protocol="UPI_V1", transformer={"type": "standard", "config": {}})
    assert plan.transformer is not None
    assert plan.transformer.env["KAFKA_TOPIC"] == "caraml-iris-team-iris-prediction-log"


def test_a_model_may_speak_http_behind_a_upi_transformer() -> None:
    plan = version(protocol="UPI_V1", transformer={"image": IMAGE, "env": {"PREDICTOR_UPI_HTTP_ENABLED": "True"}})
    assert plan.transformer is not None
    assert (plan.predictor.port, plan.transformer.port) == (8080, 9000)
    assert plan.predictor.env["CARAML_PROTOCOL"] == "HTTP_JSON"


@pytest.mark.parametrize(
    ("settings", "message", "where"),
    [
        ({"transformer": {}}, "transformer image name is not specified", "transformer.image"),
        ({"transformer": {"type": "standard"}}, "has no config", "transformer.config"),
        ({"transformer": {"type": "standard", "config": "{"}}, "the configuration is not JSON", "transformer.config"),
        ({"transformer": {"type": "standard", "config": {}}}, "offers no standard transformer", "transformer.image"),
        ({"transformer": {"image": "A"}}, "malformed repository", "transformer.image"),
        ({"transformer": {"image": IMAGE, "config": "{}"}}, "takes no config", "transformer.config"),
        ({"transformer": {"image": IMAGE}, "protocol": "SELDON"}, "not SELDON", "transformer"),
        (
            {"transformer": {"image": IMAGE, "resourceRequest": {"cpuRequest": "9"}}},
            "cpuRequest 9 is more",
            "transformer.resourceRequest",
        ),
    ],
)
def test_a_transformer_that_cannot_be_is_refused(settings: dict[str, Any], message: str, where: str) -> None:
    with pytest.raises(CaramlError, match=message) as caught:
        version(platform(maxCpu="8"), **settings)
    assert caught.value.where == where
