"""Property paths as Pulumi writes them: ``spec.ports[0].port``, ``metadata.labels["a.b/c"]``, ``data.*``."""

import re
from collections.abc import Iterator
from typing import Final

from caraml_pulumi.engine.providers.base import DiffKind
from caraml_pulumi.engine.values import Properties, PropertyValue, Secret, same

PathKey = str | int
_STEP: Final = re.compile(r'\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\[(\*)\]|\.?([^.\[\]]+)')


def parse_path(path: str) -> list[PathKey]:
    """The keys in `path`; ``*`` stands for any. Raises ValueError for a malformed path."""
    keys: list[PathKey] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise ValueError(f"{path!r} is not a property path")
        index, quoted, star, name = match.groups()
        keys.append(int(index) if index is not None else _unquote(quoted) if quoted is not None else star or name)
        position = match.end()
    return keys


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def join_path(path: str, key: PathKey) -> str:
    """`path` with one more key."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if re.fullmatch(r"[^.\[\]\"]+", key):
        return f"{path}.{key}" if path else key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{escaped}"]'


def _matches(keys: list[PathKey], value: PropertyValue) -> Iterator[list[PathKey]]:
    """The concrete paths in `value` that `keys` stand for; the last key need not exist."""
    if not keys:
        yield []
        return
    head, rest = keys[0], keys[1:]
    inner = value.value if isinstance(value, Secret) else value
    if head == "*":
        found: list[PathKey] = list(inner) if isinstance(inner, dict) else []
        found += range(len(inner)) if isinstance(inner, list) else []
    else:
        found = [head]
    for key in found:
        for tail in _matches(rest, _child(inner, key)):
            yield [key, *tail]


def covers(path: list[PathKey], other: list[PathKey]) -> bool:
    """Whether `other` is `path`, where ``*`` is any key, or below it."""
    return len(path) <= len(other) and all(key in ("*", found) for key, found in zip(path, other, strict=False))


_ABSENT: Final = object()


def _child(value: PropertyValue, key: PathKey) -> PropertyValue:
    inner = value.value if isinstance(value, Secret) else value
    if isinstance(inner, dict) and isinstance(key, str):
        return inner.get(key, _ABSENT)
    if isinstance(inner, list) and isinstance(key, int) and key < len(inner):
        return inner[key]
    return _ABSENT


def _replaced(value: PropertyValue, keys: list[PathKey], old: PropertyValue) -> PropertyValue:
    """`value` with what `old` has at `keys`; where the parents differ in shape, `value` as it is."""
    if not keys:
        return old
    if isinstance(value, Secret):
        return Secret(_replaced(value.value, keys, old))
    key, rest = keys[0], keys[1:]
    inner_old = _child(old, key)
    if isinstance(value, dict) and isinstance(key, str):
        changed = dict(value)
        result = inner_old if not rest else _replaced(value.get(key, _ABSENT), rest, inner_old)
        if result is _ABSENT:
            changed.pop(key, None)
        else:
            changed[key] = result
        return changed
    if isinstance(value, list) and isinstance(key, int) and key < len(value) and inner_old is not _ABSENT:
        result = inner_old if not rest else _replaced(value[key], rest, inner_old)
        return [*value[:key], result, *value[key + 1 :]]
    return value


def keep_old(new: Properties, old: Properties, paths: list[str]) -> Properties:
    """`new` with the values of `old` at `paths`: what the resource option `ignore_changes` asks for."""
    kept: PropertyValue = new
    for path in paths:
        keys = parse_path(path)
        for concrete in [*_matches(keys, old), *_matches(keys, new)]:
            kept = _replaced(kept, concrete, old)
    result: Properties = kept
    return result


def changed_paths(old: PropertyValue, new: PropertyValue, path: str = "") -> dict[str, DiffKind]:
    """The paths at which `new` differs from `old`, with the kind of each change."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys: list[PathKey] = [*old, *(key for key in new if key not in old)]
    elif isinstance(old, list) and isinstance(new, list):
        keys = list(range(max(len(old), len(new))))
    else:
        return {} if same(old, new) else {path: "update"}
    found: dict[str, DiffKind] = {}
    for key in keys:
        before, after = _child(old, key), _child(new, key)
        inner = join_path(path, key)
        if before is _ABSENT:
            found[inner] = "add"
        elif after is _ABSENT:
            found[inner] = "delete"
        else:
            found |= changed_paths(before, after, inner)
    return found
