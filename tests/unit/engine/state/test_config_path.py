from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.engine.state.config_path import ConfigPath, get_path, parse_path, remove_path, set_path, typed
from caraml_pulumi.errors import CaramlError


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ["a"]),
        ("a.b-c", ["a", "b-c"]),
        ("a[0][12].b", ["a", 0, 12, "b"]),
        ('a["b.c"]["d\\"e"]', ["a", "b.c", 'd"e']),
        ('["a b"].c', ["a b", "c"]),
    ],
)
def test_a_path_is_taken_apart(text: str, parts: ConfigPath) -> None:
    assert parse_path(text) == parts


@pytest.mark.parametrize("text", ["", ".", ".a", "a.", "a..b", "a[", "a[x]", "a[-1]", "[0]", 'a["b]', "a]"])
def test_a_malformed_path_is_refused(text: str) -> None:
    with pytest.raises(CaramlError, match="not a path"):
        parse_path(text)


@given(st.lists(st.sampled_from(["a", "b", 0]), min_size=1, max_size=5).map(lambda rest: ["root", *rest]))
def test_what_is_set_is_got_and_can_be_removed(path: ConfigPath) -> None:
    container: dict[str, Any] = {}
    set_path(container, path, "value")
    assert get_path(container, path) == "value"
    assert remove_path(container, path)
    assert get_path(container, path) is None
    assert not remove_path(container, path)


@pytest.mark.parametrize(
    ("container", "path"),
    [({"a": [1]}, ["a", 2]), ({"a": [1]}, ["a", "b"]), ({"a": {}}, ["a", 0]), ({"a": 1}, ["a", "b"])],
)
def test_a_path_that_does_not_fit_is_refused(container: dict[str, Any], path: ConfigPath) -> None:
    with pytest.raises(CaramlError, match="cannot be set"):
        set_path(container, path, "x")


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("12", 12), ("-1", -1), ("012", "012"), ("1.5", "1.5"), ("", "")],
)
def test_truth_values_and_whole_numbers_are_typed_within_a_path(text: str, value: object) -> None:
    assert typed(text) == value
    assert type(typed(text)) is type(value)
