"""`caraml stack`: stacks, their state and their outputs."""

import json as json_format
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caraml_pulumi.cli.common import (
    HERE,
    Cwd,
    Json,
    ShowSecrets,
    Stack,
    load_document,
    note,
    print_json,
    print_table,
    project_backend,
    resolve_target,
)
from caraml_pulumi.cli.terminal import is_interactive, refuse_to_ask
from caraml_pulumi.errors import CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.engine.api import Target
    from caraml_pulumi.engine.state.backend import Backend
    from caraml_pulumi.engine.state.names import StackName
    from caraml_pulumi.engine.state.snapshot import Snapshot

app = typer.Typer(
    add_completion=False, help="List, create and remove stacks; their state and outputs.", no_args_is_help=True
)


@app.command("ls", epilog="Example: caraml stack ls --all")
def list_stacks(
    cwd: Cwd = HERE,
    json: Json = False,
    every: Annotated[bool, typer.Option("--all", help="Of all projects in the backend.")] = False,
) -> None:
    """List the stacks of the project."""
    from caraml_pulumi.engine.state.backend import open_backend
    from caraml_pulumi.engine.state.project import load_project

    project = None if every else load_project(cwd)
    backend = project_backend(project) if project else open_backend()
    found = [_summary(backend, name) for name in backend.list_stacks(project.name if project else None)]
    if json:
        print_json(found)
    elif found:
        columns = ("NAME", "LAST UPDATE", "RESOURCES")
        print_table(columns, [(item["name"], _ago(item["lastUpdate"]), str(item["resourceCount"])) for item in found])
    else:
        note(f"there are no stacks yet in {backend.shown_url}")


@app.command(epilog="Example: caraml stack init staging")
def init(name: Annotated[str, typer.Argument(metavar="NAME", help="The new stack's name.")], cwd: Cwd = HERE) -> None:
    """Make a stack that holds nothing yet, with a salt of its own for its secrets."""
    from caraml_pulumi.engine.state.backend import open_backend
    from caraml_pulumi.engine.state.config import load_stack_config
    from caraml_pulumi.engine.state.secrets import keep_salt, open_crypter

    target = resolve_target(cwd, name)
    configuration = load_stack_config(target.project, target.stack)
    crypter = open_crypter(configuration)
    crypter.prepare()
    open_backend(target.backend_url).create(target.project.name, target.stack)
    keep_salt(configuration, crypter)
    note(f"made the stack {target.stack}; its configuration is {configuration.path}")


