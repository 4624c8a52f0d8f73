"""The table of `caraml status`: a row for each endpoint and version, the reason in full below its row."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

from caraml_pulumi.model.modes import VersionStatus
from caraml_pulumi.model.states import Phase

if TYPE_CHECKING:
    from caraml_pulumi.status.report import EndpointReport, Report, VersionReport

HEADER: Final = ("MODEL", "VERSION", "STATUS", "PHASE", "REPLICAS", "WEIGHT", "RESTARTS", "URL")
INDENT: Final = "  "
GAP: Final = "  "
_STYLES: Final = {
    VersionStatus.PENDING: "yellow",
    VersionStatus.RUNNING: "green",
    VersionStatus.SERVING: "green",
    VersionStatus.TERMINATED: "dim",
    VersionStatus.FAILED: "red",
    Phase.DEPLOYING: "yellow",
    Phase.DEPLOYED: "green",
    Phase.STOPPING: "yellow",
    Phase.STOPPED: "dim",
    Phase.FAILED: "red",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells of a row, and what stands below it."""

    cells: tuple[Text, ...]
    reason: Text


def status_table(report: "Report", width: int) -> Text:
    """The lines of `report`, each at most `width` wide where words allow it: reasons wrap, and are never cut.

    URLs stand in the last column if all fit there, else each on a line of its own.
    """
    rows = list(_rows(report))
    header = _Row(tuple(Text(name, "bold") for name in HEADER), Text())
    widths = [max(cell_len(row.cells[index].plain) for row in (header, *rows)) for index in range(len(HEADER))]
    beside = sum(widths) + len(GAP) * (len(widths) - 1) <= width
    lines = [_line(header.cells if beside else header.cells[:-1], widths)]
    for row in rows:
        lines.append(_line(row.cells if beside else row.cells[:-1], widths))
        below = [row.reason] if beside else [row.reason, row.cells[-1]]
        lines += [line for text in below if text.plain for line in _wrapped(text, width)]
    return Text("\n").join(lines)


def _rows(report: "Report") -> Iterator[_Row]:
    """The rows by model: its endpoint, then its versions; the model is named once."""
    models = [(one.endpoint.project, one.endpoint.model) for one in report.endpoints]
    models += [(one.version.project, one.version.model) for one in report.versions]
    for model in dict.fromkeys(sorted(models)):
        title = "/".join(model)
        for endpoint in report.endpoints:
            if (endpoint.endpoint.project, endpoint.endpoint.model) == model:
                yield _endpoint_row(title, endpoint)
                title = ""
        for version in report.versions:
            if (version.version.project, version.version.model) == model:
                yield _version_row(title, version)
                title = ""


def _endpoint_row(title: str, report: "EndpointReport") -> _Row:
    style = _STYLES[report.status]
    cells = (Text(title, "bold"), Text("endpoint"), Text(report.status.value, style))
    return _Row((*cells, *[Text()] * 4, _url(report.endpoint.url)), Text(report.reason, style))


def _version_row(title: str, report: "VersionReport") -> _Row:
    version, state = report.version, report.state
    replicas = " + ".join(f"{workload.ready}/{workload.desired}" for workload in state.workloads)
    style = _STYLES[state.phase]
    cells = (
        Text(title, "bold"),
        Text(str(version.version)),
        Text(state.status.value, _STYLES[state.status]),
        Text(state.phase.value, style),
        Text(replicas),
        Text("" if state.weight is None else f"{state.weight}%"),
        Text(str(state.restarts), "yellow" if state.restarts else ""),
        _url(version.url),
    )
    return _Row(cells, Text(state.reason, "dim" if state.phase is Phase.DEPLOYED else style))


def _url(url: str) -> Text:
    return Text(url, "cyan")


def _line(cells: Iterable[Text], widths: Iterable[int]) -> Text:
    line = Text()
    for cell, width in zip(cells, widths, strict=False):
        line.append_text(cell).append(" " * (width - cell_len(cell.plain)) + GAP)
    line.rstrip()
    return line


def _wrapped(text: Text, width: int) -> list[Text]:
    """`text` over as many lines as it needs, indented; a word longer than a line stays whole."""
    lines, line = [], Text(INDENT)
    for word in text.split():
        if cell_len(line.plain) + cell_len(word.plain) >= width and line.plain.strip():
            lines.append(line)
            line = Text(INDENT)
        line.append_text(Text(" " if line.plain.strip() else "")).append_text(word)
    return [*lines, line]
