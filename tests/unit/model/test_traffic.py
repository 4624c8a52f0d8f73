import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import traffic
from tests.unit.model.builders import endpoint


def test_two_deployed_versions_are_allowed_and_a_third_is_refused() -> None:
    traffic.at_most_two_deployed_versions([1, 2, 2], model="iris", environment="dev")
    with pytest.raises(CaramlError) as caught:
        traffic.at_most_two_deployed_versions([3, 1, 2], model="iris", environment="dev")
    assert caught.value.what == '3 versions of model "iris" would be deployed in environment "dev": 1, 2, 3'
    assert "remove a version" in caught.value.fix


@given(st.integers(0, 100))
def test_any_two_percentages_that_make_a_whole_are_accepted(weight: int) -> None:
    plan = endpoint([{"version": 1, "weight": weight}, {"version": 2, "weight": 100 - weight}])
    assert sum(share.weight for share in plan.shares) == 100


@given(st.lists(st.integers(-50, 150), min_size=1, max_size=2).filter(lambda weights: sum(weights) != 100))
def test_weights_that_do_not_make_a_whole_are_refused(weights: list[int]) -> None:
    with pytest.raises(CaramlError, match="weight"):
        traffic.weights_sum_to_100(weights)


def test_a_negative_weight_is_refused_even_if_the_sum_is_right() -> None:
    with pytest.raises(CaramlError, match="weight -10 is not a percentage"):
        traffic.weights_sum_to_100([110, -10][::-1])


@pytest.mark.parametrize(
    ("shares", "message", "where"),
    [
        ([(1, 60), (2, 30)], "the weights sum to 90: 60 \\+ 30", "traffic"),
        ([(1, 50), (1, 50)], "version 1 is in the traffic twice", "traffic"),
        ([(1, 40), (2, 40), (3, 20)], "3 versions of model", "traffic"),
        ([(0, 100)], "version 0 is not a version", "traffic[0].version"),
        ([], "`traffic` is empty", "traffic"),
    ],
)
def test_an_endpoint_that_breaks_a_rule_is_refused(shares: list[tuple[int, int]], message: str, where: str) -> None:
    with pytest.raises(CaramlError, match=message) as caught:
        endpoint([{"version": version, "weight": weight} for version, weight in shares])
    assert caught.value.where == where


def test_an_endpoint_knows_the_host_of_each_version_and_its_own() -> None:
    plan = endpoint([{"version": 1, "weight": 100}])
    assert plan.shares[0].host == "iris-1.iris-team.models.example.com"
    assert plan.url == "http://iris.iris-team.models.example.com/v1/predict"
