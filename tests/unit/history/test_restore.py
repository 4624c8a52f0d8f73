import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.history.models import ModelState
from caraml_pulumi.history.restore import keeping, last_other, leaving, recorded_release, returning, spans
from tests.unit.history.records import IRIS, Recorder, deployed, release, state


def iris(image: str, weights: dict[int, int] | None = None) -> list[dict[str, object]]:
    return deployed({1: image}, weights or {1: 100})


def current(made: Recorder) -> ModelState | None:
    history = made.history()
    return history.models(history.number("latest")).get(IRIS)


def test_without_a_number_it_goes_to_the_last_that_succeeded_and_left_another_release() -> None:
    made = Recorder()
    made.add(iris("a"))
    made.add(iris("b"))
    made.add(iris("c"), "failed")
    made.add(iris("d"))
    made.add(iris("d"))
    assert last_other(made.history(), IRIS, current(made)) == 2


def test_an_update_that_failed_is_gone_back_from_to_the_one_before() -> None:
    made = Recorder()
    made.add(iris("a"))
    made.add(iris("b"), "failed")
    assert last_other(made.history(), IRIS, current(made)) == 1


def test_steps_of_a_rollout_are_passed_over() -> None:
    made = Recorder()
    made.add(iris("a"))
    for percent in (25, 50):
        message = f"rollout of iris-team/iris to version 2: {percent} % (step 1 of 3, from 1=100)"
        made.add(iris("a", {1: 100 - percent, 2: percent}), message=message)
    made.add(iris("a", {2: 100}), message="rollout of iris-team/iris to version 2: finished (error rate 0 %)")
    assert last_other(made.history(), IRIS, current(made)) == 1


def test_a_destroyed_model_comes_back_as_it_was_last() -> None:
    made = Recorder()
    made.add(iris("a"))
    made.add([], kind="destroy")
    assert last_other(made.history(), IRIS, current(made)) == 1


def test_the_first_release_has_none_before_it() -> None:
    made = Recorder()
    made.add(iris("a")[1:])  # by a program that recorded no releases
    made.add(iris("a"))
    with pytest.raises(CaramlError, match="no update before left another release of iris-team/iris"):
        last_other(made.history(), IRIS, current(made))


def test_the_release_is_what_its_file_said() -> None:
    made = Recorder()
    made.add(iris("a"))
    assert recorded_release(made.history(), IRIS, 1, force=False) == {
        "project": "iris-team",
        "model": "iris",
        "versions": [{"version": 1, "image": "a"}],
        "endpoint": {"traffic": [{"version": 1, "weight": 100}]},
    }


def test_what_cannot_be_restored_is_refused_with_the_reason_and_what_can() -> None:
    made = Recorder()
    made.add([])
    made.add(iris("a")[1:])
    made.add(iris("a"))
    made.add(iris("b"), "failed")
    made.add([], kind="destroy")
    history = made.history()
    cases = {
        1: (r"update 1 \(update\) left no iris-team/iris", "2-4"),
        2: ("update 2 recorded no release of iris-team/iris: its program", "3-4"),
        4: ("update 4 failed", ""),
        5: (r"update 5 \(destroy\) left no iris-team/iris", "2-4"),
    }
    for version, (what, allowed) in cases.items():
        with pytest.raises(CaramlError, match=what) as refused:
            recorded_release(history, IRIS, version, force=False)
        assert refused.value.allowed == allowed
    assert recorded_release(history, IRIS, 4, force=True)["versions"] == [{"version": 1, "image": "b"}]


def test_versions_that_would_go_may_be_kept_without_requests() -> None:
    now = state(deployed({1: "a", 2: "b", 3: "c"}, {2: 90, 3: 10}))
    then = state(deployed({1: "a", 2: "old"}, {1: 100})).release
    assert then is not None
    assert leaving(then, now) == [3]
    kept = keeping(then, now)
    assert kept["versions"] == [
        {"version": 1, "image": "a"},
        {"version": 2, "image": "old"},
        {"version": 3, "image": "c"},
    ]
    assert kept["endpoint"] == then["endpoint"]
    assert keeping(then, state([release({1: "a", 2: "old", 3: "c"}, {1: 100})])) == kept
    assert (leaving(then, None), keeping(then, None)) == ([], then)


def test_a_version_that_only_a_header_reaches_gets_requests_and_one_of_weight_0_does_not() -> None:
    resources = deployed({1: "a", 2: "b", 3: "c"}, {1: 100, 2: 0})
    resources[0]["inputs"]["endpoint"]["matches"] = [{"traffic": [{"version": 3, "weight": 100}]}]
    then = state(deployed({4: "d"}, {4: 100})).release
    assert then is not None
    assert leaving(then, state(resources)) == [1, 3]


def test_images_that_come_back_are_those_that_no_version_has_now() -> None:
    now, then = state(deployed({1: "a", 2: "b"}, {1: 100})), state(deployed({1: "c", 2: "a", 3: "b"}, {1: 100}))
    assert returning(now, then, "image") == [(1, "c")]
    assert returning(None, then, "image") == [(1, "c"), (2, "a"), (3, "b")]
    assert returning(now, then, "storageUri") == []


@pytest.mark.parametrize(("numbers", "text"), [([], ""), ([4], "4"), ([3, 1, 2, 5, 8, 7], "1-3, 5, 7-8")])
def test_numbers_are_told_in_runs(numbers: list[int], text: str) -> None:
    assert spans(numbers) == text
