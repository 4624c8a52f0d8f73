from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.engine.display.changes import MISSING, Kind, changed_names, changes_of, compare, output_changes
from caraml_pulumi.engine.values import same
from tests.unit.engine.display.events import RECORDINGS, SECRET, config_map, recorded, tree_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy.", min_size=1, max_size=2), inner),
    max_leaves=8,
)


def metadata(old: Any, new: Any, **more: Any) -> dict[str, Any]:
    return config_map("a").metadata("update", old, new, **more)


def test_a_detailed_diff_compares_what_is_there_with_what_the_program_wants() -> None:
    drift = tree_of(recorded(RECORDINGS / "basic/5-drift.events.jsonl"))
    (row,) = [row for row in drift.rows.values() if row.op == "replace"]
    assert [(change.where, change.old, change.new) for change in row.changes] == [("data.size", "9", "3")]


def test_a_refresh_compares_what_was_there_with_what_is_there() -> None:
    found = metadata({"data": {"a": "1"}}, {"data": {"a": "2"}}, detailedDiff={"data.a": {"diffKind": "update"}})
    (change,) = changes_of(found, refreshed=True)
    assert (change.old, change.new) == ("1", "2")


def test_a_refresh_whose_inputs_stay_shows_the_outputs() -> None:
    found = metadata({"size": 1}, {"size": 1}, detailedDiff={"size": {"diffKind": "update"}})
    found["new"]["outputs"] = {"size": 2}
    (change,) = changes_of(found, refreshed=True)
    assert (change.old, change.new) == (1, 2)


def test_without_a_detailed_diff_the_inputs_are_compared() -> None:
    changes = changes_of(metadata({"a": 1, "b": {"c": [1, 2]}}, {"b": {"c": [1, 3]}, "d": True}))
    assert [(change.kind, change.where) for change in changes] == [
        (Kind.DELETE, "a"),
        (Kind.UPDATE, "b.c[1]"),
        (Kind.ADD, "d"),
    ]
    assert changed_names(changes) == "-a,~b,+d"


def test_names_alone_are_shown_where_nothing_else_is_known() -> None:
    changes = changes_of(metadata({"a": SECRET}, {"a": SECRET}, diffs=["a"]))
    assert changed_names(changes) == "~a"


def test_the_properties_that_force_a_replacement_are_marked() -> None:
    changes = changes_of(metadata({"a": {"x": 1}, "b": 1}, {"a": {"x": 2}, "b": 2}, keys=["a"]))
    assert [(change.where, change.replaces) for change in changes] == [("a.x", True), ("b", False)]


def test_a_path_into_a_secret_shows_the_secret_and_not_what_is_in_it() -> None:
    found = metadata({"data": SECRET}, {"data": SECRET}, detailedDiff={"data.token": {"diffKind": "update"}})
    (change,) = changes_of(found)
    assert (change.old, change.new) == (SECRET, SECRET)


def test_properties_of_pulumi_itself_are_left_out() -> None:
    assert changes_of(metadata({"__provider": "a"}, {"__provider": "b"})) == []


def test_a_malformed_path_is_shown_as_it_is() -> None:
    (change,) = changes_of(metadata({"a": 1}, {"a": 2}, detailedDiff={"a[": {"diffKind": "update"}}))
    assert "a[" in change.where


def test_outputs_are_added_changed_and_deleted() -> None:
    changes = output_changes({"a": 1, "b": 1, "c": 1}, {"b": 2, "c": 1, "d": 1})
    assert [(change.kind.value, change.where) for change in changes] == [("-", "a"), ("~", "b"), ("+", "d")]


@given(JSON)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert list(compare(("p",), value, value)) == []


@given(JSON, JSON)
def test_two_values_differ_exactly_where_a_change_is_found(old: Any, new: Any) -> None:
    changes = list(compare(("p",), old, new))
    assert bool(changes) == (not same(old, new))
    for change in changes:
        assert (change.old is MISSING) == (change.kind is Kind.ADD)
        assert (change.new is MISSING) == (change.kind is Kind.DELETE)
