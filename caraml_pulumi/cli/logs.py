"""`caraml logs`: what the replicas of a model say."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.common import HERE, Cwd, Stack, load_with_journal, note, resolve_target
from caraml_pulumi.errors import INTERRUPTED, USAGE, CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.status.logs import Line

app = typer.Typer(add_completion=False)
FOLLOWED_TAIL: Final = 10
"""Lines of each container that `-f` begins with, as `tail -f` does."""
_STYLES: Final = ("cyan", "yellow", "green", "magenta", "blue", "bright_red")
LARGEST: Final = 2**31 - 1
"""Lines that Kubernetes can count."""
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Model = Annotated[
    str,
    typer.Argument(
        metavar="[PROJECT/]MODEL[/VERSION]", help="A model, or one version.", autocompletion=complete.versions
    ),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on, also with new replicas, until Ctrl-C.")]
Tail = Annotated[
    int | None,
    typer.Option(
        "--tail",
        metavar="LINES",
        min=0,
        max=LARGEST,
        help="The last lines of each container.",
        show_default="all; 10 with -f",
    ),
]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="Not older than this: 30s, 5m, 2h, 1d.")]
Previous = Annotated[bool, typer.Option("--previous", "-p", help="What was said before the last restart.")]
Container = Annotated[
    str | None,
    typer.Option(
        "--container",
        "-c",
        metavar="NAME",
        help="One container.",
        show_default="model, transformer, storage-initializer",
    ),
]


@app.command(name="logs", epilog="Example: caraml logs iris/2 --stack dev --since 5m -f")
def logs(
    model: Model,
    cwd: Cwd = HERE,
    stack: Stack = None,
    follow: Follow = False,
    tail: Tail = None,
    since: Since = None,
    previous: Previous = False,
    container: Container = None,
) -> None:
    """Print the logs of a model's replicas, merged by time; each line names its replica if there are several."""
    from caraml_pulumi.status.clusters import connected
    from caraml_pulumi.status.deployed import read_deployed
    from caraml_pulumi.status.log_sources import CONTAINERS, container_is_there, replicas_of
    from caraml_pulumi.status.logs import LogOptions, follow_logs, read_logs
    from caraml_pulumi.status.selection import Selection
    from caraml_pulumi.status.state import current_state

    if follow and previous:
        raise CaramlError("what was said before a restart cannot be followed", fix="leave out -f", exit_code=USAGE)
    target, selection = resolve_target(cwd, stack), Selection.parse(model)
    document, journal = load_with_journal(target)
    state = current_state(document, journal)
    versions = selection.versions(read_deployed(state))
    options = LogOptions(
        containers=frozenset({container}) if container else CONTAINERS,
        tail=FOLLOWED_TAIL if tail is None and since is None and follow else tail,
        since_seconds=None if since is None else _seconds(since),
        previous=previous,
    )
    with connected(document, state, [ref for one in versions for ref in one.objects]) as clients:
        replicas = replicas_of(versions, clients)
        if container:
            container_is_there(replicas, container)
        try:
            if follow:
                _print(follow_logs(replicas, options, note), titled=True)
            found = read_logs(replicas, options)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
    _print(iter(found), titled=len({line.source for line in found}) > 1)
    if not found:
        note(f"no replica of {selection} has {'been restarted' if previous else 'said anything'}")


def _print(lines: "Iterator[Line]", *, titled: bool) -> None:
    """Print each line at once; with its replica, in a colour of its own, where there are several."""
    prefix = _prefixes() if titled else lambda line: ""
    for line in lines:
        print(prefix(line) + line.text, flush=True)


def _prefixes() -> "Callable[[Line], str]":
    from caraml_pulumi.cli.terminal import console

    screen = console()
    styles: dict[str, str] = {}

    def prefix(line: "Line") -> str:
        style = styles.setdefault(line.source.pod, _STYLES[len(styles) % len(_STYLES)])
        with screen.capture() as captured:
            screen.print(f"{line.source.title} | ", style=style, end="", soft_wrap=True, markup=False)
        return captured.get()

    return prefix


def _seconds(text: str) -> int:
    """A time before now. Raises `CaramlError` for what is none."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None or not int(found[1]):
        raise CaramlError(f'"{text}" is no time', where="--since", allowed="30s, 5m, 2h, 1d", exit_code=USAGE)
    return int(found[1]) * _UNITS[found[2]]
