"""``caraml history``: the updates of a stack, those that changed a model, and what they changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.common import (
    HERE,
    Cwd,
    Json,
    Stack,
    load_document,
    note,
    print_json,
    print_table,
    resolve_target,
)
from caraml_pulumi.engine.state.config import contains_secure
from caraml_pulumi.engine.state.times import ago, from_seconds
from caraml_pulumi.engine.values import PropertyValue

if TYPE_CHECKING:
    from typer._click import Context

    from caraml_pulumi.engine.api import Target
    from caraml_pulumi.history.updates import StackHistory

DEFAULT_LIMIT: Final = 32
_LIST: Final = "list"
_SIGNS: Final = (
    ("create", "+"),
    ("update", "~"),
    ("replace", "±"),
    ("delete", "-"),
    ("import", "="),
    ("refresh", "↻"),
)
_NUMBERS: Final = {"ignore_unknown_options": True}
"""Lets ``-1`` pass as the number of an update."""


class _ListByDefault(TyperGroup):
    """A group that lists where no subcommand is named: ``caraml history``, ``caraml history iris``."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        named = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else [_LIST, *args])


app = typer.Typer(cls=_ListByDefault, add_completion=False, rich_markup_mode=None)

Model = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]", help="The model; PROJECT/MODEL if several projects have it.", autocompletion=complete.models
    ),
]
Number = Annotated[str, typer.Argument(metavar="N", help="The update: its number, latest, or -1 for the one before.")]
Other = Annotated[str, typer.Argument(metavar="M", help="The other update.")]


@app.callback(epilog="Examples: caraml history; caraml history iris --stack prod; caraml history diff 9 latest")
def _history() -> None:
    """List the updates of a stack, or those that changed a model; show one, and compare two."""


@app.command(_LIST, epilog="Examples: caraml history; caraml history iris --stack prod --limit 5")
def history(
    model: Model = None,
    cwd: Cwd = HERE,
    stack: Stack = None,
    json: Json = False,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="How many to list.")] = DEFAULT_LIMIT,
) -> None:
    """List the updates of a stack, the newest first: what was done, when, by whom, and how many resources changed.

    With a model, those that changed it, also those that failed, and what each changed. "list" may be left out.
    """
    from caraml_pulumi.engine.state.backend import open_backend

    target = resolve_target(cwd, stack)
    load_document(target)
    if model is not None:
        from caraml_pulumi.cli.history_models import list_changes

        list_changes(_open(target), model, limit, as_json=json)
        return
    entries = open_backend(target.backend_url).history(target.project.name, target.stack, limit)
    if json:
        print_json([entry_document(entry) for entry in entries])
    elif entries:
        columns = ("VERSION", "KIND", "RESULT", "WHEN", "TOOK", "CHANGES", "MESSAGE", "AUTHOR")
        print_table(columns, [_row(entry) for entry in entries])
    else:
        note(f"the stack {target.stack} has no updates yet")


@app.command(context_settings=_NUMBERS, epilog="Examples: caraml history show latest; caraml history show 12 iris")
def show(number: Number, model: Model = None, cwd: Cwd = HERE, stack: Stack = None, json: Json = False) -> None:
    """Show an update: who made it, when and why, what it changed, and the release of a model as it left it."""
    from caraml_pulumi.cli.history_models import show_update

    target = resolve_target(cwd, stack)
    load_document(target)
    show_update(_open(target), number, model, as_json=json)


@app.command(
    context_settings=_NUMBERS, epilog="Examples: caraml history diff 9 latest; caraml history diff -1 latest iris"
)
def diff(
    number: Number, other: Other, model: Model = None, cwd: Cwd = HERE, stack: Stack = None, json: Json = False
) -> None:
    """Compare the releases of two updates, as a unified diff of the models that differ; secrets are left out."""
    from caraml_pulumi.cli.history_models import show_diff

    target = resolve_target(cwd, stack)
    load_document(target)
    show_diff(_open(target), number, other, model, as_json=json)


def _open(target: "Target") -> "StackHistory":
    from caraml_pulumi.engine.state.backend import open_backend
    from caraml_pulumi.history.updates import StackHistory

    return StackHistory(open_backend(target.backend_url), target.project.name, target.stack)


def entry_document(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as ``pulumi stack history --json`` prints it: secrets left out, times in RFC 3339."""
    return {
        "version": entry["version"],
        "kind": entry.get("kind", ""),
        "startTime": _rfc3339(entry.get("startTime")),
        "message": entry.get("message", ""),
        "environment": entry.get("environment", {}),
        "config": {key: _config_document(value) for key, value in (entry.get("config") or {}).items()},
        "result": entry.get("result", ""),
        "endTime": _rfc3339(entry.get("endTime")),
        "resourceChanges": entry.get("resourceChanges") or {},
    }


def _config_document(value: PropertyValue) -> dict[str, Any]:
    if contains_secure(value):
        return {"secret": True}
    return {"objectValue" if isinstance(value, dict | list) else "value": value, "secret": False}


def _rfc3339(seconds: object) -> str:
    moment = from_seconds(seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z" if moment else ""


def _row(entry: Mapping[str, Any]) -> list[str]:
    from caraml_pulumi.engine.state.history import author

    start, end = from_seconds(entry.get("startTime")), from_seconds(entry.get("endTime"))
    return [
        str(entry["version"]),
        str(entry.get("kind", "")),
        str(entry.get("result", "")),
        when(end),
        duration(start, end),
        change_counts(entry.get("resourceChanges") or {}),
        str(entry.get("message", "")),
        author(entry),
    ]


def when(moment: datetime | None) -> str:
    """``5 minutes ago (2026-11-22 15:30)``; nothing if it is not known."""
    return f"{ago(moment)} ({moment.astimezone():%Y-%m-%d %H:%M})" if moment else ""


def duration(start: datetime | None, end: datetime | None) -> str:
    """``7 s``; nothing if it is not known."""
    return f"{int((end - start).total_seconds())} s" if start and end else ""


def change_counts(changes: Mapping[str, int]) -> str:
    """How many resources were created, updated, replaced and deleted: ``+2 ~1 -1``; ``none`` if none was."""
    return " ".join(f"{sign}{changes[op]}" for op, sign in _SIGNS if changes.get(op)) or "none"
