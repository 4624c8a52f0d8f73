from typing import Any

import pytest

from caraml_pulumi.engine.display.changes import changes_of
from caraml_pulumi.engine.display.diff import change_lines, diff
from caraml_pulumi.engine.values import UNKNOWN_TEXT
from tests.unit.engine.display.events import RECORDED, RECORDINGS, SECRET, config_map, recorded, tree_of


def lines(old: dict[str, Any], new: dict[str, Any], **more: Any) -> list[str]:
    return [line.plain for line in change_lines(changes_of(config_map("a").metadata("update", old, new, **more)))]


def test_a_single_changed_leaf_is_one_line_with_its_whole_path() -> None:
    tree = tree_of(recorded(RECORDINGS / "workload/2-update.events.jsonl"))
    path = "spec.template.spec.containers[0].image"
    assert f'           ~ {path}: "example.com/model:1" => "example.com/model:2"' in [line.plain for line in diff(tree)]


def test_a_common_beginning_of_paths_is_written_once() -> None:
    old = {"spec": {"template": {"image": "a", "cpu": 1}}}
    new = {"spec": {"template": {"image": "b", "cpu": 2}}}
    assert lines(old, new) == ["~ spec.template:", "  ~ cpu: 1 => 2", '  ~ image: "a" => "b"']


def test_secrets_and_unknown_values_are_named_and_not_shown() -> None:
    assert lines({"a": 1, "b": 1}, {"a": SECRET, "b": UNKNOWN_TEXT}) == ["~ a: 1 => [secret]", "~ b: 1 => <computed>"]


def test_an_unknown_in_a_new_map_is_shown_as_computed() -> None:
    assert lines({}, {"a": {"b": UNKNOWN_TEXT, "c": SECRET}}) == ["+ a:", "    b: <computed>", "    c: [secret]"]


def test_text_of_several_lines_is_compared_line_by_line() -> None:
    old = "".join(f"line {number}\n" for number in range(20))
    assert lines({"text": old}, {"text": old.replace("line 9\n", "line nine\n")}) == [
        "~ text: |",
        "    line 7",
        "    line 8",
        "  - line 9",
        "  + line nine",
        "    line 10",
        "    line 11",
    ]


def test_long_lists_show_only_the_items_that_changed() -> None:
    old = [f"a-rather-long-name-{number}" for number in range(30)]
    assert lines({"names": old}, {"names": [*old[:3], "inserted", *old[3:]]}) == [
        "~ names:",
        '    "a-rather-long-name-1"',
        '    "a-rather-long-name-2"',
        '  + "inserted"',
        '    "a-rather-long-name-3"',
        '    "a-rather-long-name-4"',
    ]


def test_a_value_that_becomes_a_map_is_shown_before_and_after() -> None:
    assert lines({"a": "text"}, {"a": {"b": 1}}) == ['- a: "text"', "+ a:", "    b: 1"]


def test_a_property_that_forces_a_replacement_says_so() -> None:
    assert lines({"name": "a"}, {"name": "b"}, keys=["name"]) == ['~ name: "a" => "b"  (forces replacement)']


def test_new_and_deleted_resources_show_all_their_properties() -> None:
    inputs = {"data": {"a": "1"}, "__internal": {}}
    tree = tree_of([*config_map("new").does("create", None, inputs), *config_map("old").does("delete", inputs)])
    assert [line.plain.rstrip() for line in diff(tree)] == [
        "+  kubernetes:core/v1:ConfigMap new  create",
        "       data:",
        '         a: "1"',
        "-  kubernetes:core/v1:ConfigMap old  delete  [id=an-id]",
        "       data:",
        '         a: "1"',
    ]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_recorded_diff_shows_a_mark_of_pulumis_wire_format(path: Any) -> None:
    text = "\n".join(line.plain for line in diff(tree_of(recorded(path))))
    assert text
    for mark in ("4dabf18193072939515e22adb298388d", "ciphertext", UNKNOWN_TEXT, "__provider"):
        assert mark not in text
