"""The tree of resources as aligned columns: sign, type, name, status, what changes."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Self

from rich.cells import cell_len
from rich.text import Text

from caraml_pulumi.engine.display.changes import MISSING, Change, Kind, changed_names
from caraml_pulumi.engine.display.layout import Line, lay_out, remarks_of
from caraml_pulumi.engine.display.ops import CHANGING, UNCHANGED, look
from caraml_pulumi.engine.display.tree import Row, Status, Tree
from caraml_pulumi.engine.display.values import plain_value, short_text

MAX_INLINE_CHANGES: Final = 4
"""Changed properties shown below a row; the rest is counted."""
MAX_TYPE: Final = 56
MAX_NAME: Final = 44
FOUND: Final = {"update": "drifted", "delete": "gone"}
"""What a refresh found, by operation on the state."""
_LIVE_STATUS: Final = 18
"""The least width of the status while it changes, so that what stands behind it does not move."""
KIND_STYLES: Final = {Kind.ADD: "green", Kind.UPDATE: "yellow", Kind.DELETE: "red"}


def table(tree: Tree, *, now: float, planning: bool, spinner: str = "", inline: bool = False) -> list[Text]:
    """The lines of the tree. `spinner` marks rows in progress; `inline` shows changed values below their rows."""
    lines = lay_out(tree)
    remarks = remarks_of(tree)
    last: Collection[str] = _deleted_last(tree) if planning else ()
    cells = [_Cells.of(line, line.row, remarks, now, planning, last) if line.row else None for line in lines]
    widths = _Cells.widths([cell for cell in cells if cell], least_status=_LIVE_STATUS if spinner else 0)
    rendered = []
    for line, cell in zip(lines, cells, strict=True):
        if line.row is None or cell is None:
            rendered.append(Text(f"    {line.guides}{line.folded} unchanged", "dim"))
            continue
        spins = bool(spinner) and line.status is Status.RUNNING and not planning
        rendered.append(_row_line(line, line.row, cell, widths, spinner if spins else look(line.row.op).sign))
        if inline and line.row.changed:
            rendered += [_below(line, text) for text in inline_changes(line.row)]
    return rendered


def short_type(token: str) -> str:
    """A type token without the parts that say nothing: ``caraml:index:Model`` is ``caraml:Model``."""
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    return f"{package}:{name}" if module in ("index", package) and name else token


def status_text(row: Row, status: Status, now: float, *, planning: bool) -> str:
    """What happens to the row: ``create``, ``creating (1.2s)``, ``created (1.3s)``, ``create failed``, ``drifted``."""
    if status is Status.FAILED or (status is Status.UNFINISHED and row.changed and not planning):
        return f"{look(row.op).planned} {status.value}"
    if row.refreshed and row.op in FOUND:
        return FOUND[row.op]
    if planning:
        return look(row.op).planned
    if status is Status.RUNNING:
        words = look(row.step if row.running else row.op).running
        return f"{words} ({seconds(row.elapsed(now))})" if row.custom and row.op not in UNCHANGED else words
    words = look(row.op).done
    return f"{words} ({seconds(row.duration)})" if row.custom and row.op not in UNCHANGED else words


def seconds(duration: float) -> str:
    """A duration for people: ``0.4s``, ``12s``, ``3m 05s``."""
    if duration < 10:
        return f"{duration:.1f}s"
    if duration < 60:
        return f"{duration:.0f}s"
    minutes, rest = divmod(round(duration), 60)
    return f"{minutes}m {rest:02}s"


def inline_changes(row: Row) -> list[Text]:
    """The first changed properties of an update or a replacement, each on a line of its own if it fits on one."""
    short = [text for change in row.changes if (text := _short_change(change)) is not None]
    shown = short[:MAX_INLINE_CHANGES]
    left = len(row.changes) - len(shown)
    if shown and left:
        shown.append(Text(f"… {left} more (--diff shows all)", "dim"))
    return shown


def _short_change(change: Change) -> Text | None:
    sides = [value for value in (change.old, change.new) if value is not MISSING]
    texts = [short_text(plain_value(value)) for value in sides]
    if None in texts:
        return None
    line = Text.assemble((f"{change.kind.value} ", KIND_STYLES[change.kind]), change.where)
    for text, before in zip(texts, (": ", " => "), strict=False):
        line.append(before, "dim").append(text or "")
    return line


@dataclass(frozen=True, slots=True)
class _Cells:
    """The columns of one row, before they are aligned."""

    type: str
    status: str
    info: Text | None
    type_width: int
    name_width: int

    @classmethod
    def of(
        cls,
        line: Line,
        row: Row,
        remarks: Mapping[str, Counter[str]],
        now: float,
        planning: bool,
        deleted_last: Collection[str],
    ) -> Self:
        token = short_type(row.type)
        info = _info(row, remarks, planning, deleted_last)
        status = status_text(row, line.status, now, planning=planning)
        return cls(token, status, info, cell_len(line.guides + token), cell_len(row.name))

    @staticmethod
    def widths(cells: "list[_Cells]", least_status: int) -> tuple[int, int, int]:
        types = min(MAX_TYPE, max((cell.type_width for cell in cells), default=0))
        names = min(MAX_NAME, max((cell.name_width for cell in cells), default=0))
        statuses = max((len(cell.status) for cell in cells if cell.info), default=0)
        return types, names, max(statuses, least_status)


def _row_line(line: Line, row: Row, cell: _Cells, widths: tuple[int, int, int], sign: str) -> Text:
    types, names, statuses = widths
    style = row_style(row, line.status)
    text = Text.assemble(
        " ",
        (f"{sign:<2} ", style),
        (line.guides, "dim"),
        (_fit(cell.type, max(types - cell_len(line.guides), 8)), "" if row.changed else "dim"),
        "  ",
        (_fit(row.name, names), "bold" if row.changed else "dim"),
        "  ",
        (f"{cell.status:<{statuses}}", style),
    )
    if cell.info:
        text.append("  ").append(cell.info)
    text.rstrip()
    return text


def row_style(row: Row, status: Status) -> str:
    """The colour of a row's sign and status."""
    return {Status.FAILED: "bold red", Status.UNFINISHED: "red"}.get(status) or look(row.op).style


