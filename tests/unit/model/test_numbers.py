import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.numbers import LARGEST, whole_number


@pytest.mark.parametrize(
    ("value", "number"), [(0, 0), (-3, -3), (2.0, 2), (2.0**31 - 1, LARGEST), (-LARGEST, -LARGEST)]
)
def test_a_whole_number_may_come_as_a_float(value: float, number: int) -> None:
    taken = whole_number(value)
    assert taken == number
    assert type(taken) is int


@pytest.mark.parametrize("value", [1.5, float("inf"), float("nan"), "2", True, None, [1]])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(CaramlError, match="is not a whole number"):
        whole_number(value)


@pytest.mark.parametrize(
    ("value", "shown"), [(2**31, "2147483648"), (-(2**31), "-2147483648"), (10**400, r"1\.0+e\+400")]
)
def test_what_kubernetes_cannot_count_is_refused(value: int, shown: str) -> None:
    with pytest.raises(CaramlError, match=f"{shown} is more than Kubernetes can count"):
        whole_number(value)
