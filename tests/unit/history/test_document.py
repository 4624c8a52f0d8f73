import yaml
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.history.changes import ModelChange
from caraml_pulumi.history.document import diff, ordered, release_document, yaml_text
from tests.unit.history.records import IRIS, deployed, state, version

A = deployed({1: "reg.io/iris:1.0"}, {1: 100})
WORDS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=5)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["model", "versions", "image", "a", "Z", "promotedFrom"]), inner, max_size=4)
    ),
    max_leaves=10,
)


def test_a_difference_names_the_updates_and_shows_what_the_file_said() -> None:
    change = ModelChange(IRIS, state(A), state(deployed({1: "reg.io/iris:1.1"}, {1: 100})))
    assert diff(change, 3, 5) == [
        "--- iris-team/iris (update 3)",
        "+++ iris-team/iris (update 5)",
        "@@ -2,7 +2,7 @@",
        " project: iris-team",
        " versions:",
        " - version: 1",
        "-  image: reg.io/iris:1.0",
        "+  image: reg.io/iris:1.1",
        " endpoint:",
        "   traffic:",
        "   - version: 1",
    ]


def test_a_model_that_is_not_on_one_side_is_said_so() -> None:
    first, second, *_ = diff(ModelChange(IRIS, None, state(A)), 1, 2)
    assert (first, second) == ("--- iris-team/iris (update 1: not there)", "+++ iris-team/iris (update 2)")


def test_where_one_side_recorded_no_release_both_are_as_their_components_got_them() -> None:
    without = state([version(1, image="reg.io/iris:1.0", timeoutSeconds=60), A[2]])
    lines = diff(ModelChange(IRIS, without, state(A)), 1, 2)
    assert [line for line in lines if line[0] in "+-"][2:] == ["-  timeoutSeconds: 60"]
    assert diff(ModelChange(IRIS, state(A[1:]), state(A)), 1, 2) == []


@given(st.dictionaries(WORDS, DOCUMENTS, max_size=3))
def test_a_release_as_text_says_just_what_the_release_says(document: dict[str, object]) -> None:
    assert ordered(document) == document
    assert yaml.safe_load(yaml_text(document)) == document


def test_a_document_tells_whether_the_release_was_declared_so() -> None:
    assert release_document(None) is None
    declared, effective = release_document(state(A)), release_document(state(A[1:]))
    assert declared is not None
    assert effective is not None
    assert (declared["declared"], effective["declared"]) == (True, False)
    assert list(declared["release"]) == ["model", "project", "versions", "endpoint"]
    assert effective["release"] == declared["release"]