def _deleted_last(tree: Tree) -> frozenset[str]:
    """What is deleted only after other changes: the topmost rows of it. Pulumi deletes when all else is done."""
    if not any(row.op != "delete" and row.changed and row.custom for row in tree.rows.values()):
        return frozenset()
    deleted = {row.urn: row.parent for row in tree.rows.values() if row.op == "delete"}
    return frozenset(urn for urn, parent in deleted.items() if parent not in deleted)


_REASONS: Final = {
    "id": "as asked for",
    "provider": "has another provider",
    "replaceWith": "with what it is to be replaced with",
    "deletedWith": "with what it is to be deleted with",
    "replacementTrigger": "another replacement_trigger",
    "#initerror": "was not ready",
}
"""Why a resource is replaced, where no property of it says so; the keys are Pulumi's."""


def _info(row: Row, remarks: Mapping[str, Counter[str]], planning: bool, deleted_last: Collection[str]) -> Text | None:
    parts = []
    if row.urn in deleted_last:
        parts.append(Text("[after the other changes]", "dim"))
    if row.running and row.message and not planning:
        parts.append(Text(row.message, "italic"))
    elif row.op in CHANGING and row.changes:
        parts.append(Text(f"[diff: {changed_names(row.changes)}]", "dim"))
    elif row.op == "update" and (row.metadata.get("old") or {}).get("initErrors"):
        parts.append(Text("[was not ready]", "dim"))
    parts += [Text(f"[{_REASONS[key]}]", "dim") for key in row.metadata.get("keys") or [] if key in _REASONS]
    for kind, count in sorted(remarks.get(row.urn, Counter()).items()):
        parts.append(Text(f"{count} {kind}{'s' if count > 1 else ''}", "yellow" if kind == "warning" else "red"))
    return Text("  ").join(parts) if parts else None


def _below(line: Line, text: Text) -> Text:
    return Text.assemble("    ", (line.below, "dim"), " ", text)


def _fit(text: str, width: int) -> str:
    """`text` padded to `width` cells, or shortened in the middle, where names are least telling."""
    space = width - cell_len(text)
    if space >= 0:
        return text + " " * space
    half = (width - 1) // 2
    return text[:half] + "…" + text[len(text) - (width - 1 - half) :]
