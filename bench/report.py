"""The results as a table for people and as JSON."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measure import Series


def document(results: Mapping[str, Sequence[Series]]) -> dict[str, Any]:
    """All results as JSON data, with the machine they are from."""
    return {
        "machine": {"processors": os.cpu_count(), "system": platform.platform(), "python": sys.version.split()[0]},
        "results": {title: [series.document() for series in found] for title, found in results.items()},
    }


def show(console: Console, title: str, results: Sequence[Series]) -> None:
    """A row for each operation; of each tool the median and range in seconds, and how often ours goes into theirs."""
    tools = list(dict.fromkeys(series.tool for series in results))
    table = Table("OPERATION", box=None, pad_edge=False, header_style="dim", title=title, title_justify="left")
    for tool in tools:
        table.add_column(tool.upper(), justify="right")
        if tool != "caraml":
            table.add_column("RATIO", justify="right")
    table.add_column("CPU", justify="right")
    table.add_column("MIB", justify="right")
    by_operation = {(series.operation, series.tool): series for series in results}
    for operation in dict.fromkeys(series.operation for series in results):
        ours = by_operation[operation, "caraml"]
        row = [operation]
        for tool in tools:
            series = by_operation.get((operation, tool))
            row.append(_seconds(series) if series else "")
            if tool != "caraml":
                row.append(_ratio(ours, series) if series else "")
        measured = ours.document()
        table.add_row(*row, f"{measured['cpu_seconds']:.2f}", f"{measured['peak_mib']:.0f}")
    console.print(table)
    console.print()


def _seconds(series: Series) -> str:
    seconds = series.document()["seconds"]
    return f"{series.median:.2f} ({seconds['min']:.2f}-{seconds['max']:.2f})"


def _ratio(ours: Series, other: Series) -> str:
    """How many times the other's time ours is, below 1 where ours is the faster."""
    return f"{ours.median / other.median:.2f}"
