import pytest

from caraml_pulumi import CaramlError, ModelProject
from tests.unit.components.programs import NAMESPACE, recorded


def test_a_project_is_a_namespace_of_its_name() -> None:
    recording = recorded(lambda: ModelProject("iris-team", team="fraud", stream="risk"))
    project, namespace = recording.registrations
    assert (namespace.type, namespace.parent) == (NAMESPACE, project.urn)
    assert namespace.inputs["metadata"]["name"] == "iris-team"
    assert project.outputs == {"namespace": "iris-team"}


def test_a_project_may_be_named_apart_from_its_component() -> None:
    recording = recorded(lambda: ModelProject("main", project="iris-team", team="fraud", stream="risk"))
    assert recording.one(NAMESPACE, "main").inputs["metadata"]["name"] == "iris-team"


def test_a_project_without_a_team_is_refused() -> None:
    with pytest.raises(CaramlError, match="`team` is missing"):
        recorded(lambda: ModelProject("iris-team", {"stream": "risk"}))  # type: ignore[call-overload]
