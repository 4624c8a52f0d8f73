"""``caraml preview``, ``up``, ``refresh`` and ``destroy``, of one stack or with ``--all`` of many."""

from dataclasses import dataclass
from pathlib import Path

import typer

from caraml_pulumi.cli.common import HERE, Cwd, Json, Stack, resolve_target
from caraml_pulumi.cli.engines import EngineChoice, open_engine
from caraml_pulumi.cli.options import (
    STACKS_AT_A_TIME,
    ClearPendingCreates,
    ColorOption,
    Diff,
    Engine,
    Env,
    Every,
    ExpectNoChanges,
    ImportPendingCreates,
    Message,
    NonInteractive,
    ParallelOrStacks,
    PolicyPackConfigs,
    PolicyPacks,
    Refresh,
    Render,
    SkipPreview,
    Yes,
    update_options,
)
from caraml_pulumi.cli.selecting import (
    ExcludeDependents,
    Excludes,
    Replaces,
    TargetDependents,
    TargetReplaces,
    Targets,
    selection,
)
from caraml_pulumi.cli.target_cluster import hold_to_cluster
from caraml_pulumi.cli.terminal import Color, apply_color
from caraml_pulumi.engine.api import DEFAULT_PARALLEL, Options
from caraml_pulumi.engine.selection import EVERYTHING
from caraml_pulumi.errors import USAGE, CaramlError

preview_app = typer.Typer(rich_markup_mode=None)
up_app = typer.Typer(rich_markup_mode=None)
refresh_app = typer.Typer(rich_markup_mode=None)
destroy_app = typer.Typer(rich_markup_mode=None)


@preview_app.command(epilog="Example: caraml preview --stack prod --diff")
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
    target: Targets = None,
    target_dependents: TargetDependents = False,
    exclude: Excludes = None,
    exclude_dependents: ExcludeDependents = False,
    replace: Replaces = None,
    target_replace: TargetReplaces = None,
    message: Message = "",
    parallel: ParallelOrStacks = None,
    every: Every = False,
    env: Env = None,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
    non_interactive: NonInteractive = False,
) -> None:
    """Show what up would change; nothing is changed."""
    apply_color(color)
    options = update_options(
        _at_one_time(parallel, every),
        message,
        policy_pack,
        policy_pack_config,
        refresh,
        render,
        selection(target, target_dependents, exclude, exclude_dependents, replace, target_replace),
    )
    _carry_out(
        Stacks(cwd, stack, every, env, parallel),
        "update",
        engine,
        options,
        preview_only=True,
        show_diff=diff,
        as_json=json,
        expect_no_changes=expect_no_changes,
        interactive=not non_interactive,
    )


@up_app.command(epilog="Example: caraml up --stack dev")
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
    target: Targets = None,
    target_dependents: TargetDependents = False,
    exclude: Excludes = None,
    exclude_dependents: ExcludeDependents = False,
    replace: Replaces = None,
    target_replace: TargetReplaces = None,
    message: Message = "",
    parallel: ParallelOrStacks = None,
    every: Every = False,
    env: Env = None,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
    non_interactive: NonInteractive = False,
) -> None:
    """Create, update and delete resources until the stack is as the program says. Shows a preview and asks first."""
    apply_color(color)
    options = update_options(
        _at_one_time(parallel, every),
        message,
        policy_pack,
        policy_pack_config,
        refresh,
        None,
        selection(target, target_dependents, exclude, exclude_dependents, replace, target_replace),
    )
    _carry_out(
        Stacks(cwd, stack, every, env, parallel),
        "update",
        engine,
        options,
        yes=yes,
        show_diff=diff,
        as_json=json,
        skip_preview=skip_preview,
        expect_no_changes=expect_no_changes,
        interactive=not non_interactive,
    )


