"""Creates, updates or replaces a resource of a provider, whichever its new inputs call for."""

from collections.abc import Callable, Collection

from caraml_pulumi.engine.dependents import condemned, is_left_alone, protected, provider_of
from caraml_pulumi.engine.goal import Goal
from caraml_pulumi.engine.property_path import changed_paths
from caraml_pulumi.engine.providers.base import Diff, Live, PartialFailure, Provider
from caraml_pulumi.engine.replacing import replaced_on_changes, replacement_reason
from caraml_pulumi.engine.reporter import Step
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.run import Run
from caraml_pulumi.engine.state.times import timestamp
from caraml_pulumi.engine.values import UNKNOWN, Properties, Secret, same
from caraml_pulumi.errors import CaramlError


def new_state(urn: str, goal: Goal, inputs: Properties, old: ResourceState | None) -> ResourceState:
    """The state of a resource that is to be as `goal` says, with `inputs`; without id and outputs yet."""
    now = timestamp()
    return ResourceState(
        urn=urn,
        type=goal.type,
        custom=goal.custom,
        inputs=inputs,
        parent=goal.parent,
        dependencies=sorted(goal.dependencies),
        property_dependencies=goal.property_dependencies,
        additional_secret_outputs=goal.additional_secret_outputs,
        ignore_changes=goal.ignore_changes,
        replace_on_changes=goal.replace_on_changes,
        replace_with=goal.replace_with,
        deleted_with=goal.deleted_with,
        replacement_trigger=goal.replacement_trigger,
        custom_timeouts=goal.custom_timeouts,
        import_id=goal.import_id,
        protect=goal.protect,
        retain_on_delete=goal.retain_on_delete,
        resource_hooks=goal.hooks,
        created=old.created if old is not None and old.created else now,
        modified=now,
    )


def bring_about(
    run: Run,
    provider: Provider,
    goal: Goal,
    old: ResourceState | None,
    new: ResourceState,
    seen: Collection[str],
    *,
    afresh: Callable[[], Properties],
    imported: bool = False,
) -> None:
    """Make the resource as `new` says, and fill in its id and outputs.

    `imported` says that this run has just taken `old` over.

    `seen` are the URNs that the program has registered so far: a replacement deletes none of these along with it.
    `afresh` checks the inputs as those of a resource without a past, which a replacement is: the name that the provider
    once chose for the old one is not for the new one.
    """
    if old is None or old.external:
        _create(run, provider, Step("create", new.urn, None, new), new)
        return
    if old.pending_replacement:
        new.inputs = afresh()
        _create_replacement(run, provider, old, new, None)
        return
    diff = _diff(run, provider, old, new)
    if not diff.changed:
        _keep(run, old, new, told=not imported)
    elif diff.replace:
        if goal.import_id:
            raise _may_not_be_replaced(old, diff)
        new.inputs = afresh()
        _replace(run, provider, goal, old, new, diff, seen)
    else:
        _update(run, provider, goal, old, new, diff)


def _diff(run: Run, provider: Provider, old: ResourceState, new: ResourceState) -> Diff:
    if reason := replacement_reason(run, old, new):
        return Diff(changed=True, replace_keys=[reason])
    diff = replaced_on_changes(provider.diff(old, new.inputs, new.ignore_changes), old, new.inputs, new)
    if old.init_errors and not diff.changed:
        return Diff(changed=True)
    return diff


def _keep(run: Run, old: ResourceState, new: ResourceState, *, told: bool) -> None:
    if same(old.inputs, new.inputs):
        new.inputs = old.inputs
    new.id, new.outputs, new.modified, new.extra = old.id, old.outputs, old.modified, old.extra
    if not told:
        run.ledger.put(new)
        return
    step = Step("same", new.urn, old, new)
    run.reporter.started(step)
    run.ledger.put(new, same=True)
    run.reporter.done(step)


def _may_not_be_replaced(old: ResourceState, diff: Diff) -> CaramlError:
    """The refusal to replace what the program names by its id: the replacement would have another one."""
    forced = ", ".join(path for path, kind in diff.detailed.items() if kind.endswith("-replace"))
    return CaramlError(
        f"{old.type} {old.id!r} is imported by its id and would be replaced, because of "
        f"{forced or ', '.join(diff.replace_keys)}",
        where=old.urn,
        fix="make the program's values those of the existing resource, or, once it is imported, take import_ out of "
        "the program to let it be replaced",
    )


def _take(new: ResourceState, live: Live) -> None:
    new.id = live.id
    new.outputs = with_secrets(live.outputs, new.additional_secret_outputs)
    if live.inputs is not None:
        new.inputs = live.inputs


