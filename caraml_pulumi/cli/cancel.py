"""``caraml cancel``: removes the locks that a run left on a stack."""

from typing import TYPE_CHECKING, Annotated

import typer

from caraml_pulumi.cli.common import HERE, Cwd, Json, Stack, load_document, note, print_json, resolve_target
from caraml_pulumi.cli.terminal import is_interactive
from caraml_pulumi.errors import LOCKED, USAGE, CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.engine.state.locks import Lock

app = typer.Typer(rich_markup_mode=None)

Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]
Force = Annotated[
    bool, typer.Option("--force", help="Also where the lock's holder is a process of this machine that still runs.")
]


@app.command(epilog="Example: caraml cancel --stack dev")
def cancel(cwd: Cwd = HERE, stack: Stack = None, yes: Yes = False, force: Force = False, json: Json = False) -> None:
    """Remove the locks of runs that no longer run, so that others can go on.

    A run that still runs is better ended by Ctrl-C, which lets it finish and record what it has begun.
    """
    from caraml_pulumi.engine.state.backend import open_backend

    target = resolve_target(cwd, stack)
    backend = open_backend(target.backend_url)
    project, name = target.project.name, target.stack
    locks = backend.locks(project, name)
    if not locks:
        load_document(target)
    at_work = [lock for lock in locks if lock.at_work]
    if at_work and not force:
        raise _at_work(name, at_work[0])
    if locks and not yes and not all(lock.ended for lock in locks):
        _ask(name, locks)
    backend.unlock(locks)
    if json:
        print_json({"stack": name, "removed": [_described(lock) for lock in locks]})
        return
    for lock in locks:
        note(f"removed the lock of {lock}")
    if not locks:
        note(f"no run holds a lock on the stack {name}")
    elif backend.journal(project, name).exists():
        note("an update of it was interrupted: the next 'caraml up', 'refresh' or 'destroy' finds out what it did")


def _at_work(stack: str, lock: "Lock") -> CaramlError:
    pid = lock.owner["pid"]
    return CaramlError(
        f"the run that holds the lock on the stack {stack} is at work on this machine: {lock}",
        where=lock.place,
        fix=f"end it: kill -INT {pid} lets it finish and record what it has begun; "
        "where that is not the run, or it hangs for good: caraml cancel --force",
        exit_code=LOCKED,
    )


def _ask(stack: str, locks: "list[Lock]") -> None:
    if not is_interactive():
        raise CaramlError(
            "cancel asks before it removes a lock whose holder cannot be seen from here, and nobody can answer",
            where=", ".join(lock.place for lock in locks),
            fix=f"make sure that it has ended, then run: caraml cancel --stack {stack} --yes",
            exit_code=USAGE,
        )
    for lock in locks:
        note(f"locked by {lock}")
    note("If it still runs, what it does from now on may be lost, or overwrite what others do.")
    typer.confirm(f"Remove the lock on the stack {stack}?", abort=True, err=True)


def _described(lock: "Lock") -> dict[str, object]:
    known = ("username", "hostname", "pid", "timestamp", "command")
    return {"place": lock.place, **{key: lock.owner[key] for key in known if key in lock.owner}}
