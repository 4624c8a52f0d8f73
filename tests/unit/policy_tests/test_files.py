"""Whatever a file holds, it is read or refused with a message: nothing else happens."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.policy_tests.case import CaseFile, Setup
from caraml_pulumi.policy_tests.files import Reader

READER = Reader(Setup, Setup("dev"))
any_file = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
KEYS = [
    *("apiVersion", "kind", "metadata", "name", "namespace", "items", "data", "stringData", "spec"),
    *("cases", "rules", "expect", "violations", "rule", "config", "environment", "properties", "stackConfig"),
    *("version", "deployment", "checkpoint", "latest", "resources", "urn", "type", "custom", "inputs", "outputs"),
    *("model", "versions"),
]
values = st.recursive(
    scalars
    | st.sampled_from(["v1", "Pod", "List", "Secret", "pass", "demo:index:Team", "urn:pulumi:dev::p::a:b:C::n", 3]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


def read(path: Path, text: str) -> tuple[list[CaseFile], str]:
    """The cases in a file with this text, or the message that refuses it."""
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        return READER.read([path]), ""
    except CaramlError as error:
        return [], str(error)


@given(text=st.text())
@example(text="\x00")
@example(text="\ufeffa: 1")
@example(text="a: &a [*a]")
@example(text="apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: &spec {more: *spec}\n")
@example(text="? [a]\n: b")
@example(text="!!python/object:os.system x")
@example(text="cases: 0x_\n")
@example(text="cases: !!binary aGVsbG8=\n")
@example(text="cases: !!set {a, b}\n")
@any_file
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    files, message = read(tmp_path / "file.yaml", text)
    assert files or "file.yaml" in message
    assert not files or json.dumps([subject.state.inputs for case in files[0].cases for subject in case.subjects])


def test_aliases_that_repeat_what_repeats_others_are_refused(tmp_path: Path) -> None:
    levels = "".join(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in pairwise("abcdefgh"))
    files, message = read(tmp_path / "file.yaml", f"a: &a [{', '.join('x' * 9)}]\n{levels}")
    assert files == []
    assert "its aliases make it too large" in message


def test_many_values_are_read_where_they_are_written(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n" + "- [x,y]\n" * 60_000
    assert read(tmp_path / "file.yaml", text)[1] == ""


def test_what_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    assert "nested too deeply" in read(tmp_path / "file.json", "[" * 100_000)[1]


def test_a_template_is_to_be_rendered_first(tmp_path: Path) -> None:
    message = read(tmp_path / "file.yaml", "kind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n")[1]
    assert "file.yaml:3" in message
    assert "helm template ... | caraml policy test -" in message


def test_a_list_without_items_is_empty(tmp_path: Path) -> None:
    message = read(tmp_path / "file.yaml", "apiVersion: v1\nkind: List\nitems:\n")[1]
    assert "the list holds no objects" in message


def test_an_expected_level_is_one_that_violations_have(tmp_path: Path) -> None:
    case = {"name": "a", "resources": [{"type": "a:b:C"}], "expect": {"violations": [{"rule": "r", "level": "Advice"}]}}
    message = read(tmp_path / "file.yaml", json.dumps({"cases": [case]}))[1]
    assert '"Advice" is no level of a violation' in message


@given(document=values)
@any_file
def test_any_document_is_read_or_refused(tmp_path: Path, document: Any) -> None:
    for name, text in (("file.json", json.dumps(document)), ("file.yaml", json.dumps(document, indent=1))):
        files, message = read(tmp_path / name, text)
        assert files or name in message
        for file in files:
            assert all(case.subjects and case.where for case in file.cases)
