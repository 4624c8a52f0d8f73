"""How an operation goes: a preview, a question, the change, and what its end means."""

import json
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from threading import Thread
from types import FrameType
from typing import Final

import typer

from caraml_pulumi.cli.terminal import console, is_interactive, refuse_to_ask
from caraml_pulumi.engine.api import Engine, Options, Outcome, Target
from caraml_pulumi.engine.display.document import document
from caraml_pulumi.engine.display.lines import Lines
from caraml_pulumi.engine.display.progress import Progress
from caraml_pulumi.engine.display.silent import Silent
from caraml_pulumi.engine.display.values import SECRET, flow_text, plain_value
from caraml_pulumi.engine.display.view import Display, Subject
from caraml_pulumi.errors import CHANGES, FAILED, INTERRUPTED, POLICY_VIOLATION, CaramlError, CaramlErrors

COMMANDS: Final = {"update": "up", "refresh": "refresh", "destroy": "destroy"}
"""The subcommand of each operation."""
_QUESTIONS: Final = {
    "update": "Apply these changes to {}?",
    "refresh": "Take these changes over into the state of {}?",
    "destroy": "Delete these resources of {}?",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One operation (update, refresh or destroy) on a stack, and how to show it."""

    operation: str
    engine: Engine
    target: Target
    options: Options
    yes: bool = False
    show_diff: bool = False
    as_json: bool = False
    skip_preview: bool = False
    expect_no_changes: bool = False
    interactive: bool = True
    only_changes: bool = False
    """Whether nothing is done, and no update recorded, where the preview shows no change; so it is without `yes`."""

    @property
    def stack(self) -> str:
        """The stack as people name it, ``project/stack``."""
        return f"{self.target.project.name}/{self.target.stack}"

    @property
    def live(self) -> bool:
        """Whether a person watches."""
        return self.interactive and not self.as_json and is_interactive()


def show_preview(request: Request) -> None:
    """Show what would change, and nothing else.

    Raises:
        CaramlError: it cannot be done, a policy forbids it, or there are changes where none were expected.
    """
    display, outcome = _perform(request, planning=True)
    _print_document(request, display)
    check(request, display, outcome)
    if request.options.render is not None and not request.as_json:
        display.console.print(f"Manifests written to {request.options.render}", soft_wrap=True)


def apply(request: Request) -> None:
    """Show what would change, ask, and do it.

    Raises:
        CaramlError: as for `show_preview`, and if the change fails; typer.Exit if the answer was no.
    """
    if confirm(request):
        display, outcome = _perform(request, planning=False)
        _print_document(request, display)
        check(request, display, outcome)


def apply_silently(request: Request) -> Outcome:
    """Do it without a word. Raises `CaramlError` if the change fails, with all there is to say."""
    return _silently(request, planning=False)


def preview_silently(request: Request) -> Outcome:
    """Preview it without a word. Raises `CaramlError` if it fails or a policy forbids it, with all there is to say."""
    return _silently(request, planning=True)


def _silently(request: Request, *, planning: bool) -> Outcome:
    silent = replace(request, as_json=True)
    display, outcome = _perform(silent, planning=planning)
    try:
        check(silent, display, outcome)
    except CaramlError as error:
        violations = [f"{one.policy}: {one.message}" for one in display.tree.violations if one.mandatory]
        if error.exit_code != POLICY_VIOLATION or not violations:
            raise
        raise CaramlError(
            "\n".join(["a mandatory policy is violated", *violations]), exit_code=POLICY_VIOLATION
        ) from None
    return outcome


def observe(request: Request) -> tuple[Display, Outcome]:
    """Preview without a word; what it found is in the display's tree. Raises `CaramlError` if it cannot begin."""
    return _perform(replace(request, as_json=True), planning=True)


def confirm(request: Request) -> bool:
    """Show what would change, and ask. Returns whether there is anything to do.

    Raises:
        CaramlError: as for `show_preview`; typer.Exit if the answer was no.
    """
    if not request.yes and not request.live:
        raise refuse_to_ask(COMMANDS[request.operation])
    if not request.skip_preview:
        display, outcome = _perform(request, planning=True)
        if outcome.error is not None or request.expect_no_changes:
            _print_document(request, display)
        check(request, display, outcome)
        if (request.only_changes or not request.yes) and not changes_anything(display, outcome):
            print("\nThere is nothing to do.")
            return False
        if not request.yes:
            _ask(request, display)
        elif not request.as_json:
            display.console.print()
    elif not request.yes:
        _ask(request, None)
    return True


def perform(request: Request, display: Display, *, planning: bool) -> Outcome:
    """Do it, or preview it, as `display` shows it. Raises `CaramlError` if it cannot begin."""
    with display, _stoppable(request.engine, display):
        return _call(request, planning)(display.sink)


def _perform(request: Request, *, planning: bool) -> tuple[Display, Outcome]:
    kind: type[Display] = Silent if request.as_json else Progress if request.live else Lines
    subject = Subject(request.operation, request.stack, planning)
    display = kind(console(), subject, show_diff=request.show_diff)
    return display, perform(request, display, planning=planning)


def _call(request: Request, planning: bool) -> Callable[..., Outcome]:
    engine, target, options = request.engine, request.target, request.options
    if request.operation == "update":
        return partial(engine.preview if planning else engine.up, target, options)
    operation = engine.refresh if request.operation == "refresh" else engine.destroy
    return partial(operation, target, options, preview=planning)


@contextmanager
def _stoppable(engine: Engine, display: Display) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) asks the engine to stop, the second raises KeyboardInterrupt."""
    asked = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        display.cancelling()
        # In a thread of its own: the main thread may hold the very lock that cancelling needs.
        Thread(target=engine.cancel, name="cancel", daemon=True).start()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def check(request: Request, display: Display, outcome: Outcome) -> None:
    """Raise `CaramlError` if the operation's end means a failure for the caller, with its exit code."""
    forbidden = any(violation.mandatory for violation in display.tree.violations)
    if outcome.error is not None:
        special = INTERRUPTED if display.cancelled else POLICY_VIOLATION if forbidden else None
        raise _unseen(request, display, outcome.error, special or outcome.error.exit_code)
    if forbidden:
        raise CaramlError("a mandatory policy is violated", fix="see above", exit_code=POLICY_VIOLATION)
    if request.expect_no_changes and outcome.has_changes:
        counts = ", ".join(f"{count} {op}" for op, count in sorted(outcome.changes.items()) if op != "same")
        raise CaramlError(f"no changes were expected in {request.stack}, but there are: {counts}", exit_code=CHANGES)


