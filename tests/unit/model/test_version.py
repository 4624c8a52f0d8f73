from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.autoscaling import AutoscalingSpec
from caraml_pulumi.model.changes import change_allowed
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.version_plan import VersionPlan
from tests.unit.model.builders import objects, platform, version


def policy(plan: VersionPlan) -> AutoscalingSpec:
    assert plan.predictor.scaling.policy is not None
    return plan.predictor.scaling.policy


def test_a_version_gets_what_it_does_not_ask_for_from_the_platform_property_by_property() -> None:
    on = platform(defaultDeploymentConfig={"maxReplica": 4, "cpuRequest": "250m", "memoryRequest": "300Mi"})
    plan = version(on, resourceRequest={"cpuRequest": 1})
    assert (plan.predictor.resources.cpu_request, plan.predictor.resources.memory_request) == ("1", "300Mi")
    assert (plan.predictor.scaling.min_replica, plan.predictor.scaling.max_replica) == (0, 4)


def test_a_serverless_version_without_a_policy_is_scaled_on_one_request_in_flight() -> None:
    plan = version()
    assert (policy(plan).metric, policy(plan).target, plan.predictor.scaling.min_replica) == ("concurrency", 1, 0)


def test_a_raw_version_without_a_policy_is_scaled_on_half_its_cpu_request_and_stays_awake() -> None:
    plan = version(deploymentMode="RAW_DEPLOYMENT")
    assert (policy(plan).metric, policy(plan).target, plan.predictor.scaling.min_replica) == ("cpu_utilization", 50, 1)


def test_the_default_range_of_replicas_makes_room_for_what_is_asked() -> None:
    wide = version(resourceRequest={"minReplica": 3})
    narrow = version(
        platform(defaultDeploymentConfig={"minReplica": 2, "maxReplica": 8}), resourceRequest={"maxReplica": 1}
    )
    assert (wide.predictor.scaling.min_replica, wide.predictor.scaling.max_replica) == (3, 3)
    assert (narrow.predictor.scaling.min_replica, narrow.predictor.scaling.max_replica) == (1, 1)


@pytest.mark.parametrize(
    ("limits", "asked", "limit"),
    [
        ({}, {}, "8"),
        ({"cpuFactor": 2}, {}, "1"),
        ({"cpuFactor": 2}, {"cpuLimit": "3"}, "3"),
        ({"cpuFactor": 2}, {"cpuLimit": "0"}, "1"),
        ({"defaultCpu": "4"}, {}, "4"),
        ({"cpuFactor": 1.25}, {"cpuRequest": "250m"}, "312m"),
    ],
)
def test_the_cpu_limit_is_explicit_or_by_factor_or_constant(
    limits: dict[str, object], asked: dict[str, object], limit: str
) -> None:
    assert version(platform(limits=limits), resourceRequest=asked).predictor.resources.cpu_limit == limit


def test_the_memory_limit_is_twice_the_request_unless_the_platform_says_otherwise() -> None:
    assert version().predictor.resources.memory_limit == "1000Mi"
    assert version(platform(limits={"memoryFactor": 0})).predictor.resources.memory_limit is None


def test_platform_variables_come_with_the_constant_cpu_limit_only_and_give_way_to_the_versions_own() -> None:
    on = platform(limits={"envWithoutCpuFactor": {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}})
    plan = version(on, env={"OMP_NUM_THREADS": "4"})
    assert (plan.predictor.env["OMP_NUM_THREADS"], plan.predictor.env["MKL_NUM_THREADS"]) == ("4", "2")
    assert "MKL_NUM_THREADS" not in version(on, resourceRequest={"cpuLimit": "2"}).predictor.env


def test_the_container_is_promised_the_variables_of_the_contract() -> None:
    plan = version()
    assert dict(plan.predictor.env) == {
        "CARAML_HTTP_PORT": "8080",
        "CARAML_GRPC_PORT": "9000",
        "CARAML_MODEL_NAME": "iris",
        "CARAML_MODEL_VERSION": "1",
        "CARAML_MODEL_FULL_NAME": "iris-1",
        "CARAML_PROTOCOL": "HTTP_JSON",
        "CARAML_PROJECT": "iris-team",
        "CARAML_ARTIFACT_LOCATION": "/mnt/models",
    }


@pytest.mark.parametrize("name", ["CARAML_HTTP_PORT", "STORAGE_URI", "CARAML_MODEL_FULL_NAME", "MERLIN_MODEL_NAME"])
def test_a_variable_of_the_platform_cannot_be_set(name: str) -> None:
    with pytest.raises(CaramlError, match=f'"{name}" is set by the platform') as caught:
        version(env={name: "x"})
    assert caught.value.where == f"env.{name}"


