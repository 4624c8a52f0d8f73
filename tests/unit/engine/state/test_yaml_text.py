from pathlib import Path

import pytest

from caraml_pulumi.engine.state.yaml_text import parse_mapping, read_mapping
from caraml_pulumi.errors import CaramlError

PATH = Path("Pulumi.dev.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("012", "012"),
        ("1_000", "1_000"),
        ("2026-11-22", "2026-11-22"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0x1F", 31),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("'12'", "12"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
    ],
)
def test_scalars_mean_what_they_mean_to_pulumi(text: str, value: object) -> None:
    assert parse_mapping(PATH, f"key: {text}\n").value("key") == value


def test_the_text_of_a_scalar_is_as_written() -> None:
    document = parse_mapping(PATH, "a: 1.50\nb: yes\nc: [1]\n")
    assert [document.scalar(key) for key in document] == ["1.50", "yes", None]
    assert document.scalar("d") is None


def test_keys_know_their_lines() -> None:
    document = parse_mapping(PATH, "a: 1\n# comment\nb:\n  c: 2\n")
    assert document.where("b") == "Pulumi.dev.yaml:3"
    assert document.mapping("b").where("c") == "Pulumi.dev.yaml:4"
    assert document.where("x") == "Pulumi.dev.yaml:1"


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert list(parse_mapping(PATH, "")) == []
    assert list(parse_mapping(PATH, "a:\n").mapping("a")) == []


def test_anchors_and_merges_are_followed() -> None:
    document = parse_mapping(PATH, "a: &x {k: 1}\nb: {<<: *x, l: 2}\nc: *x\n")
    assert document.value("b") == {"k": 1, "l": 2}
    assert document.value("c") == {"k": 1}


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("a: 1\nb: [1\n", "Pulumi.dev.yaml:3", "not valid YAML"),
        ("a: 1\n\tb: 2\n", "Pulumi.dev.yaml:2", "not valid YAML"),
        ("a: {b: 1, b: 2}\n", "Pulumi.dev.yaml:1", "'b' is there twice"),
        ("a: 1\nb: 2\na: 3\n", "Pulumi.dev.yaml:3", "'a' is there twice"),
        ("- 1\n", "Pulumi.dev.yaml:1", "does not hold a mapping"),
        ("text\n", "Pulumi.dev.yaml:1", "does not hold a mapping"),
        ("a: 1\n---\nb: 2\n", "Pulumi.dev.yaml:2", "not valid YAML"),
        ("a: *nothing\n", "Pulumi.dev.yaml:1", "not valid YAML"),
        ("a: 1\nb: &x [*x]\n", "Pulumi.dev.yaml:2", "contains itself"),
        ("a: \x07\n", "Pulumi.dev.yaml", "not valid YAML"),
    ],
)
def test_a_malformed_file_is_refused_at_its_line(text: str, where: str, message: str) -> None:
    with pytest.raises(CaramlError, match=message) as caught:
        parse_mapping(PATH, text)
    assert caught.value.where == where


@pytest.mark.parametrize("text", ["a: !!python/object:os.system {}\n", "a: !!int text\n"])
def test_a_value_that_cannot_be_built_is_refused_at_its_line(text: str) -> None:
    with pytest.raises(CaramlError, match="cannot be read") as caught:
        parse_mapping(PATH, text).value("a")
    assert caught.value.where == "Pulumi.dev.yaml:1"


def test_a_value_of_the_wrong_kind_is_refused_at_its_line() -> None:
    document = parse_mapping(PATH, "a: [1]\n")
    for read in (document.text, document.mapping):
        with pytest.raises(CaramlError) as caught:
            read("a")
        assert caught.value.where == "Pulumi.dev.yaml:1"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaramlError, match="No such file"):
        read_mapping(tmp_path / "x.yaml")
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(CaramlError, match="not UTF-8"):
        read_mapping(tmp_path / "x.yaml")
