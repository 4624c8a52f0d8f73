"""YAML as Pulumi reads it (the core schema of YAML 1.2: ``yes`` and ``012`` are texts), with lines for errors."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from caraml_pulumi.engine.values import PropertyValue
from caraml_pulumi.errors import CaramlError

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _CoreLoader(_Base):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute


_SCALARS: Final = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "int": (r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+0123456789."),
    "merge": (r"<<", "<"),
}
for _tag, (_pattern, _first) in _SCALARS.items():
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


class YamlMap:
    """A mapping in a YAML file, that knows the line of each of its keys.

    Attributes:
        path: the file, for errors.
    """

    def __init__(self, path: Path, node: yaml.MappingNode | None) -> None:
        self.path = path
        if node:
            _CoreLoader("").flatten_mapping(node)
        self._line = node.start_mark.line + 1 if node else 1
        self._items = {str(key.value): (key, value) for key, value in node.value} if node else {}

    def __iter__(self) -> Iterator[str]:
        """The keys in order."""
        return iter(self._items)

    def where(self, key: str = "") -> str:
        """``file:line`` of `key`, or of the mapping."""
        line = self._items[key][0].start_mark.line + 1 if key in self._items else self._line
        return f"{self.path}:{line}"

    def value(self, key: str) -> PropertyValue:
        """The value at `key` as JSON data, None where there is none."""
        return self._constructed(key, self._items[key][1]) if key in self._items else None

    def scalar(self, key: str) -> str | None:
        """The text of a scalar as it is written (``1.50``, ``yes``); None where the value is none."""
        node = self._items[key][1] if key in self._items else None
        return str(node.value) if isinstance(node, yaml.ScalarNode) else None

    def text(self, key: str, default: str = "") -> str:
        """The text at `key`; `default` where there is none. Raises `CaramlError` if it is no text."""
        value = self.value(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise CaramlError(f"{key!r} is {value!r}", where=self.where(key), allowed="a text")
        return value

    def mapping(self, key: str) -> "YamlMap":
        """The mapping at `key`, an empty one where there is none. Raises `CaramlError` if it is no mapping."""
        node = self._items[key][1] if key in self._items else None
        if node is None or (isinstance(node, yaml.ScalarNode) and self.value(key) is None):
            return YamlMap(self.path, None)
        if not isinstance(node, yaml.MappingNode):
            raise CaramlError(f"{key!r} is {self.value(key)!r}", where=self.where(key), allowed="a mapping")
        return YamlMap(self.path, node)

    def _constructed(self, key: str, node: yaml.Node) -> PropertyValue:
        loader = _CoreLoader("")
        try:
            value = loader.construct_document(node)
        except (yaml.YAMLError, ValueError) as error:
            raise CaramlError(
                f"the value of {key!r} cannot be read: {getattr(error, 'problem', None) or error}",
                where=self.where(key),
            ) from None
        finally:
            loader.dispose()
        return value


def parse_mapping(path: Path, text: str) -> YamlMap:
    """The mapping that the YAML `text` of the file `path` is; an empty text is an empty mapping.

    Raises:
        CaramlError: it is not YAML, has a key twice, or is something else than a mapping; with file:line.
    """
    loader = _CoreLoader(text)
    try:
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise CaramlError(
            f"the file is not valid YAML: {problem}", where=f"{path}:{mark.line + 1}" if mark else str(path)
        ) from None
    finally:
        loader.dispose()
    if node is not None and not isinstance(node, yaml.MappingNode):
        raise CaramlError("the file does not hold a mapping", where=f"{path}:1", allowed="key: value lines")
    _check(path, node, [], set())
    return YamlMap(path, node)


def _check(path: Path, node: yaml.Node | None, outer: list[yaml.Node], checked: set[int]) -> None:
    """Refuse duplicate keys, which PyYAML lets pass, and aliases of a node within itself, which JSON cannot say."""
    if not isinstance(node, yaml.CollectionNode) or id(node) in checked:
        return
    if node in outer:
        raise CaramlError("a value contains itself", where=f"{path}:{node.start_mark.line + 1}")
    inner = [*outer, node]
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                raise CaramlError(f"the key {key.value!r} is there twice", where=f"{path}:{key.start_mark.line + 1}")
            seen.add(str(key.value))
            _check(path, value, inner, checked)
    else:
        for item in node.value:
            _check(path, item, inner, checked)
    checked.add(id(node))


def read_mapping(path: Path) -> YamlMap:
    """`parse_mapping` of a file. Raises `CaramlError` also if it cannot be read."""
    return parse_mapping(path, read_text(path))


def read_text(path: Path) -> str:
    """The text of a file. Raises `CaramlError` if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CaramlError(f"the file cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError:
        raise CaramlError("the file is not UTF-8 text", where=str(path)) from None
