"""Paths into configuration values, as ``pulumi config set --path`` has them: ``servers[0].ports["http.main"]``."""

import re
from itertools import pairwise
from typing import Final

from caraml_pulumi.engine.values import PropertyValue
from caraml_pulumi.errors import CaramlError

ConfigPath = list[str | int]
"""Keys of mappings and indices of lists, from the outside in; the first is a key."""

_PART: Final = re.compile(r'\.?([^.\[\]"]+)|\.?\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]')
_MISSING: Final = object()


def parse_path(text: str) -> ConfigPath:
    """The parts of a path. Raises `CaramlError` if it is malformed."""
    parts: ConfigPath = []
    position = 0
    while position < len(text) and (match := _PART.match(text, position)):
        name, quoted, index = match.groups()
        parts.append(int(index) if index else name if name else re.sub(r"\\(.)", r"\1", quoted))
        position = match.end()
    if position < len(text) or not parts or isinstance(parts[0], int) or text.startswith("."):
        raise CaramlError(f"{text!r} is not a path of configuration", allowed='names, .name, [0] and ["quoted name"]')
    return parts


def get_path(container: PropertyValue, path: ConfigPath) -> PropertyValue:
    """The value at `path`, None where there is none."""
    for part in path:
        container = _item(container, part)
        if container is _MISSING:
            return None
    return container


def set_path(container: PropertyValue, path: ConfigPath, value: object) -> None:
    """Put `value` at `path`; mappings and lists on the way are made.

    Raises:
        CaramlError: a value on the way is neither, an index is beyond the end of its list, or names and indices are
            mixed up.
    """
    for part, following in pairwise(path):
        inner = _item(container, part)
        if inner is _MISSING or inner is None:
            inner = [] if isinstance(following, int) else {}
            _put(container, part, inner)
            inner = _item(container, part)
        container = inner
    _put(container, path[-1], value)


def remove_path(container: PropertyValue, path: ConfigPath) -> bool:
    """Remove the value at `path`; says whether there was one."""
    container = get_path(container, path[:-1])
    if _item(container, path[-1]) is _MISSING:
        return False
    del container[path[-1]]
    return True


def typed(text: str) -> bool | int | str:
    """What a text given for a path means: a truth value, a whole number, or itself."""
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if re.fullmatch(r"-?(0|[1-9][0-9]*)", text) else text


def _item(container: PropertyValue, part: str | int) -> PropertyValue:
    if isinstance(container, dict) and isinstance(part, str):
        return container.get(part, _MISSING)
    if isinstance(container, list) and isinstance(part, int) and part < len(container):
        return container[part]
    return _MISSING


def _put(container: PropertyValue, part: str | int, value: object) -> None:
    if isinstance(container, dict) and isinstance(part, str):
        container[part] = value
    elif isinstance(container, list) and isinstance(part, int) and part <= len(container):
        container[part : part + 1] = [value]
    else:
        kind, allowed = "a text", ""
        if isinstance(container, dict):
            kind, allowed = "a mapping", "a name"
        elif isinstance(container, list):
            kind, allowed = "a list", f"an index up to {len(container)}"
        raise CaramlError(f"{part!r} cannot be set: what holds it is {kind}", allowed=allowed)
