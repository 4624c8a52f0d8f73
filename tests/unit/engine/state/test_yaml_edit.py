from typing import Any

import pytest

from caraml_pulumi.engine.state.yaml_edit import edited


def _add(document: dict[str, Any]) -> None:
    document.setdefault("config", {})["new"] = {"list": [1, {"x": 2}]}


@pytest.mark.parametrize(
    "text",
    [
        "config:\n  a: 'x'  # why\n  b:\n  - 1\n  - y: 2\n\n# the end\n",
        'config:\n    a: "x"\n    b:\n      - 1\n      - y: 2\n',
        "# top\nconfig:\n  a: |\n    two\n    lines\n  b: &anchor {k: 1}\n  c: *anchor\n",
        "a: 1\nconfig:\n  b: {c: 1}\n",
    ],
)
def test_lines_that_do_not_change_stay_as_they_are(text: str) -> None:
    after = edited(text, _add).splitlines()
    assert [line for line in text.splitlines() if line not in after] == []
    assert edited(edited(text, _add), lambda document: document["config"].pop("new")) == text


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("config:\n  a:\n  - 1\n", "  new:\n    list:\n    - 1\n    - x: 2\n"),
        ("config:\n    a:\n      - 1\n", "    new:\n        list:\n          - 1\n          - x: 2\n"),
        ("config:\n  a:\n    - 1\n", "  new:\n    list:\n      - 1\n      - x: 2\n"),
    ],
)
def test_what_is_added_is_indented_like_the_rest(text: str, added: str) -> None:
    assert edited(text, _add) == text + added


def test_a_file_of_comments_keeps_them() -> None:
    assert edited("# why\n", _add).startswith("# why\nconfig:\n")
    assert edited("", _add).startswith("config:\n")
