"""Giving a YAML text other data: what stays keeps its place, its comments, its quotes and its style."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic.alias_generators import to_camel

from caraml_pulumi.engine.state.yaml_edit import edited
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.stack_files.document import documents

_IDENTITIES: Final = ("version", "name")
"""What tells the items of a list apart: the first of these that they have."""


def rewritten(text: str, document: Mapping[str, Any]) -> str:
    """`text`, a YAML mapping, with the data of `document`, plain values.

    A comment stays with what it stands beside, and one that stands before something that goes stays as well. Where the
    text cannot be kept, because it repeats itself through aliases, the document is written anew.
    """
    from ruamel.yaml.error import YAMLError

    before = _data(text)
    if before == document:
        return text
    try:
        result = edited(text, lambda node: _take_over(node, document))
        if before and _data(result) == document:
            return result
    except (YAMLError, CaramlError, KeyError):
        pass  # an alias that cannot be changed in one of its places alone
    comments = "" if before else text
    return comments + yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)


class _Dumper(yaml.SafeDumper):
    """Indents the items of lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _data(text: str) -> Any:  # noqa: ANN401 - whatever YAML has there
    found = documents(Path(), text)
    return found[0].data if len(found) == 1 else {}


def _is_map(node: object) -> bool:
    return isinstance(node, dict)


def _take_over(node: Any, data: Any) -> None:  # noqa: ANN401 - ruamel's collections
    if isinstance(data, Mapping):
        _map(node, data)
    else:
        _list(node, data)


def _map(node: Any, data: Mapping[str, Any]) -> None:  # noqa: ANN401 - as above
    for key in [key for key in node if key not in data]:
        camel = to_camel(str(key))
        if camel != key and camel in data and camel not in node:
            _rename(node, key, camel)
        else:
            _remove(node, key)
    for key, value in data.items():
        if key in node:
            _replace(node, key, value)
        else:
            after = _detach(node, next(reversed(node))) if node else ""
            node[key] = _new(value)
            _attach(node, key, after)


def _list(node: Any, data: list[Any]) -> None:  # noqa: ANN401 - as above
    for index in reversed(range(len(node))):
        if not any(_same(node[index], item) for item in data):
            _remove(node, index)
    for index, item in enumerate(data):
        found = next((at for at in range(index, len(node)) if _same(node[at], item)), None)
        if found is None:
            after = _detach(node, index - 1) if index else ""
            node.insert(index, _styled_like(node, item))
            _attach(node, index, after)
            continue
        if found != index:
            moved, after = node[found], _detach(node, found)
            _remove(node, found)
            node.insert(index, moved)
            _attach(node, index, after)
        _replace(node, index, item)
    while len(node) > len(data):
        _remove(node, len(node) - 1)


def _same(one: object, other: object) -> bool:
    """Whether two items of lists are about the same thing."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return type(one) is type(other) and one == other
    identity = next((name for name in _IDENTITIES if name in one or name in other), None)
    return identity is None or (identity in one and identity in other and one[identity] == other[identity])


def _replace(node: Any, key: Any, value: Any) -> None:  # noqa: ANN401 - as above
    from ruamel.yaml.scalarstring import ScalarString

    after = _detach(node, key)
    old = node[key]
    if (isinstance(old, dict) and isinstance(value, Mapping)) or (isinstance(old, list) and isinstance(value, list)):
        _take_over(old, value)
    elif old != value or isinstance(old, bool) is not isinstance(value, bool):
        node[key] = type(old)(value) if isinstance(old, ScalarString) and isinstance(value, str) else _new(value)
    _attach(node, key, after)


def _rename(node: Any, old: str, new: str) -> None:  # noqa: ANN401 - as above
    position = list(node).index(old)
    comments = node.ca.items.pop(old, None)
    node.insert(position, new, node.pop(old))
    if comments:
        node.ca.items[new] = comments


def _remove(node: Any, key: Any) -> None:  # noqa: ANN401 - as above
    """Remove a value; the comments on the lines after it, which are about what follows, stay."""
    after = _detach(node, key)
    keys = list(node) if _is_map(node) else list(range(len(node)))
    position = keys.index(key)
    del node[key]
    if _is_map(node):
        node.ca.items.pop(key, None)
    if after and position:
        _attach(node, keys[position - 1], after)
    elif after and len(node):
        first = next(iter(node)) if _is_map(node) else 0
        lines = "\n".join(
            line.strip().removeprefix("#").removeprefix(" ") for line in after.splitlines() if line.strip()
        )
        node.yaml_set_comment_before_after_key(first, before=lines, indent=node.lc.col)


def _styled_like(siblings: Any, item: Any) -> Any:  # noqa: ANN401 - as above
    """An item for a list, in one line if its siblings are."""
    from ruamel.yaml.comments import CommentedMap

    if not (isinstance(item, Mapping) and siblings and isinstance(siblings[0], CommentedMap)):
        return _new(item)
    styled = _new(item)
    if siblings[0].fa.flow_style():
        styled.fa.set_flow_style()
    return styled


def _new(value: object) -> Any:  # noqa: ANN401 - as above
    """A value as ruamel has it, with quotes around texts that YAML 1.1 takes for something else: yes, 12:30."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, Mapping):
        return CommentedMap((_new(key), _new(item)) for key, item in value.items())
    if isinstance(value, list):
        return CommentedSeq(_new(item) for item in value)
    if isinstance(value, str) and yaml.safe_dump(value).startswith(("'", '"')):
        return DoubleQuotedScalarString(value)
    return value


def _place(node: Any, key: Any) -> tuple[Any, Any, int]:  # noqa: ANN401 - as above
    """Where the comments after a value are kept: the innermost collection that ends with it, its key, and a slot."""
    value: Any = node[key]
    while hasattr(value, "ca") and value and not value.fa.flow_style():
        node, key = value, next(reversed(value)) if _is_map(value) else len(value) - 1
        value = node[key]
    return node, key, 2 if _is_map(node) else 0


def _detach(node: Any, key: Any) -> str:  # noqa: ANN401 - as above
    """Take the comments on the lines after a value away; the one on its own line stays."""
    holder, at, slot = _place(node, key)
    comments = holder.ca.items.get(at)
    if not comments or not comments[slot]:
        return ""
    own, _, after = comments[slot].value.partition("\n")
    if own:
        comments[slot].value = f"{own}\n"
    else:
        comments[slot] = None
    return str(after)


def _attach(node: Any, key: Any, after: str) -> None:  # noqa: ANN401 - as above
    from ruamel.yaml.error import CommentMark
    from ruamel.yaml.tokens import CommentToken

    if not after:
        return
    holder, at, slot = _place(node, key)
    comments = holder.ca.items.setdefault(at, [None, None, None, None])
    if comments[slot]:
        comments[slot].value = comments[slot].value.rstrip("\n") + "\n" + after
    else:
        comments[slot] = CommentToken("\n" + after, CommentMark(0), None)
