import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.quantities import parse_quantity
from caraml_pulumi.model.resources import (
    amount_is_requested,
    amount_within_ceiling,
    cpu_limit,
    cpu_limit_by_rule,
    limit_by_factor,
    limit_is_set,
    memory_limit,
)

milli = st.integers(1, 64_000).map(lambda count: f"{count}m")
factors = st.floats(1, 16)


@pytest.mark.parametrize(
    ("amount", "said"), [(None, "cpuRequest is missing"), ("0", "cpuRequest is 0"), ("-1", "cpuRequest is -1")]
)
def test_a_request_of_nothing_is_refused(amount: str | None, said: str) -> None:
    with pytest.raises(CaramlError, match=said):
        amount_is_requested("cpuRequest", amount)
    amount_is_requested("cpuRequest", "1m")


def test_an_amount_is_compared_with_its_ceiling_exactly() -> None:
    amount_within_ceiling("cpuRequest", "7500m", "7.5", "maxCpu")
    amount_within_ceiling("cpuRequest", "9999", None, "maxCpu")
    with pytest.raises(CaramlError) as caught:
        amount_within_ceiling("cpuRequest", "7501m", "7.5", "maxCpu")
    assert caught.value.allowed == "at most 7.5 (maxCpu)"


@given(request=milli, factor=factors)
def test_the_limits_that_the_platforms_rule_gives_are_within_it(request: str, factor: float) -> None:
    cpu = cpu_limit(request, explicit=None, factor=factor, default="8")
    limit_by_factor("CPU", request, cpu, factor=factor)
    cpu_limit_by_rule(request, cpu, factor=factor, default="8", ceiling="1m")
    memory = f"{parse_quantity(request).value * 1000}Mi"
    limit = memory_limit(memory, factor=factor)
    assert limit is not None
    limit_by_factor("memory", memory, limit, factor=factor)


def test_a_limit_above_the_factor_is_refused_unless_a_ceiling_allows_it() -> None:
    limit_by_factor("CPU", "1", "3", factor=0)
    limit_by_factor("CPU", "1", "3", factor=2, ceiling="3")
    with pytest.raises(CaramlError, match="the CPU limit 3 is more than 2 x the request 1") as caught:
        limit_by_factor("CPU", "1", "3", factor=2, ceiling="1")
    assert caught.value.allowed == "at most 2"


def test_a_limit_that_is_missing_is_refused() -> None:
    limit_is_set("memory", "1Gi")
    with pytest.raises(CaramlError, match="there is no memory limit"):
        limit_is_set("memory", None)
