"""The order and indentation of a tree's rows, with unchanged resources folded away."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from caraml_pulumi.engine.display.tree import Row, Status, Tree


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the tree, or (`row` is None) the number of unchanged resources folded at this place.

    `guides` is what stands before the row, `below` before further lines about it; `depth` counts its ancestors.
    `status` is the row's own, or for a component that of the resources in it, as it is no further than they are.
    """

    row: Row | None
    folded: int
    depth: int
    guides: str
    below: str
    status: Status = Status.DONE


def lay_out(tree: Tree) -> list[Line]:
    """The rows that matter, parents before children: changed, failed or with messages, and all their ancestors.

    Siblings are sorted by type and name: events come in a different order at every run, and logs should compare. What
    is deleted comes last, as it does when it is done.
    """
    children: dict[str, list[Row]] = {}
    for row in tree.rows.values():
        children.setdefault(row.parent if row.parent in tree.rows else "", []).append(row)
    for siblings in children.values():
        siblings.sort(key=lambda row: (row.op == "delete", row.type, _natural(row.name)))
    remarked = remarks_of(tree)
    sizes: dict[str, int] = {}
    visible: dict[str, bool] = {}
    statuses: dict[str, Status] = {}

    def measure(row: Row) -> None:
        own = children.get(row.urn, [])
        for child in own:
            measure(child)
        sizes[row.urn] = 1 + sum(sizes[child.urn] for child in own)
        statuses[row.urn] = row.status if row.custom else _least([row.status, *(statuses[child.urn] for child in own)])
        visible[row.urn] = (
            row.op != "same" or row.changed or row.urn in remarked or any(visible[child.urn] for child in own)
        )

    def walk(rows: list[Row], depth: int, stem: str) -> Iterator[Line]:
        shown = [row for row in rows if visible[row.urn]]
        folded = sum(sizes[row.urn] for row in rows if not visible[row.urn])
        for index, row in enumerate(shown):
            last = index == len(shown) - 1 and not folded
            guides = "" if not depth else stem + ("└─ " if last else "├─ ")
            below = "" if not depth else stem + ("   " if last else "│  ")
            own = children.get(row.urn, [])
            rail = "│ " if own else "  "
            yield Line(row, 0, depth, guides, below + rail, statuses[row.urn])
            yield from walk(own, depth + 1, below)
        if folded:
            yield Line(None, folded, depth, stem + "└─ " if depth else "", "")

    for root in children.get("", []):
        measure(root)
    return list(walk(children.get("", []), 0, ""))


def _natural(name: str) -> list[tuple[int, str]]:
    """A sort key by which ``iris-2`` comes before ``iris-10``."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def _least(statuses: list[Status]) -> Status:
    """How far something is that is done when all of `statuses` are."""
    if Status.RUNNING in statuses:
        return Status.RUNNING
    return Status.DONE if set(statuses) == {Status.DONE} else Status.UNFINISHED


def remarks_of(tree: Tree) -> dict[str, Counter[str]]:
    """How many errors, warnings and policy violations each resource has."""
    remarks: dict[str, Counter[str]] = {}
    for item in tree.diagnostics:
        if item.severity in ("warning", "error"):
            remarks.setdefault(item.urn, Counter())[item.severity] += 1
    for violation in tree.violations:
        remarks.setdefault(violation.urn, Counter())["policy violation"] += 1
    return remarks
