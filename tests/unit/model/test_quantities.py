from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.quantities import bytes_of_memory, parse_quantity, quantity, scaled

SUFFIXES = ["n", "u", "m", "", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "E2", "e-3"]
quantities = st.builds(
    lambda number, suffix: f"{number}{suffix}",
    st.one_of(
        st.integers(0, 9999).map(str),
        st.decimals(0, 999, places=3, allow_nan=False, allow_infinity=False).map(lambda number: f"{number:f}"),
    ),
    st.sampled_from(SUFFIXES),
).filter(lambda text: not (text.endswith("n") and "." in text))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("0Gi", "0"),
        ("5n", "5n"),
        ("100u", "100u"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("5.", "5"),
        ("+1", "1"),
        ("1000m", "1"),
        ("1000k", "1M"),
        ("1E", "1E"),
        ("1E3", "1e3"),
        ("12e-1", "1200e-3"),
        ("1024", "1024"),
        ("1024Ki", "1Mi"),
        ("1.5Gi", "1536Mi"),
        ("1.1Ki", "1126400m"),
        ("512Ki", "512Ki"),
        (1, "1"),
        (0.25, "250m"),
    ],
)
def test_a_quantity_has_the_canonical_form_that_kubernetes_gives_it(text: str | float, canonical: str) -> None:
    assert str(parse_quantity(text)) == canonical


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "1K", "1mi", "Gi", "1e", "--1", "1,5", "1GiB", "½", "1e1.5", True, "nan", []]
)
def test_what_is_not_a_quantity_is_refused_with_an_example(text: Any) -> None:
    with pytest.raises(CaramlError, match="is not a quantity") as caught:
        parse_quantity(text)
    assert "500m" in caught.value.allowed


@pytest.mark.parametrize("text", ["9223372036854775808", "8Ei", "1e999999999", "0.1n", "1e-10"])
def test_an_amount_that_kubernetes_would_change_is_refused(text: str) -> None:
    with pytest.raises(CaramlError, match="too large or too fine"):
        parse_quantity(text)


def test_a_negative_amount_is_refused() -> None:
    with pytest.raises(CaramlError, match='"-1" is negative'):
        quantity("-1")


@pytest.mark.parametrize("text", ["1n", "1500u", "0.5m", "0.0001"])
def test_an_amount_of_a_resource_that_the_api_server_would_round_is_refused(text: str) -> None:
    with pytest.raises(CaramlError, match="too fine for a resource"):
        quantity(text)


@given(quantities)
def test_the_canonical_form_is_the_same_amount_and_its_own_canonical_form(text: str) -> None:
    canonical = str(parse_quantity(text))
    assert parse_quantity(canonical) == parse_quantity(text)
    assert str(parse_quantity(canonical)) == canonical
    assert "." not in canonical


@given(quantities, quantities)
def test_quantities_compare_by_amount_whatever_their_suffix(left: str, right: str) -> None:
    one, other = parse_quantity(left), parse_quantity(right)
    assert (one < other) == (one.value < other.value)
    assert (one == other) == (one.value == other.value)


@pytest.mark.parametrize(
    ("text", "factor", "result"),
    [("250m", 1.25, "312m"), ("500Mi", 2, "1000Mi"), ("1", 0.1, "100m"), ("100m", 0.001, "0"), ("1Gi", 1.5, "1536Mi")],
)
def test_scaling_truncates_to_thousandths_as_merlin_does(text: str, factor: float, result: str) -> None:
    assert scaled(text, factor) == result


@given(st.integers(1, 10**6), st.decimals(Decimal("0.1"), 10, places=2))
def test_scaling_never_exceeds_the_exact_product_and_misses_it_by_less_than_a_step(milli: int, factor: Decimal) -> None:
    exact = Decimal(milli) / 1000 * factor
    result = parse_quantity(scaled(f"{milli}m", float(factor))).value
    assert result <= exact < result + Decimal("0.001")


@pytest.mark.parametrize("factor", [1e18, 1e300])
def test_what_is_too_large_once_scaled_is_refused(factor: float) -> None:
    with pytest.raises(CaramlError, match=r"500Mi times .* is too large"):
        scaled("500Mi", factor)


def test_memory_is_scaled_to_whole_bytes() -> None:
    assert scaled("333", 1.5, step="1") == "499"


@pytest.mark.parametrize("text", ["128Mi", "1G", "0.5Gi", "1e9", 333333333, "1000m"])
def test_memory_is_whole_bytes(text: str | int) -> None:
    assert parse_quantity(bytes_of_memory(text)) == parse_quantity(text)


@pytest.mark.parametrize("text", ["128m", "0.5", "1500m"])
def test_parts_of_a_byte_are_no_memory(text: str) -> None:
    with pytest.raises(CaramlError, match="not whole bytes") as caught:
        bytes_of_memory(text)
    assert caught.value.fix == f"did you mean {text.removesuffix('m')}Mi?"
