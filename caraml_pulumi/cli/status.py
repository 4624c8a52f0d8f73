"""`caraml status`: how the models of a stack are."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.common import HERE, Cwd, Json, Stack, load_with_journal, note, print_json, resolve_target
from caraml_pulumi.cli.operations import Stacks
from caraml_pulumi.cli.options import Env, Every
from caraml_pulumi.errors import INTERRUPTED, UNHEALTHY, USAGE, CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.status.report import Report

app = typer.Typer(add_completion=False)
POLL_SECONDS: Final = 2.0
"""How often `--watch` looks."""
Model = Annotated[
    str | None,
    typer.Argument(
        metavar="[[PROJECT/]MODEL[/VERSION]]",
        help="A model, or one version.",
        show_default="all",
        autocompletion=complete.versions,
    ),
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Go on, and show what changes, until Ctrl-C.")]


@app.command(name="status", epilog="Example: caraml status iris --stack dev --watch")
def status(
    model: Model = None,
    cwd: Cwd = HERE,
    stack: Stack = None,
    every: Every = False,
    env: Env = None,
    watch: Watch = False,
    json: Json = False,
) -> None:
    """Show the models of a stack: state, replicas, weights, restarts, and why something is not as it should be.

    Exit code 7 if the newest change of a version has failed, or an endpoint does not answer.
    """
    from caraml_pulumi.engine.state.times import timestamp
    from caraml_pulumi.status.selection import Selection
    from caraml_pulumi.status.survey import survey

    selection = Selection.parse(model)
    if Stacks(cwd, stack, every, env, None).every:
        from caraml_pulumi.cli.many_stacks import stack_name
        from caraml_pulumi.cli.many_status import show_status_of_all

        if watch:
            raise CaramlError("--watch is for one stack", fix="leave out --all or --watch", exit_code=USAGE)
        show_status_of_all(cwd, stack_name(env, stack), selection, as_json=json)
        return
    target = resolve_target(cwd, stack)

    def take() -> "Report":
        return survey(*load_with_journal(target), selection)

    def show(report: "Report") -> None:
        if json:
            print_json({"project": target.project.name, "stack": target.stack, "time": timestamp(), **report.props()})
        else:
            _show(report)

    if watch:
        try:
            _watch(take, show, as_json=json)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
    report = take()
    if json or not report.is_empty:
        show(report)
    else:
        note(f"the stack {target.stack} deploys no model")
    if report.failed:
        raise typer.Exit(UNHEALTHY)


def _show(report: "Report") -> None:
    from caraml_pulumi.cli.status_table import status_table
    from caraml_pulumi.cli.terminal import console

    screen = console()
    screen.print(status_table(report, screen.width), soft_wrap=True)


def _watch(take: Callable[[], "Report"], show: Callable[["Report"], None], *, as_json: bool) -> None:
    """Show reports without end: in place on a terminal, elsewhere each that differs from the one before."""
    from caraml_pulumi.cli.terminal import is_interactive

    if is_interactive() and not as_json:
        _watch_live(take)
    before: object = None
    while True:
        report = take()
        if (now := report.props()) != before:
            before = now
            show(report)
            sys.stdout.flush()
        time.sleep(POLL_SECONDS)


def _watch_live(take: Callable[[], "Report"]) -> None:
    """Show reports in one place; a cluster that cannot be reached for a while is said so, and asked again."""
    from rich.live import Live
    from rich.text import Text

    from caraml_pulumi.cli.status_table import status_table
    from caraml_pulumi.cli.terminal import console
    from caraml_pulumi.kube import ClusterUnreachable

    with Live(console=console(), auto_refresh=False) as live:
        while True:
            try:
                live.update(status_table(take(), live.console.width), refresh=True)
            except ClusterUnreachable as error:
                live.update(Text(str(error), "red"), refresh=True)
            time.sleep(POLL_SECONDS)
