"""The Pulumi CLI as an engine, driven through the Automation API, with the same events and errors as ours."""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from caraml_pulumi.engine.api import ChangeRule, Options, Outcome, Target
from caraml_pulumi.engine.automation_events import Watcher
from caraml_pulumi.engine.events import EventSink
from caraml_pulumi.engine.resource import is_urn
from caraml_pulumi.engine.selection import Selection
from caraml_pulumi.engine.state.urls import without_credentials
from caraml_pulumi.errors import INTERRUPTED, LOCKED, POLICY_VIOLATION, CaramlError, CaramlErrors

if TYPE_CHECKING:
    from pulumi.automation import Stack
    from pulumi.automation.errors import CommandError

    from caraml_pulumi.engine.automation_command import OwnSessionCommand


@dataclass(slots=True)
class PulumiCliEngine:
    """Implements `caraml_pulumi.engine.api.Engine` with the `pulumi` on PATH."""

    name: str = "pulumi"
    _judged: bool = False
    """Whether a preview has shown what the change rules have to say."""
    _command: "OwnSessionCommand | None" = None

    def preview(self, target: Target, options: Options, sink: EventSink) -> Outcome:
        """Plan the changes that `up` would make."""
        if options.render is not None:
            raise CaramlError(
                "the Pulumi CLI does not render manifests",
                where="--render",
                fix="render with the embedded engine: --engine embedded",
            )
        arguments = _update_arguments(options)
        self._judged = True
        with _with_evidence(_select(target, self._pulumi()), target, options) as stack:
            return _run(sink, lambda on_event: stack.preview(on_event=on_event, **arguments), options.change_rules)

    def up(self, target: Target, options: Options, sink: EventSink) -> Outcome:
        """Make the changes. Where no preview was asked for, one is made all the same if there are change rules."""
        if options.change_rules and not self._judged:
            planned = self.preview(target, options, lambda event: None)
            if planned.error is not None:
                return planned
        _refuse_interrupted(target)
        arguments = _update_arguments(options)
        with _with_evidence(_select(target, self._pulumi()), target, options) as stack:
            return _run(sink, lambda on_event: stack.up(on_event=on_event, show_secrets=False, **arguments))

    def refresh(self, target: Target, options: Options, sink: EventSink, *, preview: bool) -> Outcome:
        """Bring the state up to what is really there."""
        if options.import_pending_creates:
            raise CaramlError(
                "the Automation API does not say what an interrupted create has made",
                where="--import-pending-creates",
                fix=f"use --engine embedded, or run: pulumi refresh --stack {target.stack} "
                "--import-pending-creates URN --import-pending-creates ID",
            )
        if not preview:
            _refuse_interrupted(target)
        stack = _select(target, self._pulumi(), make=False)
        arguments: dict[str, Any] = {
            "parallel": options.parallel,
            "message": options.message or None,
            "clear_pending_creates": options.clear_pending_creates or None,
            **_selection_arguments(options.selection),
        }
        if preview:
            return _run(sink, lambda on_event: stack.preview_refresh(on_event=on_event, **arguments))
        return _run(sink, lambda on_event: stack.refresh(on_event=on_event, show_secrets=False, **arguments))

    def destroy(self, target: Target, options: Options, sink: EventSink, *, preview: bool) -> Outcome:
        """Delete everything in the stack."""
        if not preview:
            _refuse_interrupted(target)
        stack = _select(target, self._pulumi(), make=False)
        arguments: dict[str, Any] = {
            "parallel": options.parallel,
            "message": options.message or None,
            "refresh": options.refresh or None,
            **_destroyed(options.selection),
        }
        if preview:
            return _run(sink, lambda on_event: stack.preview_destroy(on_event=on_event, **arguments))
        return _run(sink, lambda on_event: stack.destroy(on_event=on_event, show_secrets=False, **arguments))

    def cancel(self) -> None:
        """Ask the Pulumi CLI to end what is in progress, and to begin nothing more."""
        if self._command is not None:
            self._command.interrupt()

    def _pulumi(self) -> "OwnSessionCommand":
        from pulumi.automation.errors import InvalidVersionError

        from caraml_pulumi.engine.automation_command import OwnSessionCommand

        try:
            self._command = self._command or OwnSessionCommand()
        except InvalidVersionError as failure:
            raise CaramlError(
                str(failure), fix="install a Pulumi CLI of the same age as the pulumi package, or use --engine embedded"
            ) from failure
        return self._command


def _run(
    sink: EventSink,
    operation: Callable[[Callable[[object], None]], object],
    rules: tuple[ChangeRule, ...] = (),
) -> Outcome:
    from pulumi.automation.errors import CommandError

    watcher = Watcher(sink, rules=rules)
    started = time.monotonic()
    error = None
    try:
        operation(watcher)
    except CommandError as failure:
        error = _explain(failure, watcher)
    if watcher.refusals:
        error = watcher.refusals[0] if len(watcher.refusals) == 1 else CaramlErrors(watcher.refusals)
    return Outcome(watcher.changes, watcher.outputs, error, time.monotonic() - started)


