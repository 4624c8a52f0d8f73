from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import traffic
from tests.unit.model.builders import endpoint, version


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


ALL = [{"version": 1, "weight": 100}]
GOLD = {"headers": {"x-tier": {"exact": "gold"}}, "traffic": ALL}


@pytest.mark.parametrize(
    ("settings", "message", "where"),
    [
        ({"matches": [GOLD, GOLD]}, "match 2 is for the same requests as match 1", "matches[1]"),
        (
            {"matches": [{**GOLD, "headers": {"X-Tier": {"exact": "a"}, "x-tier": {"exact": "b"}}}]},
            "header x-tier is given twice",
            "matches[0].headers",
        ),
        (
            {"matches": [{**GOLD, "headers": {"Host": {"exact": "a"}}}]},
            "gateways do not match the header host",
            "matches[0].headers.Host",
        ),
        (
            {"timeoutSeconds": 5, "retries": {"attempts": 2, "perTryTimeoutSeconds": 10}},
            "one try may take 10 s, and the request with all its tries 5 s",
            "retries.perTryTimeoutSeconds",
        ),
        ({"maxRequestSize": "0Mi"}, "no request has 0 bytes", "maxRequestSize"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(settings: dict[str, Any], message: str, where: str) -> None:
    with pytest.raises(CaramlError, match=message) as caught:
        endpoint(ALL, **settings)
    assert caught.value.where == where


@pytest.mark.parametrize("clients", ["a:hunter2secret", ["a:hunter2secret"], [{"name": "a", "token": 12345678}]])
def test_clients_that_are_written_wrongly_are_refused_without_showing_a_token(clients: object) -> None:
    with pytest.raises(CaramlError) as caught:
        endpoint(ALL, access={"type": "private", "clients": clients})
    assert caught.value.where.startswith("access.clients")
    assert "hunter2" not in str(caught.value)
    assert "12345678" not in str(caught.value)


def test_a_mode_that_is_not_the_versions_own_is_refused() -> None:
    raw = version(deploymentMode="RAW_DEPLOYMENT")
    with pytest.raises(CaramlError, match="deployed as RAW_DEPLOYMENT, not as SERVERLESS") as caught:
        endpoint([{**ALL[0], "deploymentMode": "SERVERLESS"}], versions=[raw])
    assert caught.value.where == "traffic[0].deploymentMode"
    endpoint([{**ALL[0], "deploymentMode": "RAW_DEPLOYMENT"}], versions=[raw])


def test_an_endpoint_knows_the_host_of_each_version_and_its_own() -> None:
    plan = endpoint([{"version": 1, "weight": 100}])
    assert plan.shares[0].host == "iris-1.iris-team.models.example.com"
    assert plan.url == "http://iris.iris-team.models.example.com/v1/predict"


@pytest.mark.parametrize("weights", [[33.5, 66.5], [0.5, 99.5]])
def test_weights_are_whole_and_whole_ones_may_come_as_floats(weights: list[float]) -> None:
    traffic.weights_sum_to_100([90.0, 10.0])
    with pytest.raises(CaramlError, match="is not a percentage"):
        traffic.weights_sum_to_100(weights)


@pytest.mark.parametrize(("weight", "total", "share"), [("100", "100", True), ("101", "100", False), ("5", "x", True)])
def test_the_weight_of_a_canary_is_counted_to_its_total(weight: str, total: str, share: bool) -> None:
    if share:
        traffic.canary_weight_within(weight, total)
    else:
        with pytest.raises(CaramlError, match=f'canary weight "{weight}" is no share of the requests'):
            traffic.canary_weight_within(weight, total)


def test_a_version_must_be_deployed_and_a_backend_must_be_there() -> None:
    traffic.version_exists(1, {1, 2}, model="iris", project="iris-team")
    traffic.backend_exists("Service", "iris-1", {"iris-1"}, namespace="iris-team")
    with pytest.raises(CaramlError, match='traffic goes to version 3 of model "iris" in iris-team') as raised:
        traffic.version_exists(3, {2, 1}, model="iris", project="iris-team")
    assert raised.value.allowed == "versions that are deployed: 1, 2"
    with pytest.raises(CaramlError, match='requests go to the Service "iris-3" in iris-team'):
        traffic.backend_exists("Service", "iris-3", {"iris-1"}, namespace="iris-team")


def test_copies_go_to_what_does_not_answer() -> None:
    traffic.copies_are_apart("b", ["a"])
    with pytest.raises(CaramlError, match="a answers the requests already"):
        traffic.copies_are_apart("a", ["a"])
