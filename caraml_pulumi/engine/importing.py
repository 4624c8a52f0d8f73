"""Takes over a resource that exists already: Pulumi's resource option ``import_``."""

from dataclasses import replace

from caraml_pulumi.engine.changes import with_secrets
from caraml_pulumi.engine.goal import Goal
from caraml_pulumi.engine.providers.base import Live, Provider
from caraml_pulumi.engine.reporter import Op, Step
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.run import Run
from caraml_pulumi.engine.secrecy import keep_secrets
from caraml_pulumi.errors import CaramlError


def is_import(goal: Goal, old: ResourceState | None) -> bool:
    """Whether `goal` asks for another resource than the stack has: what was imported once is not imported again."""
    return bool(goal.import_id) and (
        old is None or old.external or goal.import_id not in (old.import_id or old.id, old.id)
    )


def import_resource(
    run: Run, provider: Provider, goal: Goal, old: ResourceState | None, imported: ResourceState
) -> ResourceState:
    """Take the resource that `goal` names by its id into the state as it is, and return that.

    Nothing of it is changed yet: it is then compared with the program's inputs as any resource is. `imported` is filled
    in. What the stack had in its place, `old`, is deleted in the end.

    Raises:
        CaramlError: it does not exist, or cannot be read.
    """
    replaces = old is not None and not old.external
    op: Op = "import-replacement" if replaces else "import"
    with run.operation(Step(op, imported.urn, None, imported, logical=not replaces), "importing", imported):
        live = provider.adopt(imported.urn, goal.import_id, goal.inputs, run.context(imported.urn, None))
        if live is None:
            raise CaramlError(
                f"{goal.type} {goal.import_id!r} does not exist, so it cannot be imported",
                where=imported.urn,
                fix="correct the id in import_, or take import_ out of the program to create the resource",
            )
        _fill(imported, goal, live)
        if old is not None and replaces:
            run.ledger.mark_for_deletion(old)
        run.ledger.put(imported)
    run.reporter.done(Step(op, imported.urn, imported, imported, logical=not replaces))
    if replaces:
        step = Step("replace", imported.urn, old, imported)
        run.reporter.started(step)
        run.reporter.done(step)
    return replace(imported)


def _fill(imported: ResourceState, goal: Goal, live: Live) -> None:
    """What is secret in the program's inputs is secret in what was read."""
    imported.id = live.id
    imported.inputs = keep_secrets(goal.inputs, goal.inputs if live.inputs is None else live.inputs)
    imported.outputs = with_secrets(keep_secrets(goal.inputs, live.outputs), goal.additional_secret_outputs)
