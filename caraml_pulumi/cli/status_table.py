"""The table of `caraml status`: a row for each endpoint and version, the reason in full below its row."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

from caraml_pulumi.model.modes import VersionStatus
from caraml_pulumi.model.states import Phase

if TYPE_CHECKING:
    from caraml_pulumi.status.report import EndpointReport, Report, VersionReport

HEADER: Final = ("MODEL", "VERSION", "STATUS", "PHASE", "REPLICAS", "WEIGHT", "RESTARTS", "URL")
_ALL: Final = tuple(range(len(HEADER)))
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
    """The lines of `report`, at most `width` wide where words allow it: reasons wrap, and are never cut.

    What does not fit beside the other columns gets lines of its own: first URLs, then the names of models.
    """
    rows = list(_rows(report))
    header = tuple(Text(name, "bold") for name in HEADER)
    widths = [max(cell_len(cells[index].plain) for cells in (header, *(row.cells for row in rows))) for index in _ALL]
    shown = next((some for some in (_ALL, _ALL[:-1]) if _width(widths, some) <= width), _ALL[1:-1])
    indent = widths[0] + 2 * len(GAP) if 0 in shown and widths[0] <= width // 2 else len(GAP)
    lines = [_line(header, widths, shown)]
    for row in rows:
        model, url = row.cells[0], row.cells[-1]
        lines += [model] if 0 not in shown and model.plain else []
        lines.append(_line(row.cells, widths, shown))
        below = [row.reason] if _ALL[-1] in shown else [row.reason, url]
        lines += [line for text in below for line in _wrapped(text, indent, width)]
    return Text("\n").join(lines)


def _width(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[index] for index in shown) + len(GAP) * (len(shown) - 1)


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


def _line(cells: Sequence[Text], widths: Sequence[int], shown: Iterable[int]) -> Text:
    line = Text()
    for index in shown:
        line.append_text(cells[index]).append(" " * (widths[index] - cell_len(cells[index].plain)) + GAP)
    line.rstrip()
    return line


def _wrapped(text: Text, indent: int, width: int) -> Iterator[Text]:
    """`text` over as many lines as it needs, indented; a word longer than a line stays whole."""
    line = ""
    for word in text.plain.split():
        if line and indent + cell_len(line) + 1 + cell_len(word) > width:
            yield Text(" " * indent + line, text.style)
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        yield Text(" " * indent + line, text.style)
