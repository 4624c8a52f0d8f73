"""``caraml preview``, ``up``, ``refresh`` and ``destroy``."""

from pathlib import Path
from typing import Annotated

import typer

from caraml_pulumi.cli.common import HERE, Cwd, Json, Stack, resolve_target
from caraml_pulumi.cli.engines import EngineChoice, open_engine
from caraml_pulumi.cli.terminal import Color, apply_color
from caraml_pulumi.engine.api import DEFAULT_PARALLEL, Options
from caraml_pulumi.errors import USAGE, CaramlError

preview_app = typer.Typer(rich_markup_mode=None)
up_app = typer.Typer(rich_markup_mode=None)
refresh_app = typer.Typer(rich_markup_mode=None)
destroy_app = typer.Typer(rich_markup_mode=None)

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
Render = Annotated[
    Path | None,
    typer.Option("--render", metavar="DIR", file_okay=False, help="Write the manifests there, as YAML."),
]
Engine = Annotated[EngineChoice, typer.Option("--engine", envvar="CARAML_ENGINE", help="What runs the program.")]
ColorOption = Annotated[Color, typer.Option("--color", help="When to colour.")]
NonInteractive = Annotated[bool, typer.Option("--non-interactive", help="Plain lines and no questions, as for a log.")]


@preview_app.command()
def preview(
    cwd: Cwd = HERE,
    stack: Stack = None,
    diff: Diff = False,
    json: Json = False,
    refresh: Refresh = False,
    expect_no_changes: ExpectNoChanges = False,
    render: Render = None,
    policy_pack: PolicyPacks = None,
    policy_pack_config: PolicyPackConfigs = None,
    message: Message = "",
    parallel: Parallel = DEFAULT_PARALLEL,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
    non_interactive: NonInteractive = False,
) -> None:
    """Show what up would change; nothing is changed."""
    apply_color(color)
    from caraml_pulumi.cli.flow import Request, show_preview

    show_preview(
        Request(
            "update",
            open_engine(engine),
            resolve_target(cwd, stack),
            update_options(parallel, message, policy_pack, policy_pack_config, refresh, render),
            show_diff=diff,
            as_json=json,
            expect_no_changes=expect_no_changes,
            interactive=not non_interactive,
        )
    )


@up_app.command()
def up(
    cwd: Cwd = HERE,
    stack: Stack = None,
    yes: Yes = False,
    diff: Diff = False,
    json: Json = False,
    skip_preview: SkipPreview = False,
    refresh: Refresh = False,
    expect_no_changes: ExpectNoChanges = False,
    policy_pack: PolicyPacks = None,
    policy_pack_config: PolicyPackConfigs = None,
    message: Message = "",
    parallel: Parallel = DEFAULT_PARALLEL,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
    non_interactive: NonInteractive = False,
) -> None:
    """Create, update and delete resources until the stack is as the program says. Shows a preview and asks first."""
    apply_color(color)
    from caraml_pulumi.cli.flow import Request, apply

    apply(
        Request(
            "update",
            open_engine(engine),
            resolve_target(cwd, stack),
            update_options(parallel, message, policy_pack, policy_pack_config, refresh, None),
            yes=yes,
            show_diff=diff,
            as_json=json,
            skip_preview=skip_preview,
            expect_no_changes=expect_no_changes,
            interactive=not non_interactive,
        )
    )


@refresh_app.command()
def refresh(
    cwd: Cwd = HERE,
    stack: Stack = None,
    yes: Yes = False,
    diff: Diff = False,
    json: Json = False,
    skip_preview: SkipPreview = False,
    expect_no_changes: ExpectNoChanges = False,
    message: Message = "",
    parallel: Parallel = DEFAULT_PARALLEL,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
    non_interactive: NonInteractive = False,
) -> None:
    """Compare the state with what is really there, show the drift, and take it over into the state after asking."""
    apply_color(color)
    from caraml_pulumi.cli.flow import Request, apply

    apply(
        Request(
            "refresh",
            open_engine(engine),
            resolve_target(cwd, stack),
            Options(parallel=parallel, message=message),
            yes=yes,
            show_diff=diff,
            as_json=json,
            skip_preview=skip_preview,
            expect_no_changes=expect_no_changes,
            interactive=not non_interactive,
        )
    )


@destroy_app.command()
def destroy(
    cwd: Cwd = HERE,
    stack: Stack = None,
    yes: Yes = False,
    diff: Diff = False,
    json: Json = False,
    skip_preview: SkipPreview = False,
    refresh: Refresh = False,
    message: Message = "",
    parallel: Parallel = DEFAULT_PARALLEL,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
    non_interactive: NonInteractive = False,
) -> None:
    """Delete everything in the stack, after asking. Its history and configuration stay."""
    apply_color(color)
    from caraml_pulumi.cli.flow import Request, apply

    apply(
        Request(
            "destroy",
            open_engine(engine),
            resolve_target(cwd, stack),
            Options(parallel=parallel, message=message, refresh=refresh),
            yes=yes,
            show_diff=diff,
            as_json=json,
            skip_preview=skip_preview,
            interactive=not non_interactive,
        )
    )


def update_options(
    parallel: int,
    message: str,
    packs: list[Path] | None,
    pack_configs: list[Path] | None,
    refresh: bool,
    render: Path | None,
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
    )
