"""Finds out what became of the operations that a killed run had begun and not ended."""

from collections.abc import Mapping
from dataclasses import replace

from caraml_pulumi.engine.dependents import provider_of
from caraml_pulumi.engine.providers.base import Live
from caraml_pulumi.engine.resource import ResourceState, urn_name
from caraml_pulumi.engine.run import Run
from caraml_pulumi.engine.state.snapshot import PendingOperation
from caraml_pulumi.errors import CaramlError


def resolve_pending(run: Run, *, forget_creates: bool = False, created: Mapping[str, str] | None = None) -> None:
    """Bring the ledger of `run` up to what its unresolved operations did, by asking the providers.

    A create of which the provider cannot tell stays unresolved, with a warning, as in Pulumi; `created` names by URN
    the ids of what such creates made, and `forget_creates` drops the others.

    Raises:
        CaramlError: a provider cannot be asked, or there is nothing with an id of `created`.
    """
    ids = dict(created or {})
    pending, run.ledger.unresolved = run.ledger.unresolved, []
    for operation in pending:
        if operation.type != "creating":
            _resolve_change(run, operation)
            continue
        known = _known(run, operation)
        made = (operation.resource.provider, operation.resource.inputs)
        if known is not None and (known.provider, known.inputs) == made:
            continue  # it was created and recorded; only that it ended was not
        if (id_ := ids.pop(operation.resource.urn, None)) is not None:
            _take_over(run, operation, known, id_)
        elif provider_of(run, operation.resource).recovers:
            _resolve_creation(run, operation, known)
        elif not forget_creates:
            run.ledger.unresolved.append(operation)
            _warn(run, operation)
    for urn in ids:
        run.reporter.diagnostic("warning", f"no interrupted create is pending of {urn}")


def _resolve_change(run: Run, operation: PendingOperation) -> None:
    resource = operation.resource
    try:
        known = run.ledger.find(resource.urn, resource.id, deleted=resource.delete, provider=resource.provider)
    except KeyError:
        return
    live = provider_of(run, known).read(known.urn, known.id, known, run.context(known.urn, None))
    if live is None:
        run.ledger.remove(known)
    elif not known.delete:
        run.ledger.put(replace(known, id=live.id, outputs=live.outputs))


def _known(run: Run, operation: PendingOperation) -> ResourceState | None:
    """What is managed by the URN of a creation: the resource that it made, or was to replace."""
    try:
        known = run.ledger.find(operation.resource.urn, "", deleted=False)
    except KeyError:
        return None
    return None if known.pending_replacement else known


def _resolve_creation(run: Run, operation: PendingOperation, known: ResourceState | None) -> None:
    resource = operation.resource
    context = run.context(resource.urn, None)
    live = provider_of(run, resource).recover(resource.urn, resource.inputs, context)
    if live is None:
        return
    if known is not None:
        if (known.provider, known.id) == (resource.provider, live.id):
            return
        run.ledger.mark_for_deletion(known)
    _put(run, resource, live)
    context.warn("an earlier run was interrupted while it created this: it exists, and is taken over")


def _take_over(run: Run, operation: PendingOperation, known: ResourceState | None, id_: str) -> None:
    resource = operation.resource
    live = provider_of(run, resource).look_up(resource.urn, id_, resource.inputs, run.context(resource.urn, None))
    if live is None:
        raise CaramlError(
            f"there is no {resource.type} with the id {id_!r}, which the interrupted create of "
            f"{urn_name(resource.urn)!r} is said to have made",
            where=resource.urn,
            fix="correct the id; if nothing was made: caraml refresh --clear-pending-creates",
        )
    if known is not None:
        run.ledger.mark_for_deletion(known)
    _put(run, resource, live)


def _put(run: Run, resource: ResourceState, live: Live) -> None:
    inputs = resource.inputs if live.inputs is None else live.inputs
    run.ledger.put(replace(resource, id=live.id, inputs=inputs, outputs=live.outputs))


def _warn(run: Run, operation: PendingOperation) -> None:
    urn = operation.resource.urn
    run.reporter.diagnostic(
        "warning",
        "an earlier run was interrupted while it created this, and its provider cannot tell whether it exists: look. "
        f"If it does: caraml refresh --import-pending-creates '{urn}=ID'. If not: caraml refresh "
        "--clear-pending-creates. Otherwise the program creates it anew",
        urn,
    )
