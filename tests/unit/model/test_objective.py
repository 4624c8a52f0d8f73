import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.objective import WINDOWS, Objective, ObjectiveSpec, burn_rates, decided_objective
from caraml_pulumi.model.spec import parse


def test_thirty_days_have_the_factors_of_the_workbook() -> None:
    found = [(burn.long, burn.short, burn.factor, burn.severity.value) for burn in burn_rates(Objective())]
    assert found == [
        ("1h", "5m", 14.4, "critical"),
        ("6h", "30m", 6, "critical"),
        ("1d", "2h", 3, "warning"),
        ("3d", "6h", 1, "warning"),
    ]
    assert [burn.threshold for burn in burn_rates(Objective(availability=99.9))] == [0.0144, 0.006, 0.003, 0.001]


@given(availability=st.floats(0.1, 99.999), days=st.integers(1, 90))
def test_every_alert_can_fire_and_is_faster_than_the_budget_lasts(availability: float, days: int) -> None:
    for burn in burn_rates(Objective(availability=availability, window_days=days)):
        assert 0 < burn.threshold < 1
        assert burn.factor >= 1
        assert {burn.long, burn.short} <= set(WINDOWS)


@pytest.mark.parametrize(("name", "value"), [("availability", 100), ("availability", 0.999), ("windowDays", 0)])
def test_an_objective_that_nothing_can_hold_or_break_is_refused(name: str, value: float) -> None:
    with pytest.raises(CaramlError, match=f"`{name}` cannot be {value}"):
        parse(ObjectiveSpec, {name: value})


def test_what_is_said_last_decides_property_by_property_however_it_is_passed_on() -> None:
    of_platform = parse(ObjectiveSpec, {"windowDays": 7})
    of_model = parse(ObjectiveSpec, parse(ObjectiveSpec, {"availability": 99.9}).props())
    assert decided_objective(of_platform, of_model) == Objective(99.9, 7)
    assert decided_objective(of_platform, None) == Objective(99.5, 7)
    assert decided_objective(parse(ObjectiveSpec, {"enabled": False}), of_model) is None
    assert decided_objective(parse(ObjectiveSpec, {"enabled": False}), parse(ObjectiveSpec, {"enabled": True}))
