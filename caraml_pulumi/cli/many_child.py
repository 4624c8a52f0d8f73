"""The process of one stack under ``--all``: what Pulumi's runtime remembers is the process', so each stack has its own.

It gets its `Task` on standard input, writes its log to standard output and error, and reports on a pipe: lines of
JSON, first how far it is, at last what came out. When the process that started it is gone, it stops as after Ctrl-C.
"""

import json
import os
import pickle
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any, Final

from caraml_pulumi.engine.api import Options, Outcome, Target

if TYPE_CHECKING:
    from caraml_pulumi.cli.engines import EngineChoice
    from caraml_pulumi.engine.display.view import Display

_PAUSE: Final = 0.2
"""Seconds between two reports on how far it is."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a process does: an operation on a stack, or a preview of it (`planning`).

    `seen` is the state that a person was shown, as `Result.seen` tells; the change is not made if it is another now.
    """

    operation: str
    planning: bool
    target: Target
    options: Options
    engine: "EngineChoice"
    show_diff: bool = False
    expect_no_changes: bool = False
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended. `changed` tells whether the preview found anything to do; `error` is empty if all went well.

    `references` are the stacks that the stack refers to, as its program or its state has them. `document` is that of
    ``--json``.
    """

    exit_code: int
    seconds: float = 0.0
    error: str = ""
    changed: bool = False
    seen: str = ""
    references: tuple[str, ...] = ()
    changes: dict[str, int] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    """Do the task that stands on standard input; the argument is the pipe to report on. Exits as ``caraml`` does."""
    try:
        task = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the process that started this one
        _follow_parent()
        from caraml_pulumi.cli.main import ended

        with open(int(sys.argv[1]), "w", encoding="utf-8") as reports:
            ended(lambda: _do(task, reports))
    except KeyboardInterrupt:
        sys.exit(130)  # as `errors.INTERRUPTED`, which may not be loaded yet


def _follow_parent() -> None:
    """Stop in order when the standard input ends: the process that started this one holds its other side."""
    held = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)

    def wait() -> None:
        os.read(held, 1)
        os.killpg(0, signal.SIGINT)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _do(task: Task, reports: IO[str]) -> None:
    from caraml_pulumi.cli.engines import open_engine
    from caraml_pulumi.cli.flow import Request, changes_anything, check, perform
    from caraml_pulumi.cli.many_stacks import STACK_REFERENCE, read_state
    from caraml_pulumi.cli.target_cluster import hold_to_cluster
    from caraml_pulumi.cli.terminal import console
    from caraml_pulumi.engine.display.document import document
    from caraml_pulumi.engine.display.lines import Lines
    from caraml_pulumi.engine.display.view import Subject
    from caraml_pulumi.errors import CaramlError

    class Reporting(Lines):
        """Lines for the log, and how far it is for the one who shows all stacks."""

        told = 0.0

        def changed(self, row: Any, now: float) -> None:  # noqa: ANN401 - a Row
            super().changed(row, now)
            if now - self.told >= _PAUSE:
                self.told = now
                _report(reports, {"progress": _progress(self)})

    started = time.monotonic()
    hold_to_cluster(task.target, task.operation)
    request = Request(
        task.operation,
        open_engine(task.engine),
        task.target,
        task.options,
        show_diff=task.show_diff,
        expect_no_changes=task.expect_no_changes,
        interactive=False,
    )
    display = Reporting(console(), Subject(task.operation, request.stack, task.planning), show_diff=task.show_diff)
    result, outcome = Result(0), Outcome()
    try:
        seen, references = read_state(task.target)
        if task.seen not in ("", seen):
            raise CaramlError(
                f"{request.stack} was changed by somebody else since its preview; nothing was done to it",
                fix="look at the preview again: repeat the command",
            )
        result = replace(result, seen=seen, references=references)
        outcome = perform(request, display, planning=task.planning)
        check(request, display, outcome)
    except CaramlError as error:
        result = replace(result, exit_code=error.exit_code, error=str(outcome.error or error))
        raise
    finally:
        made = [row.metadata.get("new") or {} for row in display.tree.rows.values() if row.type == STACK_REFERENCE]
        named = {str(state["inputs"]["name"]) for state in made if (state.get("inputs") or {}).get("name")}
        result = replace(
            result,
            seconds=time.monotonic() - started,
            changed=changes_anything(display, outcome),
            references=tuple(sorted({*result.references, *named})),
            changes=dict(outcome.changes),
            document=document(display.tree, display.elapsed),
        )
        _report(reports, {"result": asdict(result)})


def _progress(display: "Display") -> str:
    rows = [row for row in display.tree.rows.values() if row.custom]
    running = display.tree.running()
    text = f"{len(rows) - len(running)} of {len(rows)} resources"
    if running:
        text += f", {running[0].name} {running[0].message}".rstrip()
    return text


def _report(reports: IO[str], message: dict[str, Any]) -> None:
    reports.write(json.dumps(message) + "\n")
    reports.flush()


if __name__ == "__main__":
    main()
