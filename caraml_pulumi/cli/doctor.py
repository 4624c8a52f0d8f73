"""`caraml doctor`: what is installed, reachable and configured, and how to mend what is not."""

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.common import (
    HERE,
    STACK_VARIABLES,
    Cwd,
    Json,
    default_packs,
    known_stacks,
    print_json,
    project_backend,
)
from caraml_pulumi.cli.options import ColorOption
from caraml_pulumi.cli.terminal import Color, apply_color, colors
from caraml_pulumi.errors import FAILED, CaramlError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from caraml_pulumi.doctor.checks import Check, Finding
    from caraml_pulumi.engine.state.backend import Backend
    from caraml_pulumi.engine.state.project import Project
    from caraml_pulumi.stack_files import StackFiles

app = typer.Typer(add_completion=False)

_SECONDS: Final = 10.0
_SIGNS: Final = {"ok": ("ok", "32"), "note": ("--", "2"), "warning": ("warn", "33"), "failed": ("FAIL", "1;31")}
"""How each level is shown, and in which colour."""


@app.command(name="doctor", epilog="Example: caraml doctor --stack dev")
def doctor(
    cwd: Cwd = HERE,
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            "-s",
            metavar="NAME",
            help="Only this stack.",
            show_default="all of the project",
            autocompletion=complete.stacks,
        ),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Also what the local control plane is built with: caraml cluster up.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="How long each check may take.")
    ] = _SECONDS,
    json: Json = False,
    color: ColorOption = Color.AUTO,
) -> None:
    """Check what is installed, reachable and configured, and say how to mend what is not. Nothing is changed.

    Exit code 1 if something that is needed is wrong.
    """
    apply_color(color)
    from caraml_pulumi.doctor.checks import Level, run_checks

    findings = list(run_checks(_checks(cwd, stack, local=local), timeout))
    wrong = sum(finding.level is Level.FAILED for _, finding in findings)
    if json:
        print_json([_document(area, finding) for area, finding in findings])
    else:
        _print(findings)
        doubts = sum(finding.level is Level.WARNING for _, finding in findings)
        print(f"\n{len(findings)} checks: {wrong} failed, {doubts} with a warning")
    if wrong:
        raise typer.Exit(FAILED)


def _checks(cwd: "Path", stack: str | None, *, local: bool) -> "list[Check]":
    from caraml_pulumi.doctor import machine
    from caraml_pulumi.doctor.checks import Check, failed
    from caraml_pulumi.doctor.stack import AREA, StackChecks, project_checks
    from caraml_pulumi.engine.state.project import load_project

    try:
        project = load_project(cwd)
        backend = project_backend(project)
        stacks = _stacks(project, backend, stack)
    except CaramlError as error:
        found = failed("project", error)
        return [*machine.checks(None, cluster=local), Check(AREA, "project", lambda: [found])]
    checks = [*machine.checks(project.root, cluster=local), *project_checks(project, backend)]
    for name in stacks:
        files = cache(lambda name=name: _files(project, name))
        checks += StackChecks(project, backend, name, files, default_packs(project, name)).checks()
        checks += _cluster_checks(project, name, files)
    return checks


def _stacks(project: "Project", backend: "Backend", stack: str | None) -> list[str]:
    known = known_stacks(project, backend)
    named = stack or next((text for name in STACK_VARIABLES if (text := os.environ.get(name))), "")
    name = named.rpartition("/")[2]
    if name and name not in known:
        raise CaramlError(f"there is no stack {name!r}", allowed=", ".join(known), fix=f"caraml stack init {name}")
    return [name] if name else known


def _files(project: "Project", stack: str) -> "StackFiles":
    from caraml_pulumi.scaffold.staging import read_files

    return read_files(project.stack_config_dir, stack)


def _cluster_checks(project: "Project", stack: str, files: "Callable[[], StackFiles]") -> "list[Check]":
    from caraml_pulumi.doctor.cluster import ClusterChecks
    from caraml_pulumi.engine.state.config import load_stack_config

    try:
        entries = load_stack_config(project, stack).entries()
    except CaramlError:
        entries = {}  # the check of the files tells
    chosen = {name: entries.get(f"kubernetes:{name}") for name in ("kubeconfig", "context")}
    named = {name: value for name, value in chosen.items() if isinstance(value, str)}
    return ClusterChecks(stack, files, **named).checks()


def _document(area: str, finding: "Finding") -> dict[str, Any]:
    return {
        "area": area,
        "matter": finding.matter,
        "level": finding.level.value,
        "text": finding.text,
        "fix": finding.fix,
    }


def _print(findings: "Sequence[tuple[str, Finding]]") -> None:
    """The findings by area, each on a line, and how to mend it on the next."""
    colored = colors(sys.stdout)
    width = max(len(finding.matter) for _, finding in findings)
    for area in dict.fromkeys(area for area, _ in findings):
        print(f"\n{area}")
        for _, finding in (one for one in findings if one[0] == area):
            word, code = _SIGNS[finding.level]
            sign = f"\033[{code}m{word:<5}\033[0m" if colored else f"{word:<5}"
            print(f"  {sign}{finding.matter:<{width}}  {finding.text}")
            if finding.fix:
                print(f"       {'':<{width}}  fix: {finding.fix}")
