"""The texts that a new repository is made of."""

import json
from functools import cache
from importlib.resources import files
from string import Template


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
