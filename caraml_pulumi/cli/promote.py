"""``caraml promote``: brings what is deployed and healthy in one environment to another."""

from typing import Annotated

import typer

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.common import HERE, Cwd, Json, default_packs, resolve_target
from caraml_pulumi.cli.engines import EngineChoice, open_engine
from caraml_pulumi.cli.options import (
    ColorOption,
    Diff,
    Engine,
    NonInteractive,
    Parallel,
    PolicyPackConfigs,
    PolicyPacks,
    Yes,
    update_options,
)
from caraml_pulumi.cli.terminal import Color, apply_color, refuse_to_ask
from caraml_pulumi.engine.api import DEFAULT_PARALLEL
from caraml_pulumi.errors import USAGE, CaramlError

app = typer.Typer(rich_markup_mode=None)

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="The model; PROJECT/MODEL if several projects have it.", autocompletion=complete.models
    ),
]
From = Annotated[
    str, typer.Option("--from", metavar="STACK", help="The stack that has it deployed.", autocompletion=complete.stacks)
]
To = Annotated[
    str, typer.Option("--to", metavar="STACK", help="The stack that gets it.", autocompletion=complete.stacks)
]
Version = Annotated[
    int | None,
    typer.Option("--version", metavar="N", min=1, help="This version alone.", show_default="all that answer requests"),
]
Weight = Annotated[
    int | None,
    typer.Option(
        "--weight",
        metavar="PERCENT",
        min=0,
        max=100,
        help="What of the requests --version gets.",
        show_default="none, or all where it is the first",
    ),
]
Project = Annotated[
    str | None,
    typer.Option("--project", metavar="NAME", help="The project that gets it.", show_default="that of the same name"),
]
NoApply = Annotated[bool, typer.Option("--no-apply", help="Only write the release file, as for a pull request.")]
PlanOnly = Annotated[bool, typer.Option("--plan-only", help="Only show what would change.")]


@app.command(epilog="Example: caraml promote iris --from staging --to prod --version 2")
def promote(
    model: Model,
    source: From,
    to: To,
    version: Version = None,
    weight: Weight = None,
    project: Project = None,
    cwd: Cwd = HERE,
    yes: Yes = False,
    no_apply: NoApply = False,
    plan_only: PlanOnly = False,
    diff: Diff = False,
    json: Json = False,
    policy_pack: PolicyPacks = None,
    policy_pack_config: PolicyPackConfigs = None,
    parallel: Parallel = DEFAULT_PARALLEL,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
    non_interactive: NonInteractive = False,
) -> None:
    """Bring what is deployed and healthy in one environment to another: the same images and artifacts, by digest.

    Writes the release file of the target, shows it and the preview, asks the project's policy pack, and deploys. What
    is an environment's own, such as replicas, stays as the target has it. Without --version the target's requests go
    where the source's go. Exit code 7 if the source is not healthy, 4 if an update of a stack is under way.
    """
    apply_color(color)
    from caraml_pulumi.cli.flow import Request
    from caraml_pulumi.cli.promote_run import Mode, run
    from caraml_pulumi.promotion.document import Choice

    if weight is not None and version is None:
        raise CaramlError("--weight is for one version", fix="name it with --version", exit_code=USAGE)
    if no_apply and plan_only:
        raise CaramlError("--no-apply writes the file, and --plan-only does not", fix="choose one", exit_code=USAGE)
    mode = Mode.WRITE if no_apply else Mode.SHOW if plan_only else Mode.DEPLOY
    origin, target = resolve_target(cwd, source), resolve_target(cwd, to)
    if origin.stack == target.stack:
        raise CaramlError(f"both --from and --to are {to}", fix="name two stacks", exit_code=USAGE)
    if not policy_pack and not policy_pack_config:
        packs = default_packs(target.project, target.stack)
        policy_pack, policy_pack_config = [pack for pack, _ in packs], [config for _, config in packs if config]
    options = update_options(parallel, "", policy_pack, policy_pack_config, refresh=False, render=None)
    request = Request(
        "update",
        open_engine(engine),
        target,
        options,
        yes=yes,
        show_diff=diff,
        as_json=json,
        interactive=not non_interactive,
    )
    if mode is Mode.DEPLOY and not yes and not request.live:
        raise refuse_to_ask("promote")
    run(origin, model, Choice(version, weight), project, mode, request)
