import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.engine.state.backend import RecordedUpdate
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.history.models import ModelName
from tests.unit.history.records import IRIS, Recorder, deployed, endpoint, version

ROSE = ModelName("other", "rose")


def recorder(*images: str | None) -> Recorder:
    """Updates that left iris with these images; None left nothing."""
    made = Recorder()
    for image in images:
        made.add([] if image is None else deployed({1: image}, {1: 100}))
    return made


def test_updates_that_changed_a_model_are_told_the_newest_first() -> None:
    made = recorder("a", "a", "b", "b", None)
    made.add(
        deployed({1: "b"}, {1: 100}), "failed", message="again", environment={"git.author": "Ana", "git.head": "1f"}
    )
    found = made.history().changes_of(IRIS)
    assert [(one.update.version, one.changes[0].kind) for one in found] == [
        (6, "added"),
        (5, "removed"),
        (3, "changed"),
        (1, "added"),
    ]
    newest = found[0].update
    assert (newest.succeeded, newest.message, newest.author, newest.commit) == (False, "again", "Ana", "1f")


@given(st.lists(st.sampled_from(["a", "b", None]), max_size=40), st.integers(1, 40))
def test_an_update_is_told_if_and_only_if_the_model_differs_from_the_one_before(
    images: list[str | None], limit: int
) -> None:
    differs = [
        number for number, pair in enumerate(zip(images, [None, *images], strict=False), 1) if pair[0] != pair[1]
    ]
    told = [one.update.version for one in recorder(*images).history().changes_of(IRIS, limit)]
    assert told == differs[::-1][:limit]


def test_only_as_many_checkpoints_are_read_as_the_limit_needs() -> None:
    made = recorder(*[str(number) for number in range(100)])
    assert [one.update.version for one in made.history().changes_of(IRIS, 3)] == [100, 99, 98]
    assert len(made.reads) == len(set(made.reads)) <= 16


def test_updates_of_other_models_are_left_out() -> None:
    made = recorder("a")
    made.add([*deployed({1: "a"}, {1: 100}), version(1, ROSE), endpoint({1: 100}, ROSE)])
    history = made.history()
    assert [one.update.version for one in history.changes_of(IRIS)] == [1]
    assert [one.update.version for one in history.changes_of(ROSE)] == [2]
    assert [change.name for change in history.change(2).changes] == [ROSE]


def test_an_update_without_a_checkpoint_is_passed_over() -> None:
    made = recorder("a")
    made.add(None)
    made.add(deployed({1: "b"}, {1: 100}))
    history = made.history()
    assert [one.update.version for one in history.changes_of(IRIS)] == [3, 1]
    assert history.change(2).changes == []
    assert [change.name for change in history.change(3).changes] == [IRIS]


def test_a_model_is_meant_by_its_name_or_with_its_project() -> None:
    made = recorder("a")
    made.add([version(1, ROSE)])
    history = made.history()
    assert history.model("iris") == history.model("iris-team/iris") == IRIS
    with pytest.raises(CaramlError, match='knows a model "tulip"') as unknown:
        history.model("tulip")
    assert unknown.value.allowed == "iris-team/iris, other/rose"
    made.add([version(1, ModelName("a", "rose")), version(1, ROSE)])
    with pytest.raises(CaramlError, match='"rose" is of several projects') as several:
        made.history().model("rose")
    assert several.value.allowed == "a/rose, other/rose"
    assert made.history().model("other/rose") == ROSE


@pytest.mark.parametrize(("text", "number"), [("2", 2), ("latest", 3), ("-1", 2), ("-2", 1)])
def test_an_update_is_named_by_its_number_or_from_the_latest(text: str, number: int) -> None:
    assert recorder("a", "b", "c").history().number(text) == number


@pytest.mark.parametrize("text", ["0", "4", "-3", "first", "", "1.0", "-0", "9" * 30, "²"])
def test_an_update_that_there_is_none_of_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(CaramlError, match="has no update") as refused:
        recorder("a", "b", "c").history().number(text)
    assert refused.value.allowed == "1-3, latest, or -1 for the one before it"


def test_a_stack_without_updates_says_so() -> None:
    with pytest.raises(CaramlError) as refused:
        Recorder().history().number("latest")
    assert refused.value.allowed == "it has none yet"


@pytest.mark.parametrize(
    "damage", [b"{", b'{"caraml:index:"', b'[{"type":"caraml:index:ModelRelease"}]', b"\xff\xfe caraml:index:"]
)
def test_a_damaged_checkpoint_is_named_by_its_number(damage: bytes) -> None:
    made = recorder("a")
    made.updates.insert(0, RecordedUpdate(2, dict, lambda: b'{"x":"caraml:index:"' + damage))
    with pytest.raises(CaramlError, match="the checkpoint of update 2 of shop/dev is damaged"):
        made.history().changes_of(IRIS)
