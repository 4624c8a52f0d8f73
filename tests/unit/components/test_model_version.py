from typing import Any

import pulumi
import pytest

from caraml_pulumi import (
    AutoscalingMetric,
    AutoscalingPolicy,
    CaramlError,
    CustomModelVersion,
    DeploymentMode,
    ModelProject,
)
from caraml_pulumi.engine.values import UNKNOWN, Secret
from caraml_pulumi.model_version_args import CustomModelVersionArgs, CustomModelVersionKeywords
from caraml_pulumi.testing import Recording, record, unknown
from tests.unit.components.programs import (
    AUTOSCALER,
    CONFIG,
    DEPLOYMENT,
    KNATIVE,
    NAMESPACE,
    ROUTE,
    SERVICE,
    VERSION,
    iris,
    one_version,
    recorded,
)

both = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])


def image_of(recording: Recording) -> object:
    return recording.one(KNATIVE).inputs["spec"]["template"]["spec"]["containers"][0]["image"]


@both
def test_a_serverless_version_is_a_knative_service_and_its_route(preview: bool) -> None:
    recording = one_version(preview)
    component = recording.one(VERSION)
    children = recording.children_of(component.urn)
    assert [(child.type, child.name) for child in children] == [(KNATIVE, "iris-1"), (ROUTE, "iris-1")]
    assert recording.one(KNATIVE).inputs["metadata"]["name"] == "iris-1"
    assert recording.one(ROUTE).inputs["metadata"]["name"] == "iris-1-vs"


@both
def test_a_raw_version_is_a_deployment_a_service_an_autoscaler_and_a_route(preview: bool) -> None:
    recording = one_version(preview, deployment_mode="RAW_DEPLOYMENT")
    children = recording.children_of(recording.one(VERSION).urn)
    assert sorted(child.type for child in children) == sorted([DEPLOYMENT, SERVICE, AUTOSCALER, ROUTE])
    assert {child.name for child in children} == {"iris-1"}


@both
def test_what_a_version_says_of_itself_is_known_at_preview(preview: bool) -> None:
    assert one_version(preview).one(VERSION).outputs == {
        "model": "iris",
        "version": 1,
        "project": "iris-team",
        "environment": "dev",
        "protocol": "HTTP_JSON",
        "fullName": "iris-1",
        "url": "http://iris-1.iris-team.models.example.com/v1/models/iris-1:predict",
        "status": "running",
        "demand": {"cpu": "8", "memory": "1000Mi", "gpu": 0},
    }


@both
def test_policies_see_the_decided_values_as_the_components_inputs(preview: bool) -> None:
    inputs = one_version(preview, resource_request={"max_replica": 3}).one(VERSION).inputs
    assert inputs["deploymentMode"] == "SERVERLESS"
    assert inputs["autoscalingPolicy"] == {"metric": "concurrency", "target": 1}
    assert inputs["resourceRequest"]["maxReplica"] == 3
    assert inputs["environment"] == "dev"


def test_an_image_that_is_not_known_yet_is_unknown_at_preview_and_deployed_later() -> None:
    assert image_of(recorded(lambda: version_of(unknown()), preview=True)) is UNKNOWN
    assert image_of(recorded(lambda: version_of(pulumi.Output.from_input("a/b:1")))) == "a/b:1"


def version_of(image: pulumi.Input[str]) -> CustomModelVersion:
    return CustomModelVersion("iris-1", model="iris", version=1, project="iris-team", image=image)


def test_an_image_that_turns_out_malformed_is_refused_when_it_is_known() -> None:
    with pytest.raises(CaramlError, match='malformed repository "A B"') as caught:
        recorded(lambda: version_of(pulumi.Output.from_input("A B")))
    assert 'CustomModelVersion "iris-1": image' in str(caught.value)


