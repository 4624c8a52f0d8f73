"""Property paths in events: ``spec.containers[0].image``, ``metadata.annotations["example.com/a"]``."""

from functools import reduce

from caraml_pulumi.engine.display.values import is_secret
from caraml_pulumi.engine.property_path import PathKey, join_path
from caraml_pulumi.engine.property_path import parse_path as parse_strictly
from caraml_pulumi.engine.values import PropertyValue

Path = tuple[PathKey, ...]
"""Keys and list indexes, from the outside in."""


def parse_path(text: str) -> Path:
    """The parts of `text`. What is no path at all is taken for a single key, so that it can still be shown."""
    try:
        return tuple(parse_strictly(text))
    except ValueError:
        return (text,)


def format_path(path: Path) -> str:
    """`path` as text."""
    return reduce(join_path, path, "")


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