def _explain(failure: "CommandError", watcher: Watcher) -> CaramlError:
    """What the CLI said, without the frame that the Automation API puts around it.

    Raises:
        CaramlError: the operation did not begin (a lock, a passphrase).
    """
    from pulumi.automation.errors import ConcurrentUpdateError

    text = _said(str(failure))
    if isinstance(failure, ConcurrentUpdateError):
        raise CaramlError(
            text, fix="wait for the other run; if it is dead, run: pulumi cancel", exit_code=LOCKED
        ) from failure
    if watcher.forbidden:
        return CaramlError("a mandatory policy is violated", exit_code=POLICY_VIOLATION)
    if watcher.errors:
        return CaramlError(watcher.errors[0])
    return CaramlError(text or "the Pulumi CLI failed")


def _said(text: str) -> str:
    """The ``error:`` lines of a failed command, or else its standard error."""
    stderr = text.partition("stderr:")[2].strip() or text.strip()
    errors = re.findall(r"^error: (.+(?:\n(?!error:|warning:).+)*)", stderr, flags=re.MULTILINE)
    return "\n".join(errors).strip() or stderr


def _update_arguments(options: Options) -> dict[str, Any]:
    return {
        "parallel": options.parallel,
        "message": options.message or None,
        "policy_packs": [str(path.resolve()) for path in options.policy_packs] or None,
        "policy_pack_configs": [str(path.resolve()) for path in options.policy_pack_configs] or None,
        "refresh": options.refresh or None,
        "replace": _named(options.selection.replaces),
        **_selection_arguments(options.selection),
    }


def _selection_arguments(selection: Selection) -> dict[str, Any]:
    return {
        "target": _named(selection.targets),
        "target_dependents": selection.target_dependents or None,
        "exclude": _named(selection.excludes),
        "exclude_dependents": selection.exclude_dependents or None,
    }


def _destroyed(selection: Selection) -> dict[str, Any]:
    if selection.excludes:
        raise CaramlError(
            "the Pulumi CLI cannot be driven to leave resources out of a destroy",
            where="--exclude",
            fix="name what is to go with --target, use --engine embedded, or run pulumi destroy --exclude",
        )
    return {"target": _named(selection.targets), "target_dependents": selection.target_dependents or None}


def _named(texts: tuple[str, ...]) -> list[str] | None:
    """Resources as the CLI names them: a logical name is that of any URN that ends with it."""
    return [text if "*" in text or is_urn(text) else f"**::{text}" for text in texts] or None


@contextmanager
def _with_evidence(stack: "Stack", target: Target, options: Options) -> Iterator["Stack"]:
    """`stack`, and where there are policy packs its state in a file that they can find."""
    if not options.policy_packs:
        yield stack
        return
    from caraml_pulumi.engine.policies.evidence import evidence

    with TemporaryDirectory(prefix="caraml-") as directory:
        export = Path(directory) / "stack.json"
        deployment = stack.export_stack()
        export.write_text(json.dumps({"version": deployment.version, "deployment": deployment.deployment}))
        told = evidence(export, target.project.stack_config_dir)
        stack.workspace.env_vars = {**stack.workspace.env_vars, **told}
        yield stack


def _python() -> dict[str, str]:
    """Programs and policy packs that name no virtual environment run on the interpreter that runs us, as with ours."""
    return {} if os.environ.get("PULUMI_PYTHON_CMD") else {"PULUMI_PYTHON_CMD": sys.executable}


def _refuse_interrupted(target: Target) -> None:
    """Refuse to go on where the embedded engine was interrupted: the Pulumi CLI does not read its journal."""
    from caraml_pulumi.engine.state.backend import open_backend

    name = (target.project.name, target.stack)
    backend = open_backend(target.backend_url)
    if backend.journal(*name).exists() and all(lock.ended for lock in backend.locks(*name)):
        raise CaramlError(
            "an update by the embedded engine was interrupted, and the Pulumi CLI cannot tell what it did",
            where=backend.shown_url,
            fix=f"run this first: caraml refresh --engine embedded --stack {target.stack}",
        )


def _select(target: Target, command: "OwnSessionCommand", *, make: bool = True) -> "Stack":
    """The stack in the backend; with `make` it is made if it is not there, as our engine does for an update.

    Raises:
        CaramlError: the CLI cannot open the backend or the stack.
    """
    from pulumi.automation import LocalWorkspaceOptions, create_or_select_stack, select_stack
    from pulumi.automation.errors import CommandError, StackNotFoundError

    shown = without_credentials(target.backend_url)
    try:
        return (create_or_select_stack if make else select_stack)(
            target.stack,
            work_dir=str(target.project.root),
            opts=LocalWorkspaceOptions(
                pulumi_command=command, env_vars={"PULUMI_BACKEND_URL": target.backend_url, **_python()}
            ),
        )
    except StackNotFoundError as failure:
        raise CaramlError(
            f"there is no stack {target.stack!r} of the project {target.project.name!r}",
            where=shown,
            fix=f"make it: caraml up --stack {target.stack}",
        ) from failure
    except CommandError as failure:
        if command.interrupted:
            raise CaramlError("stopped before it began", exit_code=INTERRUPTED) from failure
        raise CaramlError(_said(str(failure)).replace(target.backend_url, shown), where=shown) from failure