def test_a_broken_rule_ends_a_pulumi_program_without_a_traceback() -> None:
    with pytest.raises(pulumi.RunError, match="RAW_DEPLOYMENT cannot scale on rps") as caught:
        one_version(deployment_mode="RAW_DEPLOYMENT", autoscaling_policy=AutoscalingPolicy.rps(5))
    assert 'where:   CustomModelVersion "iris-1": autoscaling_policy.metric' in str(caught.value)


def test_nothing_is_registered_of_a_version_that_breaks_a_rule() -> None:
    def program() -> None:
        with pytest.raises(CaramlError):
            CustomModelVersion("iris-1", model="iris", version=0, project="iris-team", image="a/b:1")

    assert recorded(program).registrations == []


def test_a_model_that_is_an_output_is_refused_since_previews_read_it() -> None:
    def program() -> None:
        model: Any = pulumi.Output.from_input("iris")
        CustomModelVersion("iris-1", model=model, version=1, project="iris-team", image="a/b")

    with pytest.raises(CaramlError, match="`model` must be known at preview"):
        recorded(program)


def test_a_secret_variable_stays_a_secret_in_the_component_and_in_the_container() -> None:
    recording = recorded(
        lambda: CustomModelVersion(
            "iris-1",
            model="iris",
            version=1,
            project="iris-team",
            image="a/b:1",
            env={"TOKEN": pulumi.Output.secret("swordfish")},
        )
    )
    assert recording.one(VERSION).inputs["env"]["TOKEN"] == Secret("swordfish")
    container = recording.one(KNATIVE).inputs["spec"]["template"]["spec"]["containers"][0]
    values = {variable["name"]: variable["value"] for variable in container["env"]}
    assert values["TOKEN"] == Secret("swordfish")


def test_a_switch_of_liveness_must_be_known_at_preview() -> None:
    def program() -> None:
        switch = {"CARAML_DISABLE_LIVENESS_PROBE": pulumi.Output.from_input("true")}
        CustomModelVersion("iris-1", model="iris", version=1, project="iris-team", image="a/b:1", env=switch)

    with pytest.raises(CaramlError, match="must be known at preview"):
        recorded(program)


def test_a_version_waits_for_its_projects_namespace_and_its_route_for_its_workload() -> None:
    recording = recorded(iris)
    namespace = recording.one(NAMESPACE).urn
    for workload in (recording.one(KNATIVE), recording.one(DEPLOYMENT), recording.one(SERVICE)):
        assert namespace in workload.dependencies
    assert recording.one(KNATIVE).urn in recording.one(ROUTE, "iris-1").dependencies
    assert recording.one(DEPLOYMENT).urn in recording.one(ROUTE, "iris-2").dependencies


def test_a_version_belongs_to_the_team_of_its_project_unless_it_says_otherwise() -> None:
    def program() -> None:
        project = ModelProject("iris-team", team="fraud", stream="risk")
        CustomModelVersion("iris-1", model="iris", version=1, project=project, image="a/b")
        CustomModelVersion("iris-2", model="iris", version=2, project=project, image="a/b", team="other")

    recording = recorded(program)
    labels = [recording.one(KNATIVE, name).inputs["metadata"]["labels"] for name in ("iris-1", "iris-2")]
    assert [of_version["caraml.dev/team"] for of_version in labels] == ["fraud", "other"]


def test_a_named_policy_and_a_nameless_one_deploy_the_same() -> None:
    def shared() -> None:
        policy = AutoscalingPolicy("bursty", metric=AutoscalingMetric.RPS, target=20)
        CustomModelVersion("i", model="iris", version=1, project="iris-team", image="a/b", autoscaling_policy=policy)

    def own() -> None:
        policy = AutoscalingPolicy.rps(20)
        CustomModelVersion("i", model="iris", version=1, project="iris-team", image="a/b", autoscaling_policy=policy)

    named, nameless = recorded(shared).one(KNATIVE), recorded(own).one(KNATIVE)
    assert (named.urn, named.inputs) == (nameless.urn, nameless.inputs)


