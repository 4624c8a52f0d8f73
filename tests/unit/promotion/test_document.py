"""The release of an environment after a promotion."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.promotion.document import Choice, Environments, own_settings, promoted_release
from tests.unit.promotion.releases import Data, release, releases, spec, version


def promoted(
    source: Data, target: Data | None = None, base: Data | None = None, number: int | None = None, weight: Any = None
) -> Data:
    choice = Choice(number, weight)
    numbers = choice.numbers(spec(source), "dev")
    return promoted_release(Environments(source, target, base, "dev", "staging", "iris-team"), numbers, choice)


def traffic(document: Data) -> dict[int, int]:
    return {share["version"]: share["weight"] for share in document["endpoint"]["traffic"]}


def numbers(document: Data) -> list[int]:
    return [one["version"] for one in document["versions"]]


def test_a_first_promotion_brings_what_answers_requests_with_its_weights() -> None:
    source = release(version(1), version(2), traffic={1: 90, 2: 10})
    assert promoted(source) == source
    idle = release(version(1), version(2), traffic={2: 100})
    assert promoted(idle) == release(version(2), traffic={2: 100})
    without = release(version(1), version(2, stopped=True))
    assert promoted(without) == release(version(1))


def test_the_version_that_answered_before_stays_without_requests_until_the_next_promotion() -> None:
    first = promoted(release(version(2), traffic={2: 100}), release(version(1), traffic={1: 100}))
    assert (numbers(first), traffic(first)) == ([1, 2], {2: 100})
    second = promoted(release(version(3), traffic={3: 100}), first)
    assert (numbers(second), traffic(second)) == ([2, 3], {3: 100})


def test_a_version_joins_without_requests_unless_it_is_the_first_or_has_a_weight() -> None:
    source = release(version(2), version(3), traffic={2: 90, 3: 10})
    target = release(version(1), traffic={1: 100})
    assert promoted(source, None, number=3) == release(version(3), traffic={3: 100})
    assert promoted(source, target, number=3) == release(version(1), version(3), traffic={1: 100})
    assert traffic(promoted(source, target, number=3, weight=10)) == {1: 90, 3: 10}
    assert traffic(promoted(source, target, number=3, weight=100)) == {3: 100}
    both = release(version(1), version(3), traffic={1: 90, 3: 10})
    assert traffic(promoted(source, both, number=3)) == {1: 90, 3: 10}
    assert traffic(promoted(source, both, number=3, weight=50)) == {1: 50, 3: 50}
    with pytest.raises(CaramlError, match="no other version has the rest"):
        promoted(source, release(version(3), traffic={3: 100}), number=3, weight=50)


def test_a_third_deployed_version_is_refused_where_two_answer() -> None:
    target = release(version(1), version(2), traffic={1: 50, 2: 50})
    with pytest.raises(CaramlError, match=r"no room for version 3 .*: in use are versions 1 and 2") as error:
        promoted(release(version(3), traffic={3: 100}), target, number=3)
    assert error.value.fix.startswith("end the rollout in staging first")
    stopped = release(version(1, stopped=True), version(2), traffic={2: 100})
    assert numbers(promoted(release(version(3), traffic={3: 100}), stopped)) == [1, 2, 3]


def test_without_an_endpoint_no_version_that_runs_is_taken_out_for_another() -> None:
    target = release(version(1), version(2))
    assert numbers(promoted(release(version(2)), release(version(1)))) == [1, 2]
    with pytest.raises(CaramlError, match=r"no room for version 3 .*: in use are versions 1 and 2"):
        promoted(release(version(3)), target)


def test_a_version_that_is_stopped_in_the_target_counts_once_it_is_promoted() -> None:
    target = release(version(1), version(2), version(3, stopped=True), traffic={1: 50, 2: 50})
    with pytest.raises(CaramlError, match="no room for version 3"):
        promoted(release(version(3), traffic={3: 100}), target, number=3)


def test_an_environment_that_is_ahead_is_not_taken_back() -> None:
    target = release(version(3), traffic={3: 100})
    with pytest.raises(CaramlError, match="staging serves version 3 of iris-team/iris, which is newer than version 2"):
        promoted(release(version(2), traffic={2: 100}), target)
    assert numbers(promoted(release(version(2)), target, number=2)) == [2, 3]


@pytest.mark.parametrize(("number", "said"), [(7, "version 7"), (2, "version 2")])
def test_a_version_that_is_not_deployed_is_refused(number: int, said: str) -> None:
    source = release(version(1), version(2, stopped=True), traffic={1: 100})
    with pytest.raises(CaramlError, match=f"{said} of iris-team/iris is not deployed in dev") as error:
        promoted(source, number=number)
    assert error.value.allowed == "version 1"


def test_a_new_version_is_deployed_like_the_one_that_is_in_use() -> None:
    request = {"maxReplica": 9, "cpuRequest": "2"}
    target = release(
        version(1, resourceRequest={"cpuRequest": "1"}),
        version(2, resourceRequest=request, revision=4),
        traffic={2: 100},
    )
    made = promoted(release(version(3, resourceRequest={"cpuRequest": "100m"}), traffic={3: 100}), target)
    assert made["versions"][1] == version(3, resourceRequest=request)
    same = promoted(release(version(2), traffic={2: 100}), target)
    assert same["versions"][1] == version(2, resourceRequest=request, revision=4)


def test_a_mirror_and_matches_that_lead_elsewhere_stay_behind() -> None:
    matches = [{"headers": {"x-canary": {"exact": "1"}}, "traffic": [{"version": 2, "weight": 100}]}]
    source = release(version(1), version(2), traffic={1: 100}, endpoint={"matches": matches})
    assert promoted(source)["endpoint"]["matches"] == matches
    assert "matches" not in promoted(source, number=1)["endpoint"]
    mirrored = release(version(1), version(2), traffic={1: 100}, endpoint={"mirror": {"version": 2}})
    assert promoted(mirrored) == release(version(1), traffic={1: 100})


def test_what_the_environment_says_itself_is_listed_by_name_and_not_by_value() -> None:
    source = release(version(2, env={"TOKEN": "a"}, resourceRequest={"maxReplica": 3}), traffic={2: 100})
    target = release(version(2, env={"TOKEN": "b"}), traffic={2: 100})
    assert own_settings(source, promoted(source, target), [2]) == [
        "versions[2].env.TOKEN",
        "versions[2].resourceRequest.maxReplica",
    ]


@settings(deadline=None)
@given(releases(), st.none() | releases(), st.none() | releases(), st.booleans())
def test_promoting_is_idempotent_keeps_the_rules_and_changes_no_digest_on_the_way(
    source: Data, target: Data | None, base: Data | None, alone: bool
) -> None:
    number = source["versions"][0]["version"] if alone else None
    try:
        once = promoted(source, target, base, number)
    except CaramlError:
        assume(False)
    spec(once)
    assert promoted(source, once, source, number) == once
    coming = {one["version"]: one for one in source["versions"]}
    for one in once["versions"]:
        if number in (None, one["version"]) and one["version"] in coming:
            assert one["image"] == coming[one["version"]]["image"]
            assert one.get("storageUri") == coming[one["version"]].get("storageUri")