def test_a_variable_of_knative_can_be_set_in_raw_deployments_only() -> None:
    assert version(env={"PORT": "1"}, deploymentMode="RAW_DEPLOYMENT").predictor.env["PORT"] == "1"
    with pytest.raises(CaramlError, match='"PORT" is set by Knative'):
        version(env={"PORT": "1"})


@pytest.mark.parametrize("name", ["CARAML_DISABLE_LIVENESS_PROBE", "MERLIN_DISABLE_LIVENESS_PROBE"])
@pytest.mark.parametrize(("value", "liveness"), [("true", False), ("TRUE", False), ("false", True), ("1", True)])
def test_either_switch_set_to_true_in_any_case_turns_liveness_off(name: str, value: str, liveness: bool) -> None:
    assert (version(env={name: value}).predictor.probes.liveness is not None) is liveness


def test_a_command_is_split_as_a_shell_splits_it() -> None:
    plan = version(command="serve  --name 'iris model'", args=["a b"])
    assert (plan.predictor.command, plan.predictor.args) == (("serve", "--name", "iris model"), ("a b",))
    with pytest.raises(CaramlError, match="cannot be split into words: No closing quotation"):
        version(command="serve 'iris")


def test_the_address_of_a_version_is_that_of_the_seed() -> None:
    assert version().url == "http://iris-1.iris-team.models.example.com/v1/models/iris-1:predict"


@pytest.mark.parametrize(
    ("settings", "message", "where"),
    [
        ({"resourceRequest": {"cpuRequest": "7500m"}}, "cpuRequest 7500m is more", "resourceRequest"),
        ({"resourceRequest": {"memoryRequest": "8Gi"}}, "memoryRequest 8Gi is more", "resourceRequest"),
        ({"resourceRequest": {"maxReplica": 9}}, "maxReplica 9 is more", "resourceRequest"),
        ({"resourceRequest": {"cpuRequest": "0"}}, "cpuRequest is 0", "resourceRequest"),
        ({"resourceRequest": {"cpuRequest": 1, "cpuLimit": "500m"}}, "limit 500m is less than", "resourceRequest"),
        ({"image": "registry.local/x:1"}, "Knative does not take image", "image"),
        ({"labels": {"component": "x"}}, 'label "component" is set by the platform', "labels"),
        ({"labels": {"caraml.dev/team": "x"}}, "is set by the platform", "labels"),
        ({"labels": {"a.knative.dev/x": "x"}}, "is set by the platform", "labels"),
        ({"labels": {"-a": "x"}}, "is not a label key", "labels.-a"),
        ({"labels": {"a": "-x"}}, "is not a label value", "labels.a"),
        (
            {"deploymentMode": "RAW_DEPLOYMENT", "autoscalingPolicy": {"metric": "rps", "target": 5}},
            "RAW_DEPLOYMENT cannot scale on rps",
            "autoscalingPolicy.metric",
        ),
    ],
)
def test_a_broken_rule_names_the_property(settings: dict[str, object], message: str, where: str) -> None:
    on = platform(maxCpu="7", maxMemory="7Gi", maxAllowedReplica=8)
    with pytest.raises(CaramlError, match=message) as caught:
        version(on, **settings)
    assert caught.value.where == where


def test_a_platform_without_ceilings_refuses_no_amount() -> None:
    plan = version(platform(limits={"cpuFactor": 1}), resourceRequest={"cpuRequest": "900", "maxReplica": 5000})
    assert (plan.predictor.resources.cpu_request, plan.predictor.scaling.max_replica) == ("900", 5000)


def test_labels_name_the_model_its_version_and_its_owners_and_keep_the_users_own() -> None:
    labels = version(team="fraud", stream="risk", labels={"tier": "gold"}).predictor.labels
    assert labels == {
        "tier": "gold",
        "caraml.dev/app": "iris",
        "caraml.dev/component": "model-version",
        "caraml.dev/environment": "dev",
        "caraml.dev/orchestrator": "caraml",
        "caraml.dev/stream": "risk",
        "caraml.dev/team": "fraud",
        "caraml.dev/version": "1",
        "serving.kserve.io/inferenceservice": "iris-1",
        "component": "predictor",
    }


