"""The texts that a new repository is made of."""

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

_MODELINE: Final = "# yaml-language-server:"


class _Text(Template):
    """A template whose placeholders are ``@@{name}``: what CI and shells write with a dollar stays."""

    delimiter = "@@"


@cache
def _read(name: str) -> _Text:
    return _Text((files(__package__) / "templates" / f"{name}.in").read_text("utf-8"))


def scalar(value: str) -> str:
    """A text as YAML has it: in quotes where it would be taken for something else, such as ``on`` or ``null``."""
    import yaml

    return value if yaml.safe_load(value) == value else json.dumps(value)


def text(name: str, /, **values: str) -> str:
    """The template `name` with its placeholders filled. Raises `KeyError` for a placeholder without a value."""
    return _read(name).substitute(values)


def modeline(schema: str) -> str:
    """The first line of a YAML file by which editors find its JSON Schema, a relative path."""
    return f"{_MODELINE} $schema={schema}\n"


def modeline_of(files: Iterable[Path]) -> str:
    """That line as the first of `files` that has one has it; empty if none has."""
    for file in files:
        first, _, _ = file.read_text("utf-8").partition("\n")
        if first.startswith(_MODELINE):
            return f"{first}\n"
    return ""
