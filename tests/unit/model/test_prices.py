import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.prices import Prices, monthly, parse_prices
from caraml_pulumi.model.spec import dotted

PRICES: dict[str, Any] = {"currency": "EUR", "cpuPerHour": 0.04, "memoryGiBPerHour": 0.005}


def test_prices_are_read_as_a_stack_configures_them() -> None:
    prices = parse_prices({**PRICES, "gpuPerHour": {"nvidia.com/gpu": 2.5}}, locate=dotted)
    assert prices.gpu("nvidia.com/gpu") == Decimal("2.5")
    assert prices.gpu("amd.com/gpu") is None
    assert parse_prices({**PRICES, "gpuPerHour": 1}, locate=dotted).gpu("amd.com/gpu") == 1


@pytest.mark.parametrize(
    ("wrong", "where", "says"),
    [
        ({"currency": "euro"}, "currency", '"euro" is not the code of a currency'),
        ({"cpuPerHour": -1}, "cpuPerHour", "`cpuPerHour` cannot be -1"),
        ({"cpuPerHour": "dear"}, "cpuPerHour", "`cpuPerHour` must be a number"),
        ({"gpuPerHours": 1}, "gpuPerHours", "unknown field `gpuPerHours`"),
        ({"gpuPerHour": {"nvidia.com/gpu": -1}}, "gpuPerHour.nvidia.com/gpu", "cannot be -1"),
        ({"gpuPerHour": {"nvidia.com/gpu": "dear"}}, "gpuPerHour.nvidia.com/gpu", "must be a number"),
        ({"gpuPerHour": -1}, "gpuPerHour.all", "cannot be -1"),
        ({"gpuPerHour": {"gpu": 1}}, "gpuPerHour.gpu", "gpu"),
    ],
)
def test_a_wrong_price_is_refused_where_it_is(wrong: dict[str, Any], where: str, says: str) -> None:
    with pytest.raises(CaramlError) as caught:
        parse_prices({**PRICES, **wrong}, locate=dotted)
    assert (caught.value.where, says in caught.value.what) == (where, True)


def test_the_prices_that_there_may_be_are_told_as_they_are_written() -> None:
    with pytest.raises(CaramlError) as caught:
        parse_prices({**PRICES, "memoryGiBsPerHour": 1}, locate=dotted)
    assert caught.value.allowed == "cpuPerHour, currency, gpuPerHour, memoryGiBPerHour"


def test_a_price_that_is_missing_is_named() -> None:
    with pytest.raises(CaramlError, match="`memoryGiBPerHour` is missing"):
        parse_prices({"currency": "EUR", "cpuPerHour": 1}, locate=dotted)


def test_the_example_of_the_documentation_is_right() -> None:
    page = (Path(__file__).parents[3] / "docs/review.md").read_text()
    [example] = [text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "caraml:prices" in text]
    prices = parse_prices(yaml.safe_load(example)["config"]["caraml:prices"], locate=dotted)
    assert prices.gpu("nvidia.com/gpu") == Decimal("2.5")


def test_a_replica_costs_what_it_reserves() -> None:
    prices = Prices(currency="EUR", cpu_per_hour=0.04, memory_gib_per_hour=0.005, gpu_per_hour={"all": 2})
    assert prices.hourly("500m", "2Gi", {}) == Decimal("0.03")
    assert prices.hourly("0", "0", {"nvidia.com/gpu": 2}) == 4


@given(st.decimals(0, 10_000, places=6))
def test_a_month_is_730_hours_to_the_cent(hourly: Decimal) -> None:
    assert abs(Decimal(monthly(hourly)) - hourly * 730) <= Decimal("0.005")
