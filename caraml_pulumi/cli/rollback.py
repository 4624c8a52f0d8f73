"""``caraml rollback``: restores the release of a model that an earlier update left."""

from typing import Annotated

import typer

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.common import HERE, Cwd, Json, Stack, asked_packs, resolve_target
from caraml_pulumi.cli.engines import EngineChoice, open_engine
from caraml_pulumi.cli.options import (
    ColorOption,
    Diff,
    Engine,
    Message,
    NonInteractive,
    Parallel,
    PolicyPackConfigs,
    PolicyPacks,
    Yes,
    update_options,
)
from caraml_pulumi.cli.terminal import Color, apply_color, refuse_to_ask
from caraml_pulumi.engine.api import DEFAULT_PARALLEL

app = typer.Typer(rich_markup_mode=None)

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="The model; PROJECT/MODEL if several projects have it.", autocompletion=complete.models
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="N",
        help="The update: its number, latest, or -1 for the one before.",
        show_default="the last that succeeded and left another release",
    ),
]
KeepVersions = Annotated[
    bool,
    typer.Option("--keep-versions", help="Keep the versions that would go; they get no requests."),
]
Force = Annotated[bool, typer.Option("--force", help="Go back to an update that failed, too.")]


@app.command(epilog="Examples: caraml rollback iris --stack prod; caraml rollback iris-team/iris --to 12 --yes")
def rollback(
    model: Model,
    to: To = None,
    cwd: Cwd = HERE,
    stack: Stack = None,
    yes: Yes = False,
    force: Force = False,
    keep_versions: KeepVersions = False,
    diff: Diff = False,
    json: Json = False,
    message: Message = "",
    policy_pack: PolicyPacks = None,
    policy_pack_config: PolicyPackConfigs = None,
    parallel: Parallel = DEFAULT_PARALLEL,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
    non_interactive: NonInteractive = False,
) -> None:
    """Restore the release of a model that an earlier update left: its file, and what is deployed.

    The release file is changed, the preview is shown, policies judge, and an ordinary update is made. Without
    --policy-pack the project's own pack is asked: policies/, configured by policies/profiles/STACK.json. Run the same
    command again to go on after an interruption.
    """
    apply_color(color)
    from caraml_pulumi.cli.flow import Request
    from caraml_pulumi.cli.rollback_run import roll_back

    target = resolve_target(cwd, stack)
    packs, configs = asked_packs(target.project, target.stack, policy_pack, policy_pack_config)
    request = Request(
        "update",
        open_engine(engine),
        target,
        update_options(parallel, message, packs, configs, refresh=False, render=None),
        yes=yes,
        show_diff=diff,
        as_json=json,
        interactive=not non_interactive,
    )
    if not yes and not request.live:
        raise refuse_to_ask("rollback")
    roll_back(request, model, to, force=force, keep_versions=keep_versions)