def changes_anything(preview: Display, outcome: Outcome) -> bool:
    """Whether resources or outputs would change; secret outputs may, as events do not tell."""
    old, new = preview.tree.outputs or ({}, {})
    return outcome.has_changes or old != new or SECRET in flow_text(plain_value(dict(new)))


def _unseen(request: Request, display: Display, error: CaramlError, exit_code: int) -> CaramlError:
    """`error` without the parts that already stand among the diagnostics."""
    shown = {item.message for item in display.tree.diagnostics if not request.as_json}
    errors = error.errors if isinstance(error, CaramlErrors) else [error]
    unseen = [single for single in errors if str(single) not in shown]
    left = CaramlErrors(unseen) if len(unseen) > 1 else unseen[0] if unseen else None
    if left is None:
        left = CaramlError(display.subject.failure, fix="see the diagnostics above")
    left.exit_code = exit_code
    return left


def _print_document(request: Request, display: Display) -> None:
    if request.as_json:
        print(json.dumps(document(display.tree, display.elapsed), indent=1, ensure_ascii=False))


def line(prompt: str) -> str:
    """What is typed after `prompt`; empty at the end of the input.

    Waits in short turns: a Ctrl-C that comes just before a read would otherwise count only after it.
    """
    print(prompt, end="", flush=True)
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        pass
    return sys.stdin.readline()


def _ask(request: Request, preview: Display | None) -> None:
    """Ask until there is an answer; `details` shows the whole diff first."""
    question = _QUESTIONS[request.operation].format(request.stack)
    choices = "[y]es, [n]o, [d]etails" if preview else "[y]es, [n]o"
    while True:
        print()
        try:
            answer = line(f"{question} {choices}: ").strip().lower()
        except KeyboardInterrupt:
            print()
            raise
        if answer in ("y", "yes"):
            print()
            return
        if answer in ("d", "details") and preview:
            preview.print_details()
        elif answer in ("", "n", "no"):
            print("Nothing was changed.")
            raise typer.Exit(FAILED)
