"""The ``caraml`` command: its subcommands, and what becomes of a failure.

Exit codes: those of `caraml_pulumi.errors`; 70 for a defect of ours, whose traceback goes to a file.
"""

import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, ClassVar, Final

import typer

from caraml_pulumi.cli.lazy import LazyGroup
from caraml_pulumi.cli.terminal import colors
from caraml_pulumi.errors import INTERRUPTED, CaramlError, CaramlErrors

DEFECT: Final = 70
"""Exit code of an internal error (EX_SOFTWARE of sysexits.h)."""


class _Commands(LazyGroup):
    sections: ClassVar = {
        "A platform's files": ("init", "add", "validate", "schema", "environment", "config"),
        "Changes": ("preview", "review", "up", "refresh", "destroy", "cancel"),
        "Models": ("status", "releases", "logs", "rollout", "promote", "history", "rollback"),
        "What they rest on": ("stack", "policy", "artifact", "operator", "cluster"),
    }
    sources: ClassVar = {
        "init": ("caraml_pulumi.cli.init:app", "Write a new repository of a platform."),
        "add": ("caraml_pulumi.cli.add:app", "Add a model, version, environment or project to the files."),
        "validate": ("caraml_pulumi.cli.validate:app", "Check the files of a platform, without a server."),
        "schema": ("caraml_pulumi.cli.schema:app", "Print the JSON Schema of a platform's files."),
        "environment": ("caraml_pulumi.cli.environment:app", "List, show and compare environments."),
        "preview": ("caraml_pulumi.cli.operations:preview_app", "Show what up would change."),
        "up": ("caraml_pulumi.cli.operations:up_app", "Create or update the resources of a stack."),
        "refresh": ("caraml_pulumi.cli.operations:refresh_app", "Bring the state up to what is really there."),
        "destroy": ("caraml_pulumi.cli.operations:destroy_app", "Delete everything in a stack."),
        "cancel": ("caraml_pulumi.cli.cancel:app", "Remove the lock of a run that no longer runs."),
        "review": ("caraml_pulumi.cli.review:app", "Say what up would do, in models' terms, for those who decide."),
        "status": ("caraml_pulumi.cli.status:app", "Show how the models of a stack are, and why."),
        "rollout": ("caraml_pulumi.cli.rollout:app", "Move a model's traffic to another version, step by step."),
        "promote": ("caraml_pulumi.cli.promote:app", "Bring what is deployed and healthy to another environment."),
        "releases": ("caraml_pulumi.cli.releases:app", "Show which version of each model is in which environment."),
        "logs": ("caraml_pulumi.cli.logs:app", "Print what the replicas of a model say."),
        "history": ("caraml_pulumi.cli.history:app", "List the updates of a stack or a model, show and compare them."),
        "rollback": ("caraml_pulumi.cli.rollback:app", "Restore the release of a model that an earlier update left."),
        "stack": ("caraml_pulumi.cli.stack:app", "List, create and remove stacks; their state and outputs."),
        "config": ("caraml_pulumi.cli.config:app", "Read and change a stack's configuration."),
        "policy": ("caraml_pulumi.cli.policy:app", "List, explain and test the rules of a policy pack."),
        "artifact": ("caraml_pulumi.cli.artifact:app", "Upload the files of a model, and tell their digest."),
        "doctor": ("caraml_pulumi.cli.doctor:app", "Check what is installed, reachable and configured."),
        "completion": ("caraml_pulumi.cli.completion:app", "Print what makes a shell complete this command."),
        "operator": ("caraml_pulumi.cli.operator:app", "Print the Pulumi Kubernetes Operator's objects."),
        "cluster": ("caraml_pulumi.cli.cluster:app", "Run a local Kubernetes control plane."),
    }


app = typer.Typer(
    cls=_Commands,
    name="caraml",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"caraml {version('caraml-pulumi')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Deploy machine-learning models to Kubernetes: preview, apply, list and undo changes."""


@app.command("version", help="Show the version.", epilog="Example: caraml version")
def _show_version() -> None:
    _print_version(True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit. `arguments` default to those of the process."""
    ended(lambda: typer.main.get_command(app).main(args=arguments, prog_name="caraml"))


def ended(command: Callable[[], None]) -> None:
    """Run `command`, and exit if it fails, in the way that every failure of ``caraml`` is shown."""
    _write_any_text()
    try:
        command()
    except KeyboardInterrupt:
        _leave_at_once()
    except CaramlError as error:
        report(error)
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            _leave_at_once()
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - whatever it is, a person gets one line and a file to report
        print(f"internal error: {type(error).__name__}: {error}", file=sys.stderr)
        print(f"  this is a bug in caraml; details: {_write_details(error)}", file=sys.stderr)
        sys.exit(DEFECT)


def report(error: CaramlError) -> None:
    """Print `error` to standard error: what, then its labelled parts."""
    sys.stdout.flush()
    red, plain = ("\033[1;31m", "\033[0m") if colors(sys.stderr) else ("", "")
    for single in error.errors if isinstance(error, CaramlErrors) else [error]:
        print(f"{red}error:{plain} {single}", file=sys.stderr)


def _write_any_text() -> None:
    """A terminal without Unicode shows a question mark rather than failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _leave_at_once() -> None:
    """After a second Ctrl-C: operations that still wait for a server must not hold the process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _write_details(error: Exception) -> str:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    path = Path(base) / "caraml" / f"error-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    text = "".join(traceback.format_exception(error))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"caraml {version('caraml-pulumi')}\n{text}", encoding="utf-8")
    except OSError as problem:
        return f"not written ({problem.strerror}: {path})\n{text}"
    return str(path)
