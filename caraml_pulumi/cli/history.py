"""`caraml history`: the updates of a stack."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

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
from caraml_pulumi.engine.values import PropertyValue

app = typer.Typer(add_completion=False)

DEFAULT_LIMIT: Final = 32
_SIGNS: Final = (
    ("create", "+"),
    ("update", "~"),
    ("replace", "±"),
    ("delete", "-"),
    ("import", "="),
    ("refresh", "↻"),
)


@app.command(name="history")
def history(
    cwd: Cwd = HERE,
    stack: Stack = None,
    json: Json = False,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="How many to list.")] = DEFAULT_LIMIT,
) -> None:
    """List the updates of a stack, the newest first: what was done, when, by whom, and how many resources changed."""
    from caraml_pulumi.engine.state.backend import open_backend

    target = resolve_target(cwd, stack)
    load_document(target)
    entries = open_backend(target.backend_url).history(target.project.name, target.stack, limit)
    if json:
        print_json([entry_document(entry) for entry in entries])
    elif entries:
        columns = ("VERSION", "KIND", "RESULT", "WHEN", "TOOK", "CHANGES", "MESSAGE", "AUTHOR")
        print_table(columns, [_row(entry) for entry in entries])
    else:
        note(f"the stack {target.stack} has no updates yet")


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


def _moment(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int | float) else None


def _rfc3339(seconds: object) -> str:
    moment = _moment(seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z" if moment else ""


def _row(entry: Mapping[str, Any]) -> list[str]:
    from caraml_pulumi.engine.state.history import author
    from caraml_pulumi.engine.state.times import ago

    start, end = _moment(entry.get("startTime")), _moment(entry.get("endTime"))
    return [
        str(entry["version"]),
        str(entry.get("kind", "")),
        str(entry.get("result", "")),
        f"{ago(end)} ({end.astimezone():%Y-%m-%d %H:%M})" if end else "",
        f"{int((end - start).total_seconds())} s" if start and end else "",
        change_counts(entry.get("resourceChanges") or {}),
        str(entry.get("message", "")),
        author(entry),
    ]


def change_counts(changes: Mapping[str, int]) -> str:
    """How many resources were created, updated, replaced and deleted: ``+2 ~1 -1``; ``none`` if none was."""
    return " ".join(f"{sign}{changes[op]}" for op, sign in _SIGNS if changes.get(op)) or "none"
