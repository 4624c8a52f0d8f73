"""`caraml cluster`: a local Kubernetes control plane with Knative, from nothing."""

import json
import shlex
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caraml_pulumi.cli.terminal import is_interactive
from caraml_pulumi.cluster.state import DEFAULT_NAME, Cluster
from caraml_pulumi.errors import FAILED, CaramlError

if TYPE_CHECKING:
    from rich.console import Console

    from caraml_pulumi.cluster.lifecycle import Status

app = typer.Typer(
    help="A local Kubernetes control plane: real servers on loopback, one fake node, no containers.",
    no_args_is_help=True,
)


class Only(StrEnum):
    """What `up` can be limited to."""

    kubernetes = "kubernetes"


class More(StrEnum):
    """What `up` can add."""

    s3 = "s3"
    istio = "istio"


Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Name of the cluster; several can run side by side.")]
Directory = Annotated[
    Path | None,
    typer.Option(
        "--state", metavar="DIR", help="Directory of all clusters.", show_default="~/.local/state/caraml/clusters"
    ),
]
Limit = Annotated[Only | None, typer.Option(help="Leave out Knative and the CRDs.")]
Additions = Annotated[list[More] | None, typer.Option("--with", help="Add an S3 server, or istiod; repeatable.")]


@app.command(epilog="Example: caraml cluster up --with s3")
def up(name: Name = DEFAULT_NAME, state: Directory = None, only: Limit = None, more: Additions = None) -> None:
    """Bring the cluster up, or repair it.

    Builds the servers if they are not built yet (8 to 10 minutes on two cores), starts those that do not run, and sets
    up what is missing.
    """
    from caraml_pulumi.cli.steps import Steps, duration
    from caraml_pulumi.cluster import lifecycle

    started = time.monotonic()
    cluster = Cluster.named(name, state)
    steps = Steps()
    wanted = more or []
    changed = lifecycle.up(
        cluster,
        with_knative=only is None,
        with_s3=More.s3 in wanted,
        with_istio=More.istio in wanted,
        report=steps,
    )
    now = lifecycle.status(cluster)
    took = f"up in {duration(time.monotonic() - started)}" if changed else "up already"
    out = steps.console
    out.print(f"\n[bold]Cluster {name} is {took}.[/]", soft_wrap=True)
    _print_facts(out, now)
    out.print(f"\nUse it:  export KUBECONFIG=$(caraml cluster kubeconfig{cluster.options})", soft_wrap=True)
    if now.s3_url:
        out.print(f'         eval "$(caraml cluster s3{cluster.options})"', soft_wrap=True)
    out.print(f"End it:  caraml cluster down{cluster.options}", soft_wrap=True)


@app.command("build", epilog="Example: caraml cluster build")
def build_servers(only: Limit = None) -> None:
    """Build the servers and start nothing."""
    from caraml_pulumi.cli.steps import Steps
    from caraml_pulumi.cluster import build
    from caraml_pulumi.cluster.parts import ALL, PLAIN
    from caraml_pulumi.cluster.paths import tools_home

    steps = Steps()
    build.ensure(PLAIN if only else ALL, steps)
    steps.note(f"The servers are built, in {tools_home()}")


@app.command(epilog="Example: caraml cluster down")
def down(
    name: Name = DEFAULT_NAME,
    state: Directory = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, where somebody could answer.")] = False,
) -> None:
    """End the cluster and remove all it stored. The built servers stay for the next time."""
    from rich.markup import escape

    from caraml_pulumi.cli.steps import Steps
    from caraml_pulumi.cluster import lifecycle

    cluster = Cluster.named(name, state)
    if cluster.home.exists() and is_interactive() and not yes:
        typer.confirm(f"End the cluster {name} and remove all it stored?", abort=True, err=True)
    steps = Steps()
    ended = lifecycle.down(cluster, steps)
    if ended is None:
        steps.note(f"There is no cluster {name}; nothing to do.")
        return
    listed = ", ".join(f"{one.name} ({one.pid})" for one in ended) or "none was running"
    steps.console.print(f"[bold]Cluster {name} is down.[/]")
    steps.console.print(f"  [dim]ended    [/]{listed}", soft_wrap=True)
    steps.console.print(f"  [dim]removed  [/]{escape(str(cluster.home))}", soft_wrap=True)


