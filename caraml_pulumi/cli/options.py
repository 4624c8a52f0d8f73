"""The options that commands share, and what an update is asked for with them."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caraml_pulumi.cli.engines import EngineChoice
from caraml_pulumi.cli.terminal import Color
from caraml_pulumi.engine.api import DEFAULT_PARALLEL, Options
from caraml_pulumi.engine.selection import EVERYTHING, Selection
from caraml_pulumi.errors import USAGE, CaramlError

Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]
Diff = Annotated[bool, typer.Option("--diff", help="Show every changed property.")]
SkipPreview = Annotated[bool, typer.Option("--skip-preview", help="Go ahead without a preview.")]
Message = Annotated[
    str, typer.Option("-m", "--message", metavar="TEXT", help="What this is for; it stands in the history.")
]
Parallel = Annotated[int, typer.Option("-p", "--parallel", metavar="N", min=1, help="Operations at one time.")]
PolicyPacks = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy-pack", metavar="DIR", exists=True, file_okay=False, help="A policy pack to check against; repeatable."
    ),
]
PolicyPackConfigs = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy-pack-config",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="The configuration of a pack, in the same order.",
    ),
]
Refresh = Annotated[bool, typer.Option("-r", "--refresh", help="Refresh the state first.")]
ExpectNoChanges = Annotated[
    bool, typer.Option("--expect-no-changes", help="Fail (exit code 5) if there is anything to change.")
]
ClearPendingCreates = Annotated[
    bool,
    typer.Option("--clear-pending-creates", help="Forget interrupted creates of which nobody can tell what they made."),
]
ImportPendingCreates = Annotated[
    list[str] | None,
    typer.Option("--import-pending-creates", metavar="URN=ID", help="What such a create has made; repeatable."),
]
Render = Annotated[
    Path | None,
    typer.Option("--render", metavar="DIR", file_okay=False, help="Write the manifests there, as YAML."),
]
STACKS_AT_A_TIME: Final = 4
"""Stacks that ``--all`` runs at one time: each is a process that loads Pulumi's SDK, half a second of a core."""
ParallelOrStacks = Annotated[
    int | None,
    typer.Option(
        "-p",
        "--parallel",
        metavar="N",
        min=1,
        help="Operations at one time; with --all, stacks at one time.",
        show_default=f"{DEFAULT_PARALLEL}; with --all {STACKS_AT_A_TIME}",
    ),
]
Every = Annotated[bool, typer.Option("--all", help="The stacks of all projects under the directory; see --env.")]
Env = Annotated[
    str | None,
    typer.Option("--env", metavar="NAME", help="With --all: the environment, which its stacks are named by."),
]
Engine = Annotated[EngineChoice, typer.Option("--engine", envvar="CARAML_ENGINE", help="What runs the program.")]
ColorOption = Annotated[Color, typer.Option("--color", help="When to colour.")]
NonInteractive = Annotated[bool, typer.Option("--non-interactive", help="Plain lines and no questions, as for a log.")]


def update_options(
    parallel: int,
    message: str,
    packs: list[Path] | None,
    pack_configs: list[Path] | None,
    refresh: bool,
    render: Path | None,
    chosen: Selection = EVERYTHING,
) -> Options:
    """The options of an update. Raises `CaramlError` for more configurations of policy packs than packs."""
    packs, pack_configs = packs or [], pack_configs or []
    if len(pack_configs) > len(packs):
        raise CaramlError(
            f"{len(pack_configs)} policy pack configurations for {len(packs)} policy packs",
            allowed="one --policy-pack-config for each --policy-pack at most",
            exit_code=USAGE,
        )
    from caraml_pulumi.model.changes import change_allowed

    return Options(
        parallel=parallel,
        message=message,
        change_rules=(change_allowed,),
        policy_packs=tuple(packs),
        policy_pack_configs=tuple(pack_configs),
        refresh=refresh,
        render=render,
        selection=chosen,
    )
