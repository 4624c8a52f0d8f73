"""Property-level diffs: every changed property with its old and new value, as a tree."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final

from rich.text import Text

from caraml_pulumi.engine.display.changes import MISSING, Change, Kind, compare
from caraml_pulumi.engine.display.layout import lay_out
from caraml_pulumi.engine.display.ops import CHANGING, look
from caraml_pulumi.engine.display.paths import format_path
from caraml_pulumi.engine.display.table import KIND_STYLES, row_style, short_type
from caraml_pulumi.engine.display.tree import Row, Tree
from caraml_pulumi.engine.display.values import entry_lines, flow_text, is_multiline, plain_value, short_text
from caraml_pulumi.engine.values import PropertyValue

CONTEXT: Final = 2
"""Unchanged lines shown around a changed one."""
_INDENT: Final = "    "


def diff(tree: Tree) -> list[Text]:
    """All changed resources with their changed properties; new and deleted ones with all of them."""
    lines: list[Text] = []
    for line in lay_out(tree):
        indent = _INDENT * line.depth
        if line.row is None:
            lines.append(Text(f"   {indent}{line.folded} unchanged", "dim"))
            continue
        lines.append(_header(line.row, indent))
        lines += [Text(f"   {indent}{_INDENT}").append_text(text) for text in _properties(line.row)]
    return lines


def change_lines(changes: list[Change]) -> list[Text]:
    """`changes`, which are sorted by path, with common beginnings of their paths written once."""
    return list(_grouped(changes, 0))


def _header(row: Row, indent: str) -> Text:
    style = row_style(row, row.status)
    words = look(row.op).planned
    return Text.assemble(
        (f"{look(row.op).sign:<2} ", style),
        indent,
        (f"{short_type(row.type)} ", "" if row.changed else "dim"),
        (row.name, "bold" if row.changed else "dim"),
        (f"  {words}" if words else "", style),
        (_identity(row), "dim"),
    )


def _identity(row: Row) -> str:
    identity = (row.metadata.get("old") or {}).get("id")
    return f"  [id={identity}]" if identity and row.changed else ""


def _properties(row: Row) -> Iterator[Text]:
    if row.op in CHANGING:
        yield from change_lines(row.changes)
    elif row.op in ("create", "delete", "read", "import"):
        state = row.metadata.get("old" if row.op == "delete" else "new") or {}
        style = {"create": "green", "delete": "red"}.get(row.op, "")
        for key, value in sorted((state.get("inputs") or {}).items()):
            if not key.startswith("__"):
                yield from (Text(text, style) for text in entry_lines(key, plain_value(value)))


def _grouped(changes: list[Change], at: int) -> Iterator[Text]:
    for _, group in groupby(changes, key=lambda change: change.path[at]):
        members = list(group)
        end = _common_end(members, at)
        if len(members) == 1:
            yield from _leaf(members[0], format_path(members[0].path[at:]))
        elif any(len(member.path) == end for member in members):
            for member in members:
                yield from _leaf(member, format_path(member.path[at:]))
        else:
            yield Text.assemble(("~ ", "yellow"), f"{format_path(members[0].path[at:end])}:")
            yield from (Text("  ").append_text(text) for text in _grouped(members, end))


def _common_end(changes: list[Change], at: int) -> int:
    """How many leading parts the paths share."""
    end = at + 1
    shortest = min(len(change.path) for change in changes)
    while end < shortest and len({change.path[end] for change in changes}) == 1:
        end += 1
    return end


def _leaf(change: Change, label: str) -> Iterator[Text]:
    old, new = plain_value(change.old), plain_value(change.new)
    note = Text("  (forces replacement)", "magenta") if change.replaces else Text()
    if change.kind is not Kind.UPDATE:
        yield from _whole(change.kind, label, old if change.kind is Kind.DELETE else new, note)
        return
    mark = Text("~ ", "yellow")
    if old is MISSING or new is MISSING:
        yield Text.assemble(mark, label, note)
    elif isinstance(old, dict) and isinstance(new, dict) and old and new and old != new:
        yield Text.assemble(mark, f"{label}:", note)
        yield from (Text("  ").append_text(text) for text in change_lines(list(compare((), old, new))))
    elif is_multiline(old) and is_multiline(new):
        yield Text.assemble(mark, f"{label}: |", note)
        yield from _line_diff(str(old).split("\n"), str(new).split("\n"))
    elif isinstance(old, list) and isinstance(new, list) and (short_text(old) is None or short_text(new) is None):
        yield Text.assemble(mark, f"{label}:", note)
        yield from _line_diff([flow_text(item) for item in old], [flow_text(item) for item in new])
    elif is_multiline(old) or is_multiline(new) or isinstance(old, dict | list) or isinstance(new, dict | list):
        yield from _whole(Kind.DELETE, label, old, Text())
        yield from _whole(Kind.ADD, label, new, note)
    else:
        yield Text.assemble(mark, f"{label}: {flow_text(old)}", (" => ", "dim"), flow_text(new), note)


def _whole(kind: Kind, label: str, value: PropertyValue, note: Text) -> Iterator[Text]:
    style = KIND_STYLES[kind]
    first, *rest = [label] if value is MISSING else entry_lines(label, value)
    yield Text.assemble((f"{kind.value} {first}", style), note)
    yield from (Text(f"  {text}", style) for text in rest)


def _line_diff(old: list[str], new: list[str]) -> Iterator[Text]:
    """The changed lines with `CONTEXT` unchanged ones around them."""
    for number, group in enumerate(SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT)):
        if number:
            yield Text("    …", "dim")
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                yield from (Text(f"    {text}", "dim") for text in old[old_start:old_end])
            else:
                yield from (Text(f"  - {text}", "red") for text in old[old_start:old_end])
                yield from (Text(f"  + {text}", "green") for text in new[new_start:new_end])
