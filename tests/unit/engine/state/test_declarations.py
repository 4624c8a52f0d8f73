from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.engine.state.config import StackConfig
from caraml_pulumi.engine.state.project import Project
from caraml_pulumi.engine.values import Secret
from caraml_pulumi.errors import CaramlError
from tests.unit.engine.state.builders import CRYPTER


def _values(declared: dict[str, Any], text: str = "") -> dict[str, str | Secret]:
    root = Path("/project")
    project = Project("shop", root, root / "__main__.py", root, config=declared)
    return StackConfig(project, root / "Pulumi.dev.yaml", text).values(CRYPTER)


def test_defaults_are_there_where_the_stack_sets_nothing() -> None:
    declared = {
        "plain": "x",
        "number": 3,
        "size": {"type": "integer", "default": 3},
        "on": {"type": "boolean", "default": True},
        "list": {"type": "array", "default": ["a"]},
        "aws:region": {"value": "eu"},
        "token": {"type": "string", "default": "t", "secret": True},
    }
    assert _values(declared, "config:\n  size: 5\n") == {
        "shop:size": "5",
        "shop:plain": "x",
        "shop:number": "3",
        "shop:on": "true",
        "shop:list": '["a"]',
        "aws:region": "eu",
        "shop:token": Secret("t"),
    }


def test_a_required_value_that_is_missing_is_named_with_the_command_that_sets_it() -> None:
    with pytest.raises(CaramlError, match="'shop:size'") as caught:
        _values({"size": {"type": "integer"}})
    assert caught.value.fix == "caraml config set shop:size VALUE"
    with pytest.raises(CaramlError) as caught:
        _values({"token": {"type": "string", "secret": True}})
    assert "--secret" in caught.value.fix


@pytest.mark.parametrize(
    ("type_", "text"), [("integer", "x"), ("integer", "1.5"), ("boolean", "yes"), ("array", "x"), ("array", "{a: 1}")]
)
def test_a_value_of_another_type_is_refused_at_its_line(type_: str, text: str) -> None:
    with pytest.raises(CaramlError, match="not of the type") as caught:
        _values({"a": {"type": type_}}, f"config:\n  a: {text}\n")
    assert caught.value.where == "/project/Pulumi.dev.yaml:2"
    assert caught.value.allowed == type_


@pytest.mark.parametrize(
    ("type_", "text"), [("integer", "-12"), ("boolean", "false"), ("array", "[1]"), ("string", "1")]
)
def test_a_value_of_the_declared_type_passes(type_: str, text: str) -> None:
    assert _values({"a": {"type": type_}}, f"config:\n  a: {text}\n") == {"shop:a": text}


def test_a_declared_secret_in_the_clear_is_refused_and_not_shown() -> None:
    with pytest.raises(CaramlError, match="in the clear") as caught:
        _values({"a": {"type": "string", "secret": True}}, "config:\n  a: s3cr3t\n")
    assert "s3cr3t" not in str(caught.value)


def test_an_unknown_type_is_refused_with_those_there_are() -> None:
    with pytest.raises(CaramlError, match="'number'") as caught:
        _values({"a": {"type": "number"}})
    assert "integer" in caught.value.allowed
