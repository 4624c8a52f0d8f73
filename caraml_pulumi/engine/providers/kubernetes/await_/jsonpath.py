"""The part of JSONPath (RFC 9535) that status fields need: names, indexes, wildcards and comparing filters."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

Json = Any
Step = Callable[[Json], Iterator[Json]]

_STEP: Final = re.compile(
    r"""\.(?P<name>[^.\[\]\s'"?*]+)
      | (?:\.|\[)(?P<any>\*)\]?
      | \[(?P<index>-?\d+)\]
      | \['(?P<single>[^']*)'\] | \["(?P<double>[^"]*)"\]
      | \[\?\(?\s*@(?P<left>[^=!\s)]+)\s*(?:(?P<operator>[=!]=)\s*(?P<right>'[^']*'|"[^"]*"|[^\s\])]+)\s*)?\)?\]""",
    re.VERBOSE,
)


def parse_json_path(text: str) -> Callable[[Json], list[Json]]:
    """A function that selects what `text` (``$.status.conditions[?(@.type=="Ready")].status``) points to.

    Raises ValueError for anything it does not understand.
    """
    steps = list(_steps(text.removeprefix("$")))

    def select(value: Json) -> list[Json]:
        found = [value]
        for step in steps:
            found = [item for parent in found for item in step(parent)]
        return found

    return select


def _steps(text: str) -> Iterator[Step]:
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"cannot read {text[position:]!r}")
        yield _step(match)
        position = match.end()


def _step(match: re.Match[str]) -> Step:
    part = match.groupdict()
    if part["any"]:
        return _children
    if part["index"] is not None:
        return _element(int(part["index"]))
    if part["left"] is not None:
        return _filter(parse_json_path(part["left"]), part["operator"], part["right"])
    return _field(next(part[key] for key in ("name", "single", "double") if part[key] is not None))


def _children(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _field(name: str) -> Step:
    return lambda value: iter([value[name]] if isinstance(value, dict) and name in value else [])


def _element(index: int) -> Step:
    return lambda value: iter([value[index]] if isinstance(value, list) and -len(value) <= index < len(value) else [])


def _filter(select: Callable[[Json], list[Json]], operator: str | None, right: str | None) -> Step:
    def kept(item: Json) -> bool:
        found = select(item)
        if operator is None:
            return bool(found)
        equal = bool(found) and as_text(found[0]) == str(right).strip("'\"")
        return equal == (operator == "==")

    return lambda value: (item for item in _children(value) if kept(item))


def as_text(value: Json) -> str:
    """A scalar as it is compared: JSON's spelling of booleans and null, no quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