@refresh_app.command(epilog="Example: caraml refresh --stack prod")
def refresh(
    cwd: Cwd = HERE,
    stack: Stack = None,
    yes: Yes = False,
    diff: Diff = False,
    json: Json = False,
    skip_preview: SkipPreview = False,
    expect_no_changes: ExpectNoChanges = False,
    clear_pending_creates: ClearPendingCreates = False,
    import_pending_creates: ImportPendingCreates = None,
    target: Targets = None,
    target_dependents: TargetDependents = False,
    exclude: Excludes = None,
    exclude_dependents: ExcludeDependents = False,
    message: Message = "",
    parallel: ParallelOrStacks = None,
    every: Every = False,
    env: Env = None,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
    non_interactive: NonInteractive = False,
) -> None:
    """Compare the state with what is really there, show the drift, and take it over into the state after asking."""
    apply_color(color)
    options = Options(
        parallel=_at_one_time(parallel, every),
        message=message,
        selection=selection(target, target_dependents, exclude, exclude_dependents),
        clear_pending_creates=clear_pending_creates,
        import_pending_creates=dict(map(_urn_and_id, import_pending_creates or ())),
    )
    _carry_out(
        Stacks(cwd, stack, every, env, parallel),
        "refresh",
        engine,
        options,
        yes=yes,
        show_diff=diff,
        as_json=json,
        skip_preview=skip_preview,
        expect_no_changes=expect_no_changes,
        interactive=not non_interactive,
    )


@destroy_app.command(epilog="Example: caraml destroy --stack dev")
def destroy(
    cwd: Cwd = HERE,
    stack: Stack = None,
    yes: Yes = False,
    diff: Diff = False,
    json: Json = False,
    skip_preview: SkipPreview = False,
    refresh: Refresh = False,
    target: Targets = None,
    target_dependents: TargetDependents = False,
    exclude: Excludes = None,
    exclude_dependents: ExcludeDependents = False,
    message: Message = "",
    parallel: ParallelOrStacks = None,
    every: Every = False,
    env: Env = None,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
    non_interactive: NonInteractive = False,
) -> None:
    """Delete everything in the stack, after asking. Its history and configuration stay."""
    apply_color(color)
    options = Options(
        parallel=_at_one_time(parallel, every),
        message=message,
        refresh=refresh,
        selection=selection(target, target_dependents, exclude, exclude_dependents),
    )
    _carry_out(
        Stacks(cwd, stack, every, env, parallel),
        "destroy",
        engine,
        options,
        yes=yes,
        show_diff=diff,
        as_json=json,
        skip_preview=skip_preview,
        interactive=not non_interactive,
    )


def _urn_and_id(text: str) -> tuple[str, str]:
    urn, separator, id_ = text.partition("=")
    if not (separator and urn.startswith("urn:pulumi:") and id_):
        raise CaramlError(
            f"--import-pending-creates {text!r} does not say what an interrupted create has made",
            allowed="URN=ID, the URN as the warning about it has it",
            exit_code=USAGE,
        )
    return urn, id_


@dataclass(frozen=True, slots=True)
class Stacks:
    """Which stacks a command is about, as the command line says it; see `resolve_target` and `stack_name`."""

    cwd: Path
    stack: str | None
    every: bool
    env: str | None
    parallel: int | None

    def __post_init__(self) -> None:
        """Refuse an environment without ``--all``."""
        if self.env and not self.every:
            raise CaramlError(
                f"--env {self.env} is for the stacks of all projects",
                fix=f"add --all, or name the one stack: --stack {self.env}",
                exit_code=USAGE,
            )


def _carry_out(
    stacks: Stacks,
    operation: str,
    engine: EngineChoice,
    options: Options,
    *,
    preview_only: bool = False,
    **how: bool,
) -> None:
    """Do the operation as `how` says; its names are those of `Request`, and of `Many`."""
    if stacks.every:
        if options.selection != EVERYTHING or options.import_pending_creates:
            raise CaramlError(
                "resources were selected, and all stacks",
                fix="name the one stack that has them, with --stack and -C, in place of --all",
                exit_code=USAGE,
            )
        from caraml_pulumi.cli.many import Many, apply_to_all, preview_all
        from caraml_pulumi.cli.many_stacks import stack_name

        name, parallel = stack_name(stacks.env, stacks.stack), stacks.parallel or STACKS_AT_A_TIME
        many = Many(operation, stacks.cwd, name, engine, options, parallel, **how)
        preview_all(many) if preview_only else apply_to_all(many)
    else:
        from caraml_pulumi.cli.flow import Request, apply, show_preview

        target = resolve_target(stacks.cwd, stacks.stack)
        hold_to_cluster(target, operation)
        request = Request(operation, open_engine(engine), target, options, **how)
        show_preview(request) if preview_only else apply(request)


def _at_one_time(parallel: int | None, every: bool) -> int:
    """The operations at one time within a stack; with ``--all``, ``--parallel`` counts stacks."""
    return DEFAULT_PARALLEL if every or parallel is None else parallel
