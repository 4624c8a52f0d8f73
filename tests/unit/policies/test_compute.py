import pytest

from caraml_pulumi.errors import CaramlError
from policies.compute import Ceilings, LimitRule, amount, ceilings, limit_rule, limited, requested
from tests.unit.policies.configured import stack_platform

PLATFORM = {"maxCpu": "4", "limits": {"cpuFactor": 2, "defaultCpu": "6", "memoryFactor": 1.5}}


@pytest.mark.parametrize(
    ("value", "text"), [("500m", "500m"), (2.0, "2"), (0.25, "0.25"), (1073741824.0, "1073741824"), (None, None)]
)
def test_an_amount_is_read_as_it_was_written(value: object, text: str | None) -> None:
    assert amount(value) == text


def test_a_container_asks_for_its_limit_where_it_has_no_request() -> None:
    container = {"resources": {"requests": {"cpu": 1.0}, "limits": {"cpu": "2", "memory": "1Gi"}}}
    assert (requested(container, "cpu"), limited(container, "cpu")) == ("1", "2")
    assert (requested(container, "memory"), requested({}, "cpu"), limited({}, "cpu")) == ("1Gi", None, None)


def test_settings_come_before_the_stacks_platform() -> None:
    assert (ceilings({}), limit_rule({})) == (Ceilings(None, None), LimitRule(None, "8", None, None))
    with stack_platform(**PLATFORM):
        assert ceilings({"maxMemory": "8Gi"}) == Ceilings("4", "8Gi")
        assert limit_rule({}) == LimitRule(2, "6", 1.5, "4")
        assert limit_rule({"cpuFactor": 0.0, "memoryFactor": 0, "maxCpu": "1"}) == LimitRule(0, "6", 0, "1")


@pytest.mark.parametrize("value", [True, [1.0], {"cpu": "1"}])
def test_an_amount_is_a_text_or_a_number(value: object) -> None:
    with pytest.raises(TypeError):
        amount(value)


@pytest.mark.parametrize("name", ["maxCpu", "maxMemory"])
def test_a_setting_that_is_no_quantity_is_named(name: str) -> None:
    with pytest.raises(CaramlError, match=f'the setting {name} of the rule: "much" is not a quantity'):
        ceilings({name: "much"})