@app.command(epilog="Example: caraml stack rm --stack staging")
def rm(
    cwd: Cwd = HERE,
    stack: Stack = None,
    force: Annotated[bool, typer.Option("--force", help="Even if it holds resources; these stay, unmanaged.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a stack and its history. Its Pulumi.<stack>.yaml stays."""
    from caraml_pulumi.engine.state.backend import open_backend
    from caraml_pulumi.engine.state.snapshot import deployment_of

    target = resolve_target(cwd, stack)
    backend = open_backend(target.backend_url)
    with backend.lock(target.project.name, target.stack, "stack rm"):
        document = load_document(target)
        count, pending = _count(document), bool(deployment_of(document).get("pending_operations"))
        if not force and (count or pending or backend.journal(target.project.name, target.stack).exists()):
            held = f"still holds {count} resources" if count else "had an interrupted update, which may have made some"
            raise CaramlError(
                f"the stack {target.stack!r} {held}",
                fix="remove them first: caraml destroy; or forget them, and leave them where they are: --force",
            )
        if not yes:
            if not is_interactive():
                raise refuse_to_ask("stack rm")
            typer.confirm(f"Remove the stack {target.stack} and its history?", abort=True, err=True)
        backend.remove(target.project.name, target.stack)
    note(f"removed the stack {target.stack}")


@app.command("export", epilog="Example: caraml stack export --stack prod --file prod.json")
def export_state(
    cwd: Cwd = HERE,
    stack: Stack = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Write there.")] = None,
    show_secrets: ShowSecrets = False,
) -> None:
    """Print the state of a stack, its secrets encrypted."""
    from caraml_pulumi.engine.state.snapshot import VERSION, deployment_of, snapshot_to_json

    target = resolve_target(cwd, stack)
    document = load_document(target)
    exported: dict[str, Any] = {"version": VERSION, "deployment": deployment_of(document)}
    if show_secrets:
        crypter, snapshot = _opened(target, document)
        exported = snapshot_to_json(snapshot, crypter, show_secrets=True)
    if file is None:
        print_json(exported)
        return
    try:
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
            json_format.dump(exported, opened, ensure_ascii=False, indent=2)
    except OSError as error:
        raise CaramlError(f"the file cannot be written: {error.strerror}", where=str(file)) from error


@app.command("import", epilog="Example: caraml stack import --stack prod --file prod.json")
def import_state(
    cwd: Cwd = HERE,
    stack: Stack = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Read there, not standard input.")] = None,
) -> None:
    """Replace the state of a stack by an exported one, once it proves sound; a backup of the old state stays."""
    from caraml_pulumi.engine.state.backend import open_backend
    from caraml_pulumi.engine.state.names import StackName
    from caraml_pulumi.engine.state.snapshot import new_manifest, snapshot_to_json

    target = resolve_target(cwd, stack)
    document = _read_document(file)
    backend = open_backend(target.backend_url)
    name = StackName(target.project.name, target.stack)
    with backend.lock(name.project, name.stack, "stack import"):
        if backend.journal(name.project, name.stack).exists():
            raise CaramlError(
                "an update of the stack was interrupted, and the state does not say yet what it did",
                fix="run 'caraml refresh' first, then import",
            )
        crypter, snapshot = _opened(target, document, writes=True)
        _check_owner(snapshot, name)
        snapshot.manifest = new_manifest()
        backend.backup(name.project, name.stack)
        backend.save(name.project, name.stack, snapshot_to_json(snapshot, crypter, name))
    note(f"the stack {target.stack} now holds {_count(document)} resources")


@app.command(epilog="Example: caraml stack output --stack dev --json")
def output(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One output; all where it is left out.")] = None,
    cwd: Cwd = HERE,
    stack: Stack = None,
    json: Json = False,
    show_secrets: ShowSecrets = False,
) -> None:
    """Print the outputs of a stack, secrets as [secret]."""
    from caraml_pulumi.engine.state.backend import open_backend
    from caraml_pulumi.engine.state.names import StackName
    from caraml_pulumi.engine.state.outputs import stack_outputs
    from caraml_pulumi.engine.values import plain, redact

    target = resolve_target(cwd, stack)
    stack_name = StackName(target.project.name, target.stack)
    outputs = stack_outputs(open_backend(target.backend_url), stack_name, decrypt=show_secrets)
    shown = {key: plain(value) if show_secrets else redact(value) for key, value in outputs.items()}
    if name is not None:
        if name not in shown:
            raise CaramlError(
                f"the stack {target.stack!r} has no output {name!r}", allowed=", ".join(shown) or "it has none"
            )
        print_json(shown[name]) if json else print(_text(shown[name]))
    elif json:
        print_json(shown)
    elif shown:
        print_table(("OUTPUT", "VALUE"), [(key, _text(value)) for key, value in shown.items()])
    else:
        note(f"the stack {target.stack} has no outputs")


def _opened(target: "Target", document: dict[str, Any], *, writes: bool = False) -> "tuple[Any, Snapshot]":
    """The crypter of the stack, and what `document` says."""
    from caraml_pulumi.engine.state.config import load_stack_config
    from caraml_pulumi.engine.state.secrets import new_crypter, open_crypter
    from caraml_pulumi.engine.state.snapshot import snapshot_from_json

    configuration = load_stack_config(target.project, target.stack)
    crypter = (new_crypter if writes else open_crypter)(configuration, document)
    return crypter, snapshot_from_json(document, crypter)


def _read_document(file: Path | None) -> dict[str, Any]:
    from caraml_pulumi.engine.state.yaml_text import read_text

    where = str(file) if file else "standard input"
    try:
        document = json_format.loads(read_text(file) if file else sys.stdin.read())
    except json_format.JSONDecodeError as error:
        raise CaramlError(f"the state is not JSON: {error.msg}", where=f"{where}:{error.lineno}") from None
    if not isinstance(document, dict):
        raise CaramlError("the state is not a JSON object", where=where)
    return document


def _check_owner(snapshot: "Snapshot", name: "StackName") -> None:
    prefix = f"urn:pulumi:{name.stack}::{name.project}::"
    for resource in snapshot.resources:
        if not resource.urn.startswith(prefix):
            raise CaramlError(
                f"the state is of another stack than {name}",
                where=resource.urn,
                allowed=f"URNs that begin with {prefix}",
            )


def _summary(backend: "Backend", name: "StackName") -> dict[str, Any]:
    from caraml_pulumi.engine.state.snapshot import deployment_of

    document = backend.load(name.project, name.stack) or {}
    manifest = deployment_of(document).get("manifest") or {}
    return {
        "name": name.stack,
        "project": name.project,
        "lastUpdate": manifest.get("time", "") if _count(document) else "",
        "resourceCount": _count(document),
    }


def _count(document: dict[str, Any]) -> int:
    from caraml_pulumi.engine.state.snapshot import deployment_of

    return len(deployment_of(document).get("resources") or [])


def _ago(time: str) -> str:
    from caraml_pulumi.engine.state.times import ago, parse_timestamp

    moment = parse_timestamp(time)
    return ago(moment) if moment else "never"


def _text(value: object) -> str:
    from caraml_pulumi.engine.state.properties import compact_json

    return value if isinstance(value, str) else compact_json(value)
