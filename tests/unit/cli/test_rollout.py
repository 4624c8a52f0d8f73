"""The options of `caraml rollout`."""

import pytest

from caraml_pulumi.cli.rollout import finite, parse_seconds
from caraml_pulumi.errors import USAGE, CaramlError


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("1.5 h", 5400), (" 1s ", 1)])
def test_a_pause_is_a_number_of_seconds_minutes_or_hours(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "5", "90", "0.5s", "-5m", "5d", "five", "5m30s", "1e3", "inf", "nan"])
def test_anything_else_is_no_pause(text: str) -> None:
    with pytest.raises(CaramlError, match="is no time to pause") as error:
        parse_seconds(text)
    assert (error.value.where, error.value.exit_code) == ("--pause", USAGE)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_limit_that_nothing_exceeds_is_none(value: float) -> None:
    with pytest.raises(CaramlError, match="is no limit"):
        finite(value)
    assert (finite(0.0), finite(None)) == (0.0, None)
