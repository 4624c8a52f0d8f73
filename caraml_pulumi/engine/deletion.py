"""Deletes resources, each after everything that needs it, as many at once as that allows."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

from caraml_pulumi.engine.dependents import is_left_alone, provider_of
from caraml_pulumi.engine.reporter import Step
from caraml_pulumi.engine.resource import PROVIDER_PREFIX, ResourceState, needs
from caraml_pulumi.engine.run import Run, StoppedError
from caraml_pulumi.errors import CaramlError, CaramlErrors


def delete_all(run: Run, resources: Iterable[ResourceState]) -> None:
    """Delete `resources`; failures are remembered in `run`. Protected ones stop everything before it begins."""
    doomed = list(resources)
    run.deleted.update(resource.urn for resource in doomed)
    protected = [resource for resource in doomed if resource.protect and not resource.delete]
    for resource in protected:
        run.fail(
            CaramlError(
                f"{resource.type} {resource.name!r} is protected and would be deleted",
                where=resource.urn,
                fix="keep it in the program, or take the option protect off and apply that first",
            )
        )
    if not protected:
        replaced = [resource for resource in doomed if resource.delete and resource.type.startswith(PROVIDER_PREFIX)]
        _in_waves(run, [resource for resource in doomed if resource not in replaced], partial(_delete, run))
        _in_waves(run, replaced, partial(_delete, run))  # until now they could delete what they had made


def refuse_hooks(resources: Iterable[ResourceState]) -> None:
    """Raise `CaramlError` if hooks are to run when one of `resources` is deleted, and no program runs that has them."""
    hooked = [item for item in resources if {"BeforeDelete", "AfterDelete"} & item.resource_hooks.keys()]
    if hooked:
        raise CaramlErrors(
            [
                CaramlError(
                    f"{item.type} {item.name!r} has hooks that run when it is deleted, and destroy runs no program",
                    where=item.urn,
                    fix="take the resource out of the program, or its hooks, and apply that first with caraml up",
                )
                for item in hooked
            ]
        )


def _in_waves(run: Run, doomed: list[ResourceState], delete: Callable[[ResourceState], None]) -> None:
    """Call `delete` on each, on several threads, after all that need it and come after it in the state."""
    by_urn: dict[str, list[ResourceState]] = {}
    needed: dict[int, list[ResourceState]] = {}
    needed_by = {id(resource): 0 for resource in doomed}
    for resource in doomed:
        needed[id(resource)] = [item for urn in needs(resource) for item in by_urn.get(urn, ())]
        by_urn.setdefault(resource.urn, []).append(resource)
        for item in needed[id(resource)]:
            needed_by[id(item)] += 1
    ready = [resource for resource in doomed if not needed_by[id(resource)]]
    under_way: dict[Future[None], ResourceState] = {}
    with ThreadPoolExecutor(run.parallel, thread_name_prefix="delete") as pool:
        while ready or under_way:
            under_way |= {pool.submit(delete, resource): resource for resource in ready}
            finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
            ready = []
            for future in finished:
                resource = under_way.pop(future)
                if future.exception() is not None:
                    future.result() if not isinstance(future.exception(), CaramlError) else None
                    continue
                for item in needed[id(resource)]:
                    needed_by[id(item)] -= 1
                    if not needed_by[id(item)]:
                        ready.append(item)


def _delete(run: Run, resource: ResourceState) -> None:
    if run.stopped:
        raise StoppedError
    if resource.pending_replacement or resource.external or _stands_again(run, resource):
        run.ledger.remove(resource)
        return
    step = Step("delete-replaced" if resource.delete else "delete", resource.urn, resource, logical=not resource.delete)
    if not resource.custom or resource.type.startswith(PROVIDER_PREFIX):
        run.reporter.started(step)
        try:
            run.hooks.before("delete", resource)
        except CaramlError as error:
            run.fail(error)
            run.reporter.failed(step, error)
            raise
        run.ledger.remove(resource)
        run.reporter.done(step)
        run.after("delete", resource)
        return
    context = run.context(resource.urn, resource.custom_timeouts.get("delete"))
    with run.operation(step, "deleting", resource):
        run.hooks.before("delete", resource)
        if not (run.preview or is_left_alone(run, resource)):
            run.hooks.retrying("delete", resource, lambda: provider_of(run, resource).delete(resource, context))
        run.ledger.remove(resource)
    run.reporter.done(step)
    run.after("delete", resource)


def _stands_again(run: Run, resource: ResourceState) -> bool:
    """Whether what was replaced is what its URN is once more, as when the inputs of a failed replacement went back.

    The same id at another provider is something else: an object in another cluster.
    """
    if not resource.delete:
        return False
    try:
        now = run.ledger.find(resource.urn, "", deleted=False)
    except KeyError:
        return False
    return (now.id, now.provider) == (resource.id, resource.provider)
