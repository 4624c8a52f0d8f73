"""Why a resource is replaced although its provider would change it in place: Pulumi's resource options for that."""

from dataclasses import replace
from typing import Final, cast

from caraml_pulumi.engine.property_path import changed_paths, covers, parse_path
from caraml_pulumi.engine.providers.base import Diff, DiffKind
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.run import Run
from caraml_pulumi.engine.values import Properties, contains_unknown, plain, same
from caraml_pulumi.errors import CaramlError

_INIT_ERROR: Final = "#initerror"
"""What Pulumi calls a resource that did not become ready, where a property path can stand."""


def replacement_reason(run: Run, old: ResourceState, new: ResourceState) -> str:
    """What forces a replacement whatever the provider says, as the name of a property; empty if nothing does.

    Raises:
        CaramlError: the replacement trigger is not known in an update.
    """
    if _triggers(run, old, new):
        return "replacementTrigger"
    if old.taint or run.scope.replaces(new.urn):
        return "id"
    if run.replaced.intersection(new.replace_with):
        return "replaceWith"
    if new.deleted_with in run.replaced:
        return "deletedWith"
    urn, _, id_ = old.provider.rpartition("::")
    new_urn, _, new_id = new.provider.rpartition("::")
    return "provider" if urn == new_urn and id_ != new_id else ""


def _triggers(run: Run, old: ResourceState, new: ResourceState) -> bool:
    """Whether the resource option ``replacement_trigger`` has another value than before; none before is no other."""
    before, after = plain(old.replacement_trigger), plain(new.replacement_trigger)
    unknown = contains_unknown(after)
    if unknown and not run.preview:
        raise CaramlError(f"the replacement_trigger of {new.name!r} is not known", where=new.urn)
    return unknown or (before is not None and after is not None and not same(before, after))


def replaced_on_changes(diff: Diff, old: ResourceState, new_inputs: Properties, options: ResourceState) -> Diff:
    """`diff` with the changes that `options` wants replaced on (``replace_on_changes``) as such."""
    wanted = [parse_path(path) for path in options.replace_on_changes]
    if not wanted or not (diff.changed or old.init_errors):
        return diff

    def forces(path: str) -> bool:
        keys = parse_path(path)
        return any(covers(one, keys) for one in wanted)

    paths = changed_paths(old.inputs, new_inputs) if diff.inputs_compared else diff.detailed
    forcing = [path for path in paths if forces(path)]
    keys = {*diff.replace_keys, *(str(parse_path(path)[0]) for path in forcing)}
    if old.init_errors and forces(_INIT_ERROR):
        keys.add(_INIT_ERROR)
    detailed = {path: _replacing(kind) if path in forcing else kind for path, kind in diff.detailed.items()}
    return replace(diff, changed=diff.changed or bool(keys), replace_keys=sorted(keys), detailed=detailed)


def _replacing(kind: DiffKind) -> DiffKind:
    return kind if kind.endswith("-replace") else cast(DiffKind, f"{kind}-replace")
