"""How `caraml rollback` goes: the difference of the file, a preview and a question, and an ordinary update."""

import os
from dataclasses import replace
from difflib import unified_diff
from typing import Any

from rich.text import Text

from caraml_pulumi.cli.changed_file import changed_file, is_locked
from caraml_pulumi.cli.common import load_document, note, print_json
from caraml_pulumi.cli.flow import Request, apply, apply_silently, preview_silently
from caraml_pulumi.cli.history import when
from caraml_pulumi.cli.history_models import diff_text
from caraml_pulumi.cli.policy_evidence import evidence_given
from caraml_pulumi.cli.rollback_place import Rollback, deployed, plan_rollback
from caraml_pulumi.cli.terminal import console
from caraml_pulumi.engine.policies.evidence import STACK_RESTORED
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.engine.values import printable
from caraml_pulumi.errors import POLICY_VIOLATION, CaramlError
from caraml_pulumi.history.changes import ModelChange
from caraml_pulumi.history.document import change_document


def roll_back(request: Request, model: str, to: str | None, *, force: bool, keep_versions: bool) -> None:
    """Restore the release that an update left: its file, and what is deployed.

    Raises:
        CaramlError: there is no such update or model, the release cannot be restored, a policy forbids it, or the
            update failed; typer.Exit if the answer was no.
    """
    load_document(request.target)
    rollback = plan_rollback(request.target, model, to, force=force, keep_versions=keep_versions)
    if rollback.is_done:
        _finish(request, rollback, applied=False)
        return
    _warn(rollback)
    if not request.as_json:
        _show(rollback)
    message = f"{rollback.message}: {request.options.message}" if request.options.message else rollback.message
    request = replace(request, options=replace(request.options, message=message), only_changes=not rollback.interrupted)
    try:
        with (
            changed_file(rollback.path, rollback.after, rollback.is_applied),
            evidence_given(STACK_RESTORED, rollback.evidence),
        ):
            applied = _deploy(request)
    except CaramlError as error:
        raise _refused(rollback, error) from error
    _finish(request, rollback, applied=applied)


def _deploy(request: Request) -> bool:
    """Preview, ask and deploy. Returns whether anything was done."""
    newest = _newest(request)
    if not request.as_json:
        apply(request)
    elif preview_silently(request).has_changes or not request.only_changes:
        apply_silently(request)
    return _newest(request) != newest


def _newest(request: Request) -> int:
    """The number of the newest update; 0 if there is none."""
    target = request.target
    entries = open_backend(target.backend_url).history(target.project.name, target.stack, 1)
    return int(entries[0]["version"]) if entries else 0


def _warn(rollback: Rollback) -> None:
    """Say what may not come back as it was."""
    update = rollback.update
    failed = (
        [] if update.succeeded else [f"update {update.version} {update.result}; what it left may never have worked"]
    )
    for doubt in [*failed, *rollback.doubts]:
        note(f"warning: {doubt}")


def _show(rollback: Rollback) -> None:
    update = rollback.update
    told = ", ".join(part for part in (when(update.end), update.author, update.message) if part)
    screen = console()
    title = f"Back to update {update.version} of {rollback.name}: {printable(told)}"
    screen.print(Text(title, "bold"), soft_wrap=True)
    name = os.path.relpath(rollback.path)
    lines = unified_diff(
        (rollback.before or "").splitlines(), rollback.after.splitlines(), name, f"{name} (restored)", lineterm=""
    )
    for line in lines:
        screen.print(diff_text(line), soft_wrap=True)
    screen.print()


def _refused(rollback: Rollback, error: CaramlError) -> CaramlError:
    """`error`, with what became of the release file and what to do."""
    what, fix = f"{rollback.message} failed: {error.what}", error.fix
    stack = rollback.target.stack
    if error.exit_code == POLICY_VIOLATION:
        what = f"{rollback.message} is refused: {error.what}"
        kept = f"keep version {' and '.join(map(str, rollback.leaving))} deployed: --keep-versions; or "
        fix = (kept if rollback.leaving else "") + (
            "go back to an update that keeps the rules, or agree on an exemption with an owner and a day in the "
            f"policy pack's configuration: caraml policy explain RULE --stack {stack} says how"
        )
    elif not is_locked(error) and rollback.is_applied():
        again = f"caraml rollback {rollback.name} --to {rollback.update.version} --stack {stack}{rollback.options}"
        fix = f"the release file is that of update {rollback.update.version} already; to go on: {again}"
    return CaramlError(what, where=error.where, allowed=error.allowed, fix=fix, exit_code=error.exit_code)


def _finish(request: Request, rollback: Rollback, *, applied: bool) -> None:
    """Say how it ended."""
    number = rollback.update.version
    if request.as_json:
        print_json(_document(request, rollback, applied=applied))
    elif applied:
        print(f"{rollback.name} is as update {number} left it; commit {os.path.relpath(rollback.path)}")
    elif rollback.is_done:
        print(f"{rollback.name} is as update {number} left it already. There is nothing to do.")
    else:
        print(f"{os.path.relpath(rollback.path)} says again what is deployed")


def _document(request: Request, rollback: Rollback, *, applied: bool) -> dict[str, Any]:
    now, _ = deployed(rollback.target, rollback.name)
    return {
        "project": rollback.name.project,
        "model": rollback.name.model,
        "stack": rollback.target.stack,
        "to": rollback.update.version,
        "result": "applied" if applied else "unchanged",
        "update": _newest(request) if applied else None,
        "file": str(rollback.path),
        "fileChanged": rollback.before != rollback.after,
        "change": change_document(ModelChange(rollback.name, rollback.current, now)) if applied else None,
    }
