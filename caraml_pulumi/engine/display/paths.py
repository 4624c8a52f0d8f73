"""Pulumi's property paths: ``spec.containers[0].image``, ``metadata.annotations["example.com/a"]``."""

import re
from typing import Final

from caraml_pulumi.engine.display.values import is_secret
from caraml_pulumi.engine.values import PropertyValue

Path = tuple[str | int, ...]
"""Keys and list indexes, from the outside in."""

_PART: Final = re.compile(r'\.?([^.\[\]"]+)|\[(\d+|\*)\]|\["((?:[^"\\]|\\.)*)"\]')
_PLAIN_KEY: Final = re.compile(r'^[^.\[\]"]+$')


def parse_path(text: str) -> Path:
    """The parts of `text`. What is no path at all is taken for a single key, so that it can still be shown."""
    parts: list[str | int] = []
    end = 0
    while end < len(text):
        match = _PART.match(text, end)
        if match is None:
            return (text,)
        name, index, quoted = match.groups()
        if quoted is not None:
            parts.append(re.sub(r"\\(.)", r"\1", quoted))
        elif index is not None:
            parts.append(int(index) if index.isdecimal() else index)
        else:
            parts.append(name)
        end = match.end()
    return tuple(parts)


def format_path(path: Path) -> str:
    """`path` as text; keys that hold dots, quotes or brackets are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.match(part):
            text += f".{part}" if text else part
        else:
            text += '["' + part.replace("\\", "\\\\").replace('"', '\\"') + '"]'
    return text


def lookup(value: PropertyValue, path: Path, missing: PropertyValue) -> PropertyValue:
    """What is at `path` in `value`, or `missing`. Inside a secret everything is that secret."""
    for part in path:
        if is_secret(value):
            return value
        in_map = isinstance(value, dict) and part in value
        in_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if not in_map and not in_list:
            return missing
        value = value[part]
    return value
