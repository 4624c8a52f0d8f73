import pytest

from policies.reading import MODEL_VERSION
from policies.resource import Resource
from policies.workloads import is_of_component, workloads

URN = "urn:pulumi:dev::shop::"


def resource(parent: str) -> Resource:
    return Resource(
        "kubernetes:apps/v1:Deployment", "iris-1", f"{URN}kubernetes:apps/v1:Deployment::iris-1", parent, {}
    )


@pytest.mark.parametrize(
    ("parent", "of_component"),
    [
        (f"{URN}caraml:index:CustomModelVersion::iris-1", True),
        (f"{URN}my:index:Team$caraml:index:ImageBuild::iris", True),
        (f"{URN}caraml:index:ModelProject$my:index:Sidecar::iris", False),
        (f"{URN}my:index:Team::caraml:index:CustomModelVersion", False),
        (f"{URN}pulumi:pulumi:Stack::shop-dev", False),
        ("", False),
    ],
)
def test_an_object_is_a_components_own_if_its_parent_is_one(parent: str, of_component: bool) -> None:
    assert is_of_component(resource(parent)) is of_component


def test_a_version_runs_a_model_and_maybe_a_transformer() -> None:
    alone = Resource(MODEL_VERSION, "iris-1", "", "", {"image": "iris:1", "transformer": None})
    both = Resource(MODEL_VERSION, "iris-1", "", "", {"image": "iris:1", "transformer": {"image": "transformer:1"}})
    assert [(found.path, found.props["image"]) for found in workloads(alone)] == [((), "iris:1")]
    assert [(found.path, found.props["image"]) for found in workloads(both)] == [
        ((), "iris:1"),
        (("transformer",), "transformer:1"),
    ]
