"""Another version of a model: its number, its settings, and its part of the requests."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.scaffold.releases import next_version, with_version


def release(*weights: tuple[int, int], **version: Any) -> dict[str, Any]:
    return {
        "model": "ranker",
        "project": "ranking",
        "versions": [{"version": number, "image": f"ranker:{number}", **version} for number, _ in weights],
        "endpoint": {"traffic": [{"version": number, "weight": weight} for number, weight in weights if weight]},
    }


def weights(document: dict[str, Any]) -> dict[int, int]:
    return {share["version"]: share["weight"] for share in document["endpoint"]["traffic"]}


def test_a_version_has_the_settings_of_the_newest_and_no_requests_yet() -> None:
    before = release((1, 100), deploymentMode="RAW_DEPLOYMENT", revision=3)
    after = with_version(before, next_version(before), "ranker:new")
    assert after["versions"][1] == {"version": 2, "image": "ranker:new", "deploymentMode": "RAW_DEPLOYMENT"}
    assert weights(after) == {1: 100}
    assert before == release((1, 100), deploymentMode="RAW_DEPLOYMENT", revision=3)


def test_a_weight_is_taken_from_the_others_in_their_proportions() -> None:
    assert weights(with_version(release((1, 100)), 2, "ranker:2", weight=10)) == {1: 90, 2: 10}
    assert weights(with_version(release((1, 60), (2, 40)), 3, "ranker:3", weight=50, replace=2)) == {1: 50, 3: 50}
    assert weights(with_version(release((1, 100)), 2, "ranker:2", weight=100)) == {2: 100}


def test_a_version_that_replaces_another_gets_its_requests() -> None:
    after = with_version(release((1, 90), (2, 10)), 3, "ranker:3", replace=2)
    assert [version["version"] for version in after["versions"]] == [1, 3]
    assert weights(after) == {1: 90, 3: 10}


def test_a_third_deployed_version_is_refused_with_the_one_that_may_go() -> None:
    with pytest.raises(CaramlError) as error:
        with_version(release((1, 50), (2, 50)), 3, "ranker:3")
    assert error.value.fix == "name the one that goes: --replace 1"


def test_a_stopped_version_is_not_counted_and_passes_its_stop_not_on() -> None:
    before = release((1, 100), (2, 0))
    before["versions"][1]["stopped"] = True
    after = with_version(before, 3, "ranker:3")
    assert [version.get("stopped") for version in after["versions"]] == [None, True, None]


@pytest.mark.parametrize(
    ("number", "options", "said"),
    [
        (1, {}, "version 1 of ranker is there already"),
        (2, {"replace": 7}, "no version 7 to replace"),
        (2, {"replace": 1, "weight": 40}, "60 percent of the requests would go to no version"),
    ],
)
def test_what_cannot_be_is_said(number: int, options: dict[str, int], said: str) -> None:
    with pytest.raises(CaramlError, match=said):
        with_version(release((1, 100)), number, "ranker:2", **options)


def test_a_weight_needs_an_endpoint() -> None:
    bare = release((1, 100))
    del bare["endpoint"]
    assert "endpoint" not in with_version(bare, 2, "ranker:2")
    with pytest.raises(CaramlError, match="has no endpoint"):
        with_version(bare, 2, "ranker:2", weight=5)


@given(parts=st.lists(st.integers(1, 50), min_size=1, max_size=6), weight=st.integers(0, 100), stopped=st.just(True))
def test_the_weights_sum_to_100_whatever_they_were(parts: list[int], weight: int, stopped: bool) -> None:
    total = sum(parts)
    shares = [100 * part // total for part in parts]
    shares[0] += 100 - sum(shares)
    before = release(*enumerate(shares, start=1), stopped=stopped)
    after = weights(with_version(before, 99, "ranker:99", weight=weight))
    assert sum(after.values()) == 100
    assert after.get(99, 0) == weight
    assert all(share > 0 for share in after.values())
