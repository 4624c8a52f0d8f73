from typing import Any

import pytest

from caraml_pulumi.engine.secrecy import keep_secrets, mask_secrets
from caraml_pulumi.engine.values import Secret


def test_secret_texts_at_any_depth_are_masked_longest_first() -> None:
    values = [{"a": [Secret({"b": "pass", "c": ["password"]})], "d": "plain"}]
    assert mask_secrets("password pass plain", values) == "[secret] [secret] plain"


def test_a_very_short_secret_is_left_because_it_is_in_every_word() -> None:
    assert mask_secrets("a cab", [Secret("a")]) == "a cab"


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (Secret("a"), "b", Secret("b")),
        (Secret("a"), Secret("b"), Secret("b")),
        ({"x": Secret("a"), "y": 1}, {"x": "b", "y": 2, "z": 3}, {"x": Secret("b"), "y": 2, "z": 3}),
        ([Secret("a"), 1], ["b", 2], [Secret("b"), 2]),
        ([Secret("a"), 1], ["b"], Secret(["b"])),
        ([1], ["b", 2], ["b", 2]),
        ({"x": {"y": Secret("a")}}, {"x": "a"}, {"x": Secret("a")}),
    ],
)
def test_what_was_secret_stays_secret(before: Any, after: Any, kept: Any) -> None:
    assert keep_secrets(before, after) == kept
