"""``--all``: an operation on the stacks of one name, of all projects under a directory.

All are previewed first, one question names them, then each is changed; a failure of one stops none of the others.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from caraml_pulumi.cli.common import note
from caraml_pulumi.cli.engines import EngineChoice, uses_pulumi
from caraml_pulumi.cli.flow import COMMANDS, line
from caraml_pulumi.cli.many_child import Result, Task
from caraml_pulumi.cli.many_display import Board, JsonBoard, LineBoard, LiveBoard, print_logs, print_summary
from caraml_pulumi.cli.many_process import Job, Jobs
from caraml_pulumi.cli.many_stacks import find_stacks, read_state, with_packs
from caraml_pulumi.cli.terminal import console, is_interactive, refuse_to_ask
from caraml_pulumi.engine.api import Options
from caraml_pulumi.errors import FAILED, INTERRUPTED, USAGE, CaramlError

_KEPT_RUNS: Final = 20
"""Runs whose logs are kept."""
_QUESTIONS: Final = {
    "update": "Apply these changes to {}?",
    "refresh": "Take these changes over into the state of {}?",
    "destroy": "Delete these resources of {}?",
}
_VERBS: Final = {"update": "updating", "refresh": "refreshing", "destroy": "destroying"}


@dataclass(frozen=True, slots=True)
class Many:
    """One operation on several stacks, and how to show it.

    The stacks are those named `stack` of the projects under `directory`; `parallel` of them run at one time.
    """

    operation: str
    directory: Path
    stack: str
    engine: EngineChoice
    options: Options
    parallel: int
    yes: bool = False
    show_diff: bool = False
    as_json: bool = False
    skip_preview: bool = False
    expect_no_changes: bool = False
    interactive: bool = True

    @property
    def live(self) -> bool:
        """Whether a person watches."""
        return self.interactive and not self.as_json and is_interactive()


class _Run:
    """The stacks of a `Many`, and the logs of this run."""

    def __init__(self, many: Many, *, only_preview: bool) -> None:
        if many.options.render is not None:
            raise CaramlError(
                "manifests are written of one stack at a time", where="--render", fix="leave out --all", exit_code=USAGE
            )
        uses_pulumi(many.engine)
        self.many = many
        found = find_stacks(many.directory, many.stack)
        self.targets = {f"{target.project.name}/{target.stack}": target for target in found.targets}
        self.broken = {name: Result(error.exit_code, error=str(error)) for name, error in found.broken.items()}
        if found.left_out and not many.as_json:
            note(f"left out: {', '.join(found.left_out)}")
        self._logs = _log_directory()
        self.only_preview = only_preview
        self.stopped = False

    def perform(self, names: Sequence[str], seen: Mapping[str, Result], *, planning: bool) -> dict[str, Result]:
        """Preview the named stacks, or do it to them; `seen` is what their previews told."""
        many = self.many
        verb = "previewing" if planning else _VERBS[many.operation]
        board = self._board(names, verb, planning=planning)
        order = dict.fromkeys(names, frozenset[str]()) if planning else self._order(names, seen)
        jobs = {name: self._job(name, seen.get(name), order[name], planning=planning) for name in names}
        with board:
            runner = Jobs(jobs, many.parallel, board.show)
            results = runner.run()
        self.stopped = runner.stopped
        return results

    def log(self, name: str, *, planning: bool) -> Path:
        """Where the log of a stack is."""
        return self._logs / f"{name.replace('/', '.')}.{'preview' if planning else COMMANDS[self.many.operation]}.log"

    def logs(self, names: Sequence[str], *, planning: bool) -> dict[str, Path]:
        """The logs of stacks that got so far as to have one."""
        logs = {name: self.log(name, planning=planning) for name in names}
        return {name: log for name, log in logs.items() if log.exists()}

    def _job(self, name: str, seen: Result | None, after: frozenset[str], *, planning: bool) -> Job:
        many, target = self.many, self.targets[name]
        options = with_packs(many.options, target.project, target.stack) if many.operation == "update" else many.options
        task = Task(
            many.operation,
            planning,
            target,
            options,
            many.engine,
            show_diff=many.show_diff,
            expect_no_changes=many.expect_no_changes,
            seen=seen.seen if seen else "",
        )
        return Job(task, self.log(name, planning=planning), after)

    def _order(self, names: Sequence[str], seen: Mapping[str, Result]) -> dict[str, frozenset[str]]:
        """The stacks that each stack waits for: those it refers to; when destroying, those that refer to it."""
        refers = {
            name: frozenset(
                other
                for reference in (seen[name].references if name in seen else read_state(self.targets[name])[1])
                if (other := "/".join(reference.split("/")[-2:])) in names and other != name
            )
            for name in names
        }
        if self.many.operation != "destroy":
            return refers
        return {name: frozenset(other for other in names if name in refers[other]) for name in names}

    def _board(self, names: Sequence[str], verb: str, *, planning: bool) -> Board:
        many = self.many
        if many.as_json:
            command = "preview" if planning else COMMANDS[many.operation]
            return JsonBoard(command, previews=planning and not self.only_preview)
        count = f"{len(names)} stack{'s' if len(names) != 1 else ''}"
        title = f"{verb.capitalize()} {count}, {min(many.parallel, len(names))} at a time"
        if many.live:
            return LiveBoard(console(), title, verb, names, planning=planning)
        return LineBoard(console(), title, verb, planning)


def preview_all(many: Many) -> None:
    """Show what would change in each stack, and a summary.

    Raises:
        CaramlError: there are no such stacks, or a preview failed; its exit code is the worst of all.
    """
    run = _Run(many, only_preview=True)
    results = run.perform(list(run.targets), {}, planning=True) | run.broken
    if not many.as_json:
        shown = [name for name, result in results.items() if result.exit_code or result.changed or many.show_diff]
        print_logs(console(), run.logs(shown, planning=True))
    _end(run, results, planning=True)


def apply_to_all(many: Many) -> None:
    """Preview each stack, ask once, and do it to all that have changes.

    Raises:
        CaramlError: there are no such stacks, nobody can answer, or a stack failed; its exit code is the worst of all.
            typer.Exit if the answer was no.
    """
    if not many.yes and not many.live:
        raise refuse_to_ask(COMMANDS[many.operation])
    run = _Run(many, only_preview=False)
    names, previews = list(run.targets), dict[str, Result]()
    if not many.skip_preview:
        previews = run.perform(names, {}, planning=True) | run.broken
        names = [name for name, result in previews.items() if not result.exit_code and result.changed]
        failed = [name for name, result in previews.items() if result.exit_code]
        if not many.as_json:
            print_logs(console(), run.logs([*failed, *(names if many.show_diff else [])], planning=True))
            print_summary(console(), previews, planning=True)
        if not names and not any(one.exit_code for one in previews.values()) and not many.as_json:
            print("\nThere is nothing to do.")
        if run.stopped or not names:
            _end(run, previews, planning=True, quiet=True)
            return
    if not many.yes:
        _ask(run, names)
    results = run.perform(names, previews, planning=False)
    if not many.as_json:
        print_logs(console(), run.logs([name for name, one in results.items() if one.exit_code], planning=False))
    _end(run, {**run.broken, **previews, **results}, planning=False)


def _ask(run: _Run, names: Sequence[str]) -> None:
    """Ask until there is an answer; `details` shows the logs of the previews first."""
    many = run.many
    what = f"{len(names)} stacks ({', '.join(names)})" if len(names) > 1 else names[0]
    question = _QUESTIONS[many.operation].format(what)
    choices = "[y]es, [n]o" if many.skip_preview else "[y]es, [n]o, [d]etails"
    while True:
        print()
        answer = line(f"{question} {choices}: ").strip().lower()
        if answer in ("y", "yes"):
            print()
            return
        if answer in ("d", "details") and not many.skip_preview:
            print_logs(console(), run.logs(names, planning=True))
        elif answer in ("", "n", "no"):
            print("Nothing was changed.")
            raise typer.Exit(FAILED)


def _end(run: _Run, results: Mapping[str, Result], *, planning: bool, quiet: bool = False) -> None:
    """Print the summary, and raise `CaramlError` if a stack failed."""
    failed = {name: result for name, result in results.items() if result.exit_code}
    worst = max((result.exit_code for result in failed.values()), default=0)
    if run.many.as_json:
        for name, result in run.broken.items():
            JsonBoard("preview").show(name, "", result)
        counts = {"succeeded": len(results) - len(failed), "failed": len(failed)}
        print(json.dumps({"summary": counts, "exitCode": worst}), flush=True)
    elif not quiet:
        print_summary(console(), results, planning=planning)
    if not failed:
        return
    word = "stopped" if worst == INTERRUPTED else "failed"
    raise CaramlError(
        f"{len(failed)} of {len(results)} stacks {word}: {', '.join(failed)}",
        where=f"logs in {run.log(next(iter(failed)), planning=planning).parent}",
        exit_code=worst,
    )


def _log_directory() -> Path:
    """A new directory for the logs of this run; those of the oldest runs go."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    logs = state / "caraml" / "logs"
    directory = logs / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
    try:
        directory.mkdir(mode=0o700, parents=True)
        for old in sorted(logs.iterdir())[:-_KEPT_RUNS]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise CaramlError(
            f"the logs of the stacks cannot be written: {error.strerror}",
            where=str(directory),
            fix="set XDG_STATE_HOME to a directory that can be written to",
        ) from error
    return directory
