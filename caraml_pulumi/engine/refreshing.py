"""Brings state up to what is really there."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from caraml_pulumi.engine.dependents import provider_of
from caraml_pulumi.engine.property_path import changed_paths
from caraml_pulumi.engine.providers.base import Diff
from caraml_pulumi.engine.reporter import Step
from caraml_pulumi.engine.resource import PROVIDER_PREFIX, ResourceState
from caraml_pulumi.engine.run import Run, StoppedError
from caraml_pulumi.engine.state.times import timestamp
from caraml_pulumi.errors import CaramlError


def refresh_all(run: Run) -> None:
    """Read every resource that the stack owns and the run is about; failures are remembered in `run`.

    What no longer exists leaves the state. What differs in the properties that the program sets is drift, reported as
    an update; other changes (status, versions) are taken over silently.
    """
    with ThreadPoolExecutor(run.parallel, thread_name_prefix="refresh") as pool:
        for future in [pool.submit(_refresh, run, resource) for resource in run.scope.refreshed()]:
            error = future.exception()
            if error is not None and not isinstance(error, CaramlError):
                raise error


def _refresh(run: Run, old: ResourceState) -> None:
    if old.delete or old.pending_replacement or old.external:
        return
    if not old.custom or old.type.startswith(PROVIDER_PREFIX):
        step = Step("same", old.urn, old, old)
        run.reporter.started(step)
        run.reporter.done(step)
        return
    if run.stopped:
        raise StoppedError
    run.reporter.started(Step("refresh", old.urn, old, old))
    try:
        live = provider_of(run, old).read(old.urn, old.id, old, run.context(old.urn, None))
    except CaramlError as error:
        run.fail(error)
        run.reporter.failed(Step("refresh", old.urn, old, old), error)
        raise
    if live is None:
        run.ledger.remove(old)
        run.reporter.done(Step("delete", old.urn, old))
        return
    new = replace(old, id=live.id, outputs=live.outputs, inputs=old.inputs if live.inputs is None else live.inputs)
    drift = changed_paths(old.inputs, new.inputs)
    new.init_errors = []
    if drift:
        new.modified = timestamp()
    run.ledger.put(new, same=not drift and new.outputs == old.outputs)
    diff = Diff(changed=True, detailed=drift) if drift else None
    run.reporter.done(Step("update" if drift else "same", old.urn, old, new, diff))
