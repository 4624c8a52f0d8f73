"""The project that a model is promoted to."""

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.promotion.projects import target_project


def found(source: str, *projects: str, asked: str | None = None) -> str:
    return target_project(source, asked, projects, source_environment="dev", target_environment="staging")


def test_the_project_of_the_same_name_comes_before_that_of_the_other_environment() -> None:
    assert found("iris", "iris", "shop") == "iris"
    assert found("iris-dev", "iris-dev", "iris-staging") == "iris-dev"
    assert found("iris-dev", "iris-staging") == "iris-staging"
    assert found("iris", "iris", "shop", asked="shop") == "shop"


@pytest.mark.parametrize("asked", [None, "elsewhere"])
def test_a_project_that_is_not_there_is_refused_with_those_that_are(asked: str | None) -> None:
    with pytest.raises(CaramlError, match="staging has no project") as error:
        found("developers", "shop", asked=asked)
    assert error.value.allowed == "shop"
