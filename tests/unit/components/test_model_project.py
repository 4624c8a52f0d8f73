from typing import Any

import pulumi
import pytest

from caraml_pulumi import CaramlError, CustomModelVersion, ModelProject
from caraml_pulumi.engine.values import Secret
from caraml_pulumi.testing import Recording, unknown
from tests.unit.components.programs import KNATIVE, NAMESPACE, recorded

PROJECT = "caraml:index:ModelProject"
RBAC = "kubernetes:rbac.authorization.k8s.io/v1"


def project(preview: bool = False, **settings: Any) -> Recording:
    return recorded(lambda: ModelProject("iris-team", team="fraud", stream="risk", **settings), preview=preview)


def test_a_project_is_a_namespace_of_its_name() -> None:
    component, namespace = project().registrations
    assert (namespace.type, namespace.parent) == (NAMESPACE, component.urn)
    assert namespace.inputs["metadata"]["name"] == "iris-team"
    assert component.outputs["namespace"] == "iris-team"


def test_a_project_may_be_named_apart_from_its_component() -> None:
    recording = recorded(lambda: ModelProject("main", project="iris-team", team="fraud", stream="risk"))
    assert recording.one(NAMESPACE, "main").inputs["metadata"]["name"] == "iris-team"


def test_a_project_without_a_team_is_refused() -> None:
    with pytest.raises(CaramlError, match="`team` is missing"):
        recorded(lambda: ModelProject("iris-team", {"stream": "risk"}))  # type: ignore[call-overload]


def test_what_is_in_a_namespace_waits_for_it() -> None:
    recording = project(
        quota={"cpu": "4", "memory": "8Gi"},
        deployers={"groups": ["irises"]},
        viewers={"groups": ["auditors"]},
        secrets={"registry": {"password": "hunter2"}},
    )
    component, namespace, *inside = recording.registrations
    assert [(item.type.removeprefix("kubernetes:core/v1:").removeprefix(RBAC), item.name) for item in inside] == [
        ("ResourceQuota", "iris-team-project-quota"),
        ("LimitRange", "iris-team-container-defaults"),
        (":Role", "iris-team-model-deployers"),
        (":RoleBinding", "iris-team-model-deployers"),
        (":Role", "iris-team-model-viewers"),
        (":RoleBinding", "iris-team-model-viewers"),
        ("Secret", "iris-team-registry"),
    ]
    for item in inside:
        assert item.parent == component.urn
        assert item.inputs["metadata"]["namespace"] == "iris-team"
        assert namespace.urn in item.dependencies


@pytest.mark.parametrize("as_output", [False, True])
def test_the_texts_of_a_secret_are_secret_wherever_they_come_from(as_output: bool) -> None:
    def program() -> None:
        password: pulumi.Input[str] = pulumi.Output.from_input("hunter2") if as_output else "hunter2"
        ModelProject("iris-team", team="fraud", stream="risk", secrets={"registry": {"password": password}})

    recording = recorded(program)
    secret = recording.one("kubernetes:core/v1:Secret")
    assert secret.inputs["data"] == Secret({"password": "aHVudGVyMg=="})
    component = recording.one(PROJECT)
    assert component.inputs["secrets"] == {"registry": ["password"]}
    assert "hunter2" not in str([component.inputs, component.outputs])


def test_a_secret_that_a_preview_does_not_know_is_registered_all_the_same() -> None:
    def program() -> None:
        ModelProject("iris-team", team="fraud", stream="risk", secrets={"registry": {"password": unknown()}})

    assert recorded(program, preview=True).one("kubernetes:core/v1:Secret").inputs["metadata"]["name"] == "registry"


def test_an_existing_project_registers_nothing() -> None:
    (component,) = project(existing=True, quota={"cpu": "4"}).registrations
    assert component.outputs["namespace"] == "iris-team"


def test_in_a_namespace_of_somebody_elses_only_the_contents_are_registered() -> None:
    component, *inside = project(create_namespace=False, quota={"gpu": 1}, viewers={"users": ["ann"]}).registrations
    assert [item.type.rpartition(":")[2] for item in inside] == ["ResourceQuota", "Role", "RoleBinding"]
    assert component.outputs["namespace"] == "iris-team"


def test_policies_over_a_stack_find_the_quota_and_the_switch_among_the_outputs() -> None:
    outputs = project(enabled=False, quota={"cpu": "4", "max_deployments": 2}).one(PROJECT).outputs
    assert outputs == {
        "project": "iris-team",
        "environment": "dev",
        "enabled": False,
        "quota": {"cpu": "4", "maxDeployments": 2},
        "namespace": "iris-team",
    }


def versions(count: int, **settings: Any) -> Recording:
    def program() -> None:
        project = ModelProject("iris-team", team="fraud", stream="risk", **settings)
        for version in range(1, count + 1):
            CustomModelVersion(
                f"iris-{version}",
                model="iris",
                version=version,
                project=project,
                image="ghcr.io/team/iris:1",
                resource_request={"cpu_limit": "1", "memory_request": "1Gi", "min_replica": 1, "max_replica": 2},
            )

    return recorded(program)


def refused(count: int, **settings: Any) -> CaramlError:
    with pytest.raises(CaramlError) as caught:
        versions(count, **settings)
    return caught.value


def test_the_label_of_its_primehub_group_is_on_the_namespace_and_on_all_that_versions_are_made_of() -> None:
    made = [item.inputs["metadata"]["labels"] for item in versions(1, group="Irises").registrations if item.custom]
    assert [labels["primehub.io/group"] for labels in made] == ["escaped--49rises"] * 3
    assert "primehub.io/group" not in versions(1).one(NAMESPACE).inputs["metadata"]["labels"]


@pytest.mark.parametrize(("own", "pulled_with"), [({}, "registry"), ({"image_pull_secrets": ["own"]}, "own")])
def test_versions_pull_their_images_with_the_secrets_of_their_project(own: dict[str, Any], pulled_with: str) -> None:
    def program() -> None:
        project = ModelProject("iris-team", team="fraud", stream="risk", image_pull_secrets=["registry"])
        CustomModelVersion("iris-1", model="iris", version=1, project=project, image="ghcr.io/team/iris:1", **own)

    template = recorded(program).one(KNATIVE).inputs["spec"]["template"]
    assert template["spec"]["imagePullSecrets"] == [{"name": pulled_with}]


def test_versions_within_the_quota_are_deployed() -> None:
    exactly = {"cpu": "4", "memory": "8Gi", "max_deployments": 2}
    assert len(versions(2, quota=exactly).of_type("caraml:index:CustomModelVersion")) == 2


@pytest.mark.parametrize(
    ("quota", "what"),
    [
        ({"cpu": "3999m"}, "Group iris-team exceeded cpu quota: 3999m, requesting 4"),
        ({"memory": "7Gi"}, "Group iris-team exceeded memory quota: 7Gi, requesting 8Gi"),
        ({"max_deployments": 1}, "Group Maximum Deployments exceeded: iris-team"),
    ],
)
def test_the_version_that_exceeds_the_quota_is_refused(quota: dict[str, Any], what: str) -> None:
    versions(1, quota=quota)
    error = refused(2, quota=quota)
    assert what in error.what
    assert 'ModelProject "iris-team": quota.' in str(error)


def test_a_version_in_a_project_that_is_switched_off_is_refused() -> None:
    versions(0, enabled=False)
    assert "The model deployment is not enabled for the selected group: iris-team" in str(refused(1, enabled=False))