def _attempt(
    run: Run, new: ResourceState, operation: Callable[[], Live], *, replaced: ResourceState | None = None
) -> None:
    """Run `operation` and record what it made, also when that did not become ready.

    What it made may stand for `replaced`, which is then to be deleted.
    """

    def record(live: Live) -> None:
        _take(new, live)
        if replaced is not None:
            run.ledger.mark_for_deletion(replaced)
        run.ledger.put(new)

    try:
        live = operation()
    except PartialFailure as failure:
        new.init_errors = [failure.what]
        record(failure.live)
        raise
    record(live)


def _create(run: Run, provider: Provider, step: Step, new: ResourceState) -> None:
    context = run.context(new.urn, new.custom_timeouts.get("create"))
    with run.operation(step, "creating", new):
        run.hooks.before("create", new)
        _attempt(
            run, new, lambda: run.hooks.retrying("create", new, lambda: provider.create(new.urn, new.inputs, context))
        )
    run.reporter.done(step)
    run.after("create", new)


def _update(run: Run, provider: Provider, goal: Goal, old: ResourceState, new: ResourceState, diff: Diff) -> None:
    context = run.context(new.urn, new.custom_timeouts.get("update"), goal.ignore_changes)
    step = Step("update", new.urn, old, new, diff)
    new.id = old.id
    with run.operation(step, "updating", new):
        run.hooks.before("update", new, old)
        _attempt(
            run,
            new,
            lambda: run.hooks.retrying("update", new, lambda: provider.update(old, new.inputs, context), old),
        )
    run.reporter.done(step)
    run.after("update", new, old)


def _replace(
    run: Run,
    provider: Provider,
    goal: Goal,
    old: ResourceState,
    new: ResourceState,
    diff: Diff,
    seen: Collection[str],
) -> None:
    if old.protect and new.protect:
        raise protected(old, f"because of {', '.join(diff.replace_keys)}")
    run.replaced.add(new.urn)
    first = diff.delete_before_replace if goal.delete_before_replace is None else goal.delete_before_replace
    if first:
        with run.replacing:
            for resource in reversed(condemned(run, old, seen)):
                _delete_for_replacement(run, resource)
        _delete_for_replacement(run, old)
        _create_replacement(run, provider, old, new, diff)
        return
    context = run.context(new.urn, new.custom_timeouts.get("create"))
    step = Step("create-replacement", new.urn, old, new, diff, logical=False)
    with run.operation(step, "creating", new):
        run.hooks.before("create", new)
        _attempt(
            run,
            new,
            lambda: run.hooks.retrying("create", new, lambda: provider.create(new.urn, new.inputs, context)),
            replaced=old,
        )
    run.reporter.done(step)
    run.after("create", new)
    _note_replaced(run, old, new, diff)


def _create_replacement(
    run: Run, provider: Provider, old: ResourceState, new: ResourceState, diff: Diff | None
) -> None:
    run.replaced.add(new.urn)
    _note_replaced(run, old, new, diff)
    _create(run, provider, Step("create-replacement", new.urn, old, new, diff, logical=False), new)


def _note_replaced(run: Run, old: ResourceState, new: ResourceState, diff: Diff | None) -> None:
    step = Step("replace", new.urn, old, new, diff)
    run.reporter.started(step)
    run.reporter.done(step)


def replace_provider(run: Run, old: ResourceState, new: ResourceState) -> None:
    """Put `new` in the place of `old`, which reaches another place and is kept to delete there what it made."""
    changed = changed_paths(old.inputs, new.inputs)
    diff = Diff(changed=True, replace_keys=sorted({path.split(".")[0] for path in changed}))
    run.replaced.add(new.urn)
    run.ledger.mark_for_deletion(old)
    run.ledger.put(new)
    created = Step("create-replacement", new.urn, old, new, diff, logical=False)
    run.reporter.started(created)
    run.reporter.done(created)
    _note_replaced(run, old, new, diff)


def _delete_for_replacement(run: Run, old: ResourceState) -> None:
    step = Step("delete-replaced", old.urn, old, None, logical=False)
    context = run.context(old.urn, old.custom_timeouts.get("delete"))
    with run.operation(step, "deleting", old):
        run.hooks.before("delete", old)
        if not (run.preview or is_left_alone(run, old)):
            run.hooks.retrying("delete", old, lambda: provider_of(run, old).delete(old, context))
        run.ledger.mark_pending_replacement(old)
    run.reporter.done(step)
    run.after("delete", old)


def with_secrets(outputs: Properties, keys: list[str]) -> Properties:
    """`outputs` with those under `keys` made secret."""
    hide = {key for key in keys if key in outputs and not isinstance(outputs[key], Secret)}
    return {key: Secret(value) if key in hide and value is not UNKNOWN else value for key, value in outputs.items()}