@app.command(epilog="Example: caraml cluster status --json")
def status(
    name: Name = DEFAULT_NAME,
    state: Directory = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the servers of the cluster. Exit code 0 if all are healthy, 1 if not or if there is no cluster."""
    from caraml_pulumi.cluster import lifecycle

    cluster = Cluster.named(name, state)
    now = lifecycle.status(cluster)
    if as_json:
        typer.echo(json.dumps(_as_json(now), indent=2))
    elif now.exists:
        _print_status(now)
    else:
        typer.echo(f"There is no cluster {name}. Bring it up with: caraml cluster up{cluster.options}")
    raise typer.Exit(0 if now.healthy else FAILED)


@app.command(epilog="Example: export KUBECONFIG=$(caraml cluster kubeconfig)")
def kubeconfig(
    name: Name = DEFAULT_NAME,
    state: Directory = None,
    dev: Annotated[bool, typer.Option("--dev", help="That of user dev, who has no rights yet.")] = False,
) -> None:
    """Print the path of the kubeconfig.

    It is for KUBECONFIG or --kubeconfig; no kubeconfig of yours is touched.
    """
    cluster = Cluster.named(name, state)
    path = cluster.dev_kubeconfig if dev else cluster.kubeconfig
    if not path.exists():
        raise CaramlError(f"there is no cluster {name}", where=str(path), fix=f"caraml cluster up{cluster.options}")
    typer.echo(path)


@app.command("s3", epilog='Example: eval "$(caraml cluster s3)"')
def s3_settings(
    name: Name = DEFAULT_NAME,
    state: Directory = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the environment variables with which S3 clients use the cluster's S3 server.

    For a shell: eval "$(caraml cluster s3)". The keys in it are of this cluster alone.
    """
    from caraml_pulumi.cluster import s3

    variables = s3.environment(Cluster.named(name, state))
    if as_json:
        typer.echo(json.dumps(variables, indent=2))
    else:
        for variable, value in variables.items():
            typer.echo(f"export {variable}={shlex.quote(value)}")


def _print_status(now: "Status") -> None:
    """The servers as a table, and what else one wants to know of a cluster."""
    from rich.console import Console
    from rich.table import Table

    from caraml_pulumi.cli.steps import duration

    table = Table("SERVER", "HEALTH", box=None, pad_edge=False, header_style="dim")
    for column in ("PID", "PORT", "MIB", "UP"):
        table.add_column(column, justify="right")
    for one in now.servers:
        health = "[green]healthy[/]" if one.healthy else "[red]unhealthy[/]" if one.process else "[red]not running[/]"
        numbers = (one.process.pid, one.server.port, one.process.rss_mib) if one.process else ("", one.server.port, "")
        since = duration(one.process.seconds_up) if one.process else ""
        table.add_row(one.server.name, health, *map(str, numbers), since)
    out = Console(highlight=False, emoji=False)
    out.print(table)
    out.print()
    _print_facts(out, now)
    if not now.healthy:
        out.print(f"\nRepair it with: caraml cluster up{now.cluster.options}", soft_wrap=True)


def _print_facts(out: "Console", now: "Status") -> None:
    """Versions, address and kubeconfig of a cluster."""
    from rich.markup import escape

    facts = {
        "versions": _versions(now),
        "API": now.api_url,
        "kubeconfig": now.cluster.kubeconfig,
        **({"S3": now.s3_url} if now.s3_url else {}),
        "logs": now.cluster.logs,
    }
    for label, text in facts.items():
        out.print(f"  [dim]{label:<11}[/]{escape(str(text))}", soft_wrap=True)


def _versions(now: "Status") -> str:
    """What runs, in one line."""
    return ", ".join(f"{part.title} {part.version}" for part in now.parts if part.programs)


def _as_json(now: "Status") -> dict[str, object]:
    """A cluster's status for programs; times in seconds, memory in MiB."""
    return {
        "name": now.cluster.name,
        "exists": now.exists,
        "healthy": now.healthy,
        "api": now.api_url,
        "kubeconfig": str(now.cluster.kubeconfig),
        "s3": now.s3_url,
        "versions": {part.name: part.version for part in now.parts},
        "servers": [
            {
                "name": one.server.name,
                "healthy": one.healthy,
                "pid": one.process.pid if one.process else None,
                "port": one.server.port,
                "rss_mib": one.process.rss_mib if one.process else 0,
                "seconds_up": round(one.process.seconds_up, 1) if one.process else 0,
                "log": str(now.cluster.log(one.server.name)),
            }
            for one in now.servers
        ],
    }
