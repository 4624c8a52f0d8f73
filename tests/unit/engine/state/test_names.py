import pytest

from caraml_pulumi.engine.state.names import StackName, check_name
from caraml_pulumi.errors import CaramlError


@pytest.mark.parametrize("text", ["dev", "shop/dev", "organization/shop/dev"])
def test_a_stack_may_be_named_in_three_ways(text: str) -> None:
    assert StackName.parse(text, "shop") == StackName("shop", "dev")


def test_a_name_is_written_in_full() -> None:
    assert str(StackName("shop", "dev")) == "organization/shop/dev"


def test_the_project_in_the_name_counts_more_than_the_one_at_hand() -> None:
    assert StackName.parse("other/dev", "shop") == StackName("other", "dev")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "é", "a\n", "x" * 101])
def test_a_name_that_cannot_be_a_file_name_is_refused(name: str) -> None:
    with pytest.raises(CaramlError, match="cannot be the name of a stack"):
        check_name("stack", name)


@pytest.mark.parametrize("text", ["a/b/c/d", "../dev", "organization/../dev", "", "/"])
def test_a_malformed_name_is_refused(text: str) -> None:
    with pytest.raises(CaramlError):
        StackName.parse(text, "shop")


def test_another_organization_is_refused_by_name() -> None:
    with pytest.raises(CaramlError, match="'acme'"):
        StackName.parse("acme/shop/dev")


def test_a_stack_without_a_project_is_refused() -> None:
    with pytest.raises(CaramlError, match="does not say which project"):
        StackName.parse("dev")
