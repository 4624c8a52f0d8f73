import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.engine.property_path import changed_paths, covers, join_path, keep_old, parse_path
from caraml_pulumi.engine.values import Secret, same

keys = st.text(min_size=1, max_size=6).filter(lambda key: key != "*")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(keys, values, max_size=4)


@pytest.mark.parametrize(
    ("path", "parsed"),
    [
        ("spec.ports[0].port", ["spec", "ports", 0, "port"]),
        ('metadata.labels["app.kubernetes.io/name"]', ["metadata", "labels", "app.kubernetes.io/name"]),
        ("data.*", ["data", "*"]),
        ("items[*].name", ["items", "*", "name"]),
        ('a["quoted \\" key"]', ["a", 'quoted " key']),
    ],
)
def test_paths_are_parsed_as_pulumi_writes_them(path: str, parsed: list[object]) -> None:
    assert parse_path(path) == parsed


@pytest.mark.parametrize("path", ["a[", "a[b]", "a]", '["a'])
def test_a_malformed_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a property path"):
        parse_path(path)


@given(st.lists(keys | st.integers(0, 9), min_size=1, max_size=5))
def test_a_path_that_was_joined_parses_to_its_keys(parts: list[str | int]) -> None:
    path = ""
    for part in ["root", *parts]:
        path = join_path(path, part)
    assert parse_path(path) == ["root", *parts]


@given(objects)
def test_nothing_differs_from_itself(value: dict[str, object]) -> None:
    assert changed_paths(value, value) == {}


@given(objects, objects)
def test_there_are_changed_paths_exactly_when_values_differ(old: dict[str, object], new: dict[str, object]) -> None:
    assert bool(changed_paths(old, new)) == (not same(old, new))


@given(objects, objects)
def test_keeping_every_top_level_property_keeps_all(old: dict[str, object], new: dict[str, object]) -> None:
    assert same(keep_old(new, old, ["*"]), old)


def test_changed_paths_name_kinds() -> None:
    old = {"a": 1, "b": {"x": [1, 2]}, "gone": True}
    new = {"a": 1, "b": {"x": [1, 3, 4]}, "new": {"deep": 1}}
    assert changed_paths(old, new) == {"b.x[1]": "update", "b.x[2]": "add", "gone": "delete", "new": "add"}


def test_a_kept_property_may_be_inside_a_secret_and_a_list() -> None:
    old = {"list": [{"a": 1, "b": 2}], "secret": Secret({"x": "old"})}
    new = {"list": [{"a": 9, "b": 9}], "secret": Secret({"x": "new"})}
    kept = keep_old(new, old, ["list[*].a", "secret.x"])
    assert kept == {"list": [{"a": 1, "b": 9}], "secret": Secret({"x": "old"})}


def test_true_is_not_one() -> None:
    assert changed_paths({"a": True}, {"a": 1}) == {"a": "update"}


@pytest.mark.parametrize(
    ("path", "other", "covered"),
    [
        ("spec", "spec.replicas", True),
        ("spec.replicas", "spec.replicas", True),
        ("spec.replicas", "spec", False),
        ("spec.*.port", "spec.http.port.number", True),
        ("items[*]", "items[3].name", True),
        ("items[3]", "items[4].name", False),
        ("*", "anything", True),
    ],
)
def test_a_path_covers_what_is_below_it(path: str, other: str, covered: bool) -> None:
    assert covers(parse_path(path), parse_path(other)) is covered
