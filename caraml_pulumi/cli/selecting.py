"""The options by which an operation is about some of a stack's resources only."""

from collections.abc import Sequence
from typing import Annotated

import typer

from caraml_pulumi.engine.selection import Selection
from caraml_pulumi.errors import USAGE, CaramlError

Targets = Annotated[
    list[str] | None,
    typer.Option(
        "-t",
        "--target",
        metavar="RESOURCE",
        help="Only this resource: its name, its URN, or a pattern of URNs with * and **; repeatable.",
    ),
]
TargetDependents = Annotated[
    bool, typer.Option("--target-dependents", help="And what depends on a target, directly or indirectly.")
]
Excludes = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="RESOURCE", help="All but this resource, written as for --target; repeatable."),
]
ExcludeDependents = Annotated[
    bool, typer.Option("--exclude-dependents", help="Nor what depends on something excluded.")
]
Replaces = Annotated[
    list[str] | None,
    typer.Option("--replace", metavar="RESOURCE", help="Replace this resource, changed or not; repeatable."),
]
TargetReplaces = Annotated[
    list[str] | None,
    typer.Option("--target-replace", metavar="RESOURCE", help="Short for --target and --replace of it."),
]


def selection(
    targets: Sequence[str] | None,
    target_dependents: bool,
    excludes: Sequence[str] | None,
    exclude_dependents: bool,
    replaces: Sequence[str] | None = None,
    target_replaces: Sequence[str] | None = None,
) -> Selection:
    """What the options select. Raises `CaramlError` where they contradict each other."""
    both = tuple(target_replaces or ())
    found = Selection(
        targets=(*(targets or ()), *both),
        target_dependents=target_dependents,
        excludes=tuple(excludes or ()),
        exclude_dependents=exclude_dependents,
        replaces=(*(replaces or ()), *both),
    )
    if found.targets and found.excludes:
        raise _usage("--target and --exclude were both given", "give one of them")
    if target_dependents and not found.targets:
        raise _usage("--target-dependents was given without a --target", "add --target RESOURCE")
    if exclude_dependents and not found.excludes:
        raise _usage("--exclude-dependents was given without an --exclude", "add --exclude RESOURCE")
    if "" in (*found.targets, *found.excludes, *found.replaces):
        raise _usage("a resource was named by an empty text", "give its name or its URN")
    return found


def _usage(what: str, fix: str) -> CaramlError:
    return CaramlError(what, fix=fix, exit_code=USAGE)
