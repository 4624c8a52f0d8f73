import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.group import group_label, group_name
from caraml_pulumi.model.labels import label_value


@pytest.mark.parametrize(
    ("group", "value"),
    [
        ("phusers", "escaped-phusers"),
        ("iris-team", "escaped-iris-2dteam"),
        ("Data Science", "escaped--44ata-20-53cience"),
        ("ä", "escaped--c3-a4"),
    ],
)
def test_a_group_is_escaped_as_primehub_does(group: str, value: str) -> None:
    assert group_label(group) == {"primehub.io/group": value}


def test_a_group_that_is_too_long_as_a_label_is_refused() -> None:
    assert group_name("a" * 55)
    with pytest.raises(CaramlError, match="is too long for a label"):
        group_name("a" * 54 + "-")


groups = st.text(st.characters(), min_size=1, max_size=4)  # of at most four bytes each


@given(groups, groups)
def test_every_group_has_a_label_of_its_own(one: str, other: str) -> None:
    values = [next(iter(group_label(group).values())) for group in (one, other)]
    assert [label_value(value) for value in values] == values
    assert (values[0] == values[1]) == (one == other)