def test_the_selector_stays_the_same_whatever_else_changes() -> None:
    before = version()
    after = version(platform(labelPrefix="example.org/"), labels={"tier": "gold"}, team="other", image="a/b:2")
    assert (
        before.predictor.selector
        == after.predictor.selector
        == {
            "serving.kserve.io/inferenceservice": "iris-1",
            "component": "predictor",
        }
    )
    assert before.predictor.selector.items() <= before.predictor.labels.items()


def test_what_policies_read_has_every_decided_value_and_none_of_the_platforms_variables() -> None:
    assert version(env={"A": "1"}).props() == {
        "model": "iris",
        "version": 1,
        "project": "iris-team",
        "environment": "dev",
        "image": "ghcr.io/team/iris:1",
        "env": {"A": "1"},
        "protocol": "HTTP_JSON",
        "deploymentMode": "SERVERLESS",
        "resourceRequest": {
            "minReplica": 0,
            "maxReplica": 1,
            "cpuRequest": "500m",
            "memoryRequest": "500Mi",
            "cpuLimit": "8",
            "memoryLimit": "1000Mi",
        },
        "stopped": False,
        "autoscalingPolicy": {"metric": "concurrency", "target": 1},
        "labels": version().labels,
    }


def test_what_policies_read_has_the_rest_only_where_there_is_any() -> None:
    on = platform(instanceTypes={"small": {"limits": {"cpu": "1", "memory": "1Gi"}}})
    settings = {
        "instanceType": "small",
        "disableLivenessProbe": True,
        "annotations": {"example.com/owner": "alice"},
        "resourceRequest": {"minReplica": 2, "maxReplica": 2},
        "podDisruptionBudget": {"maxUnavailablePercentage": 50},
    }
    added = {key: value for key, value in version(on, **settings).props().items() if key not in version().props()}
    assert added == {
        "instanceType": "small",
        "disableLivenessProbe": True,
        "annotations": {"example.com/owner": "alice"},
        "podDisruptionBudget": {"maxUnavailable": "50%"},
    }
    switched_off = version(env={"MERLIN_DISABLE_LIVENESS_PROBE": "true"}).props()
    assert switched_off["disableLivenessProbe"] is True


def test_the_contract_names_the_artifacts_where_there_are_any() -> None:
    assert version(storageUri="gs://models/iris", deploymentMode="RAW_DEPLOYMENT").predictor.env["STORAGE_URI"] == (
        "gs://models/iris"
    )
    assert "STORAGE_URI" not in version().predictor.env


RPS = {"metric": "rps", "target": 20}


def test_what_a_version_does_not_say_is_the_environments() -> None:
    on = platform(
        defaultDeploymentMode="RAW_DEPLOYMENT",
        defaultProtocol="UPI_V1",
        defaultAutoscaling={"RAW_DEPLOYMENT": {"metric": "cpu_utilization", "target": 70}, "SERVERLESS": RPS},
    )
    plan = version(on)
    assert (plan.mode, plan.protocol) == (DeploymentMode.RAW_DEPLOYMENT, Protocol.UPI_V1)
    assert plan.props()["autoscalingPolicy"] == {"metric": "cpu_utilization", "target": 70}
    assert plan.predictor.port == 9000
    own = version(on, deploymentMode="SERVERLESS", protocol="HTTP_JSON", autoscalingPolicy={**RPS, "target": 3})
    assert (own.mode, own.protocol) == (DeploymentMode.SERVERLESS, Protocol.HTTP_JSON)
    assert own.props()["autoscalingPolicy"] == {**RPS, "target": 3}


def test_another_default_mode_does_not_replace_a_version_that_runs() -> None:
    old = version().props()
    new = version(platform(defaultDeploymentMode="RAW_DEPLOYMENT")).props()
    with pytest.raises(CaramlError) as caught:
        change_allowed("caraml:index:CustomModelVersion", old, new)
    assert "changing deployment type of a running model is not allowed" in caught.value.what
    assert "with deploymentMode SERVERLESS" in caught.value.fix


@pytest.mark.parametrize(
    "settings",
    [{"defaultAutoscaling": {"SERVERLESS": RPS}}, {"defaultDeploymentConfig": {"maxReplica": 3, "cpuRequest": "1"}}],
)
def test_other_defaults_change_a_version_in_place(settings: dict[str, Any]) -> None:
    old, new = version(), version(platform(**settings))
    change_allowed("caraml:index:CustomModelVersion", old.props(), new.props())
    names = [[(made["kind"], made["metadata"]["name"]) for made in objects(plan)] for plan in (old, new)]
    assert names[0] == names[1]
    assert old.props() != new.props()