def test_the_container_can_be_given_args_by_keyword() -> None:
    container = one_version(args=["--port", "8080"]).one(KNATIVE).inputs["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["--port", "8080"]


def test_a_dict_and_keywords_are_the_same() -> None:
    given: CustomModelVersionArgs = {
        "model": "iris",
        "version": 1,
        "project": "iris-team",
        "image": "ghcr.io/team/iris:1",
    }
    by_dict = recorded(lambda: CustomModelVersion("iris-1", given))
    assert by_dict.registrations == one_version().registrations


def test_python_keywords_are_the_arguments_of_every_language() -> None:
    assert CustomModelVersionKeywords.__annotations__.keys() == CustomModelVersionArgs.__annotations__.keys()


def test_a_stack_without_a_platform_says_how_to_configure_one() -> None:
    with pytest.raises(CaramlError, match="the platform is not configured") as caught:
        record(lambda: version_of("a/b:1"))
    assert "caraml:platform.domain" in str(caught.value)


def test_a_wrong_platform_names_the_setting() -> None:
    config = {"caraml:platform": {"domain": "x.example.com", "maxCpus": "2"}}
    with pytest.raises(CaramlError, match="unknown field `maxCpus`") as caught:
        record(lambda: version_of("a/b:1"), config=config)
    assert "caraml:platform.maxCpus" in str(caught.value)


def test_a_provider_given_to_the_version_reaches_its_objects() -> None:
    def program() -> None:
        provider = pulumi.ProviderResource("kubernetes", "cluster", {})
        CustomModelVersion(
            "iris-1",
            {"model": "iris", "version": 1, "project": "iris-team", "image": "a/b"},
            pulumi.ResourceOptions(providers=[provider]),
        )

    recording = record(program, config=CONFIG)
    assert "pulumi:providers:kubernetes::cluster" in recording.one(KNATIVE).provider


def test_secret_variables_are_kept_in_a_secret_that_the_workload_waits_for() -> None:
    recording = one_version(secrets={"API_KEY": "swordfish"}, secret_refs={"TOKEN": {"name": "vault", "key": "t"}})
    secret, service = recording.one("kubernetes:core/v1:Secret"), recording.one(KNATIVE)
    assert secret.inputs["stringData"]["API_KEY"] == Secret("swordfish")
    assert secret.urn in service.dependencies
    env = service.inputs["spec"]["template"]["spec"]["containers"][0]["env"]
    refs = {item["name"]: item["valueFrom"]["secretKeyRef"] for item in env if "valueFrom" in item}
    assert refs == {
        "API_KEY": {"name": "iris-team-iris-1-id", "key": "API_KEY"},
        "TOKEN": {"name": "vault", "key": "t"},
    }
    assert "name" not in secret.inputs["metadata"]
    assert recording.one(VERSION).inputs["secrets"] == ["API_KEY", "TOKEN"]
    assert "swordfish" not in str(recording.one(VERSION).inputs) + str(service.inputs)


def test_a_secret_that_is_not_known_yet_is_unknown_at_preview() -> None:
    recording = recorded(
        lambda: CustomModelVersion(
            "iris-1", model="iris", version=1, project="iris-team", image="a/b:1", secrets={"API_KEY": unknown()}
        ),
        preview=True,
    )
    assert recording.one("kubernetes:core/v1:Secret").inputs["stringData"]["API_KEY"] in (UNKNOWN, Secret(UNKNOWN))


@both
def test_a_transformer_is_a_second_workload_and_the_route_waits_for_both(preview: bool) -> None:
    recording = one_version(preview, transformer={"image": "ghcr.io/team/transformer:1"})
    assert [item.name for item in recording.of_type(KNATIVE)] == ["iris-1", "iris-1-transformer"]
    assert {item.urn for item in recording.of_type(KNATIVE)} <= recording.one(ROUTE).dependencies
    assert recording.one(VERSION).inputs["transformer"]["image"] == "ghcr.io/team/transformer:1"


@both
@pytest.mark.parametrize(("mode", "left"), [("SERVERLESS", [ROUTE]), ("RAW_DEPLOYMENT", [DEPLOYMENT, SERVICE, ROUTE])])
def test_a_stopped_version_runs_nothing_and_is_terminated(preview: bool, mode: str, left: list[str]) -> None:
    recording = one_version(preview, deployment_mode=mode, stopped=True)
    component = recording.one(VERSION)
    assert [item.type for item in recording.children_of(component.urn)] == left
    assert component.outputs["status"] == "terminated"
    assert "demand" not in component.outputs


def test_objects_of_adopted_kinds_are_imported_by_their_ids_and_taken_from_other_managers() -> None:
    recording = one_version(deployment_mode="RAW_DEPLOYMENT", adopt=["Deployment", "Service"])
    imported = {item.type: item.import_id for item in recording.registrations if item.import_id}
    assert imported == {DEPLOYMENT: "iris-team/iris-1", SERVICE: "iris-team/iris-1-predictor"}
    assert recording.one(DEPLOYMENT).inputs["metadata"]["annotations"]["pulumi.com/patchForce"] == "true"
    assert "annotations" not in recording.one(AUTOSCALER).inputs["metadata"]


def test_only_kinds_of_a_versions_objects_can_be_adopted() -> None:
    with pytest.raises(CaramlError, match='"Pod" is not a kind of a version\'s objects') as caught:
        one_version(adopt=["Pod"])
    assert "adopt" in str(caught.value)


@pytest.mark.parametrize("adopted", [True, "Service"])
def test_what_is_adopted_is_a_list_of_kinds(adopted: Any) -> None:
    with pytest.raises(CaramlError, match=r'`adopt` must be a list of kinds, not (true|"Service")') as caught:
        one_version(adopt=adopted)
    assert "VirtualService" in str(caught.value)


@both
def test_a_revision_names_the_objects_and_leaves_the_address(preview: bool) -> None:
    recording = one_version(preview, revision=4)
    assert recording.one(KNATIVE).inputs["metadata"]["name"] == "iris-1-r4"
    assert recording.one(ROUTE).inputs["metadata"]["name"] == "iris-1-vs"
    assert recording.one(KNATIVE).name == "iris-1"
    assert recording.one(VERSION).outputs["fullName"] == "iris-1"


def test_a_storage_uri_that_is_not_known_yet_is_brought_by_the_storage_initializer() -> None:
    def program() -> None:
        CustomModelVersion(
            "iris-1",
            model="iris",
            version=1,
            project="iris-team",
            image="a/b:1",
            storage_uri=unknown(),
            deployment_mode=DeploymentMode.RAW_DEPLOYMENT,
        )

    template = recorded(program, preview=True).one(DEPLOYMENT).inputs["spec"]["template"]["spec"]
    assert template["initContainers"][0]["args"] == [UNKNOWN, "/mnt/models"]


def test_a_claim_that_turns_out_to_hold_the_artifacts_is_refused() -> None:
    def program() -> None:
        CustomModelVersion(
            "iris-1",
            model="iris",
            version=1,
            project="iris-team",
            image="a/b:1",
            storage_uri=pulumi.Output.from_input("pvc://claim/iris"),
            deployment_mode=DeploymentMode.RAW_DEPLOYMENT,
        )

    with pytest.raises(CaramlError, match="must be known at preview"):
        recorded(program)


def test_a_version_beyond_its_projects_quota_is_refused_before_anything_of_it_is_registered() -> None:
    def program() -> None:
        project = ModelProject("iris-team", team="fraud", stream="risk", quota={"cpu": "9"})
        CustomModelVersion("iris-1", model="iris", version=1, project=project, image="a/b:1")
        with pytest.raises(CaramlError, match="Group iris-team exceeded cpu quota: 9, requesting 16"):
            CustomModelVersion("iris-2", model="iris", version=2, project=project, image="a/b:1")

    recording = recorded(program)
    assert [item.name for item in recording.of_type(VERSION)] == ["iris-1"]
