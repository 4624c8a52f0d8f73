"""``caraml status --all``: how the models of the stacks of one environment are, project by project."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from caraml_pulumi.cli.common import load_with_journal, note, print_json
from caraml_pulumi.cli.many_stacks import find_stacks
from caraml_pulumi.cli.terminal import console
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.engine.state.times import timestamp
from caraml_pulumi.errors import UNHEALTHY, CaramlError
from caraml_pulumi.status.deployed import read_deployed
from caraml_pulumi.status.selection import Selection
from caraml_pulumi.status.state import current_state
from caraml_pulumi.status.survey import survey

if TYPE_CHECKING:
    from caraml_pulumi.engine.api import Target
    from caraml_pulumi.status.report import Report


def show_status_of_all(directory: Path, stack: str, selection: Selection, *, as_json: bool) -> None:
    """Show each stack; what is wrong with one hides none of the others.

    Raises:
        CaramlError: no stack deploys the model that is asked for, a stack cannot be looked at, or a model is not well;
            the exit code is the worst of all.
    """
    reports: dict[str, Report] = {}
    found = find_stacks(directory, stack)
    failures = dict(found.broken)
    for target in found.targets:
        name = f"{target.project.name}/{target.stack}"
        try:
            if not _deploys(target, selection):
                continue
            reports[name] = survey(*load_with_journal(target), selection)
        except CaramlError as error:
            failures[name] = error
            continue
        if not as_json:
            _show(name, reports[name])
    if not reports and not failures:
        what = f'"{selection}"' if selection.model else "any model"
        raise CaramlError(f"no stack {stack!r} of the projects under {directory.absolute()} deploys {what}")
    if as_json:
        told = [{"stack": name, "time": timestamp(), **report.props()} for name, report in reports.items()]
        print_json([*told, *({"stack": name, "error": str(error)} for name, error in failures.items())])
    _raise(reports, failures)


def _deploys(target: "Target", selection: Selection) -> bool:
    """Whether the stack is there, not only its configuration, and has what is selected."""
    document = open_backend(target.backend_url).load(target.project.name, target.stack)
    if document is None:
        return False
    deployed = read_deployed(current_state(document))
    models = [(one.model, one.project) for one in deployed.versions]
    models += [(one.model, one.project) for one in deployed.endpoints]
    return any(selection.includes(*model) for model in models)


def _show(name: str, report: "Report") -> None:
    from caraml_pulumi.cli.status_table import status_table

    screen = console()
    screen.print(f"{name}:", style="bold", soft_wrap=True)
    screen.print(status_table(report, screen.width), soft_wrap=True)
    screen.print()


def _raise(reports: "dict[str, Report]", failures: dict[str, CaramlError]) -> None:
    """Say what is wrong. Raises `CaramlError` for all of it together."""
    unwell = [name for name, report in reports.items() if report.failed]
    if not unwell and not failures:
        return
    sys.stdout.flush()
    for name, error in failures.items():
        note(f"{name}: {error}")
    parts = [f"not well: {', '.join(unwell)}"] if unwell else []
    parts += [f"cannot be looked at: {', '.join(failures)}"] if failures else []
    codes = [error.exit_code for error in failures.values()] + [UNHEALTHY] * bool(unwell)
    raise CaramlError("; ".join(parts), exit_code=max(codes))
