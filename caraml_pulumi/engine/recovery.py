"""Finds out what became of the operations that a killed run had begun and not ended."""

from dataclasses import replace

from caraml_pulumi.engine.changes import provider_of
from caraml_pulumi.engine.run import Run
from caraml_pulumi.engine.state.snapshot import PendingOperation


def resolve_pending(run: Run, pending: list[PendingOperation]) -> None:
    """Bring the ledger of `run` up to what the operations in `pending` did, by asking the providers.

    Raises:
        CaramlError: a provider cannot be asked.
    """
    for operation in pending:
        resource = operation.resource
        if operation.type == "creating":
            _resolve_creation(run, operation)
            continue
        try:
            known = run.ledger.find(resource.urn, resource.id, deleted=resource.delete, provider=resource.provider)
        except KeyError:
            continue
        live = provider_of(run, known).read(known.urn, known.id, known, run.context(known.urn, None))
        if live is None:
            run.ledger.remove(known)
        elif not known.delete:
            run.ledger.put(replace(known, id=live.id, outputs=live.outputs))


def _resolve_creation(run: Run, operation: PendingOperation) -> None:
    resource = operation.resource
    context = run.context(resource.urn, None)
    try:
        known = run.ledger.find(resource.urn, "", deleted=False)
    except KeyError:
        known = None
    made = (resource.provider, resource.inputs)
    if known is not None and not known.pending_replacement and (known.provider, known.inputs) == made:
        return
    live = provider_of(run, resource).recover(resource.urn, resource.inputs, context)
    if live is None:
        return
    if known is not None and not known.pending_replacement:
        if (known.provider, known.id) == (resource.provider, live.id):
            return
        run.ledger.mark_for_deletion(known)
    inputs = resource.inputs if live.inputs is None else live.inputs
    run.ledger.put(replace(resource, id=live.id, inputs=inputs, outputs=live.outputs))
    context.warn("an earlier run was interrupted while it created this: it exists, and is taken over")
