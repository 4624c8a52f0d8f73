"""A YAML file: its data, and the line of each value in it."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic.alias_generators import to_camel, to_snake

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import Locate, dotted

_SHORT: Final = 2**13
"""Characters that indentation cannot nest deeply in."""
_FEW: Final = 200
"""Levels that C's stack always has room for."""
_MANY: Final = 100_000
"""How many values a document may always have, however short it is written."""


class Document:
    """A YAML file: its data, and the line of each value in it."""

    def __init__(self, path: Path, loader: "_Loader | None" = None) -> None:
        """The only document in a file, or the next one that `loader` reads of it.

        Raises `CaramlError` for a file that is missing, unreadable, not YAML, or has a key twice.
        """
        self.path = path
        with _explained(path):
            text = "" if loader else _read_text(path)
            reading = loader or _Loader(text)
            self._root = loader.get_node() if loader else _composed(text, reading)
            if self._root:
                _stays_small(self._root, _ends(self._root, (), {}))
            self.data: Any = reading.construct_document(self._root) if self._root else None
        self._line = self._root.start_mark.line + 1 if loader and self._root else 1

    def locate(self, path: tuple[str | int, ...]) -> str:
        """``file:line (property.path)`` of the value at `path`, or of the deepest value on the way to it."""
        return f"{self.path}:{self.line(path)}" + (f" ({dotted(path)})" if path else "")

    def line(self, path: tuple[str | int, ...]) -> int:
        """The line of the value at `path`, or of the deepest value on the way to it."""
        node, line = self._root, self._line
        for part in path:
            if isinstance(node, yaml.MappingNode):
                names = {part, to_camel(str(part)), to_snake(str(part))}
                found = next(((key, value) for key, value in node.value if key.value in names), None)
                if found is None:
                    break
                line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
        return line

    def value(self, *path: str) -> Any:  # noqa: ANN401 - whatever YAML has there
        """The value at `path` through maps, as the file has it; None where there is none."""
        value = self.data
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def under(self, *prefix: str) -> Locate:
        """A `locate` for paths relative to `prefix`."""
        return lambda path: self.locate((*prefix, *path))


def documents(path: Path, text: str) -> list[Document]:
    """The documents in `text`, which `path` has. Raises `CaramlError` if it is not YAML, or has a key twice."""
    found = []
    with _explained(path):
        loader = _Loader(text)
        while loader.check_node():
            found.append(Document(path, loader))
    return found


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise CaramlError(f"cannot read {path}: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise CaramlError(f"{path} is not a text in UTF-8", where=str(path)) from None


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        expected = f"{error.context}, " if str(error.problem).startswith("but ") else ""
        raise CaramlError(f"malformed YAML: {expected}{error.problem}", where=f"{path}:{line}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise CaramlError(f"malformed YAML: {str(error).splitlines()[0]}", where=str(path)) from None


def _composed(text: str, reading: "_Loader") -> yaml.Node | None:
    """The nodes of a text. What libyaml refuses is read again by `reading`, whose messages say more."""
    if _is_shallow(text):
        try:
            root: yaml.Node | None = _Composer(text).get_single_node()
            return root
        except yaml.YAMLError:
            pass
    return reading.get_single_node()


def _is_shallow(text: str) -> bool:
    """Whether libyaml can read a text, which takes the stack of C for each level; it is ten times as fast."""
    deepens = text.count("[") + text.count("{") + text.count("- - ") + text.count("? ")
    return len(text) <= _SHORT and deepens <= _FEW


def _ends(node: yaml.Node, outer: tuple[int, ...], sizes: dict[int, int]) -> int:
    """How many values there are in a value; `sizes` are those of the collections. Refuses one that contains itself."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) in outer:
        raise yaml.MarkedYAMLError(problem="a value contains itself", problem_mark=node.start_mark)
    if id(node) not in sizes:
        parts = (part for item in node.value for part in (item if isinstance(item, tuple) else (item,)))
        sizes[id(node)] = 1 + sum(_ends(part, (*outer, id(node)), sizes) for part in parts)
    return sizes[id(node)]


def _stays_small(root: yaml.Node, values: int) -> None:
    """Refuse a document of more values than could be written at its length: its aliases repeat what repeats others."""
    if values > max(_MANY, root.end_mark.index - root.start_mark.index):
        raise yaml.MarkedYAMLError(problem="its aliases make it too large", problem_mark=root.start_mark)


class _Loader(yaml.SafeLoader):
    """The types that YAML shares with JSON, with every key once. Texts that YAML would take for a date stay texts."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ANN401 - whatever YAML has there
        """A value; one that looks like a number and is none, such as ``0x_``, is an error."""
        try:
            return super().construct_object(node, deep)
        except ValueError:
            problem = "a value looks like a number, and is none; put a text into quotes"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping; a key that is there twice is an error, and so is one that is no text or number."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                problem = "a key is a map or a list; put a text with braces or brackets into quotes"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f'key "{key.value}" is there twice', problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


_NOT_OF_JSON = ("binary", "omap", "pairs", "set", "timestamp")
_Loader.yaml_constructors = {
    tag: constructor
    for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
    if tag not in {f"tag:yaml.org,2002:{name}" for name in _NOT_OF_JSON}
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Composer(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """Reads nodes, with libyaml where PyYAML has it."""


_Composer.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers
