"""What goes along when a resource is deleted before it is replaced, and what a deletion leaves alone."""

from collections.abc import Collection

from caraml_pulumi.engine.ledger import in_dependency_order
from caraml_pulumi.engine.providers.base import Provider
from caraml_pulumi.engine.replacing import replaced_on_changes
from caraml_pulumi.engine.resource import PROVIDER_PREFIX, ResourceState
from caraml_pulumi.engine.run import Run
from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.errors import CaramlError


def is_left_alone(run: Run, resource: ResourceState) -> bool:
    """Whether the provider is not asked to delete what the state forgets: another deletion takes it along, say."""
    return resource.retain_on_delete or resource.deleted_with in run.deleted


def condemned(run: Run, old: ResourceState, seen: Collection[str]) -> list[ResourceState]:
    """What must be deleted before `old` is, which is deleted before it is replaced; in dependency order.

    Raises:
        CaramlError: one of them is protected.
    """
    found = _dependents(run, old, seen)
    for item in found:
        if item.protect:
            raise protected(item, f"along with {old.name!r}")
    run.deleted.update(item.urn for item in (old, *found))
    return found


def _dependents(run: Run, old: ResourceState, seen: Collection[str]) -> list[ResourceState]:
    """What cannot stay when `old` is deleted and made anew with other outputs, in dependency order."""
    gone = {old.urn}
    found: list[ResourceState] = []
    for item in in_dependency_order(run.ledger.base.resources):
        if item.urn in gone or item.urn in seen or item.type.startswith(PROVIDER_PREFIX):
            continue
        if not item.custom or item.delete or item.external or item.pending_replacement:
            continue
        if old.urn in item.replace_with or item.deleted_with in gone or _is_replaced_without(run, item, gone):
            gone.add(item.urn)
            found.append(item)
    return found


def _is_replaced_without(run: Run, item: ResourceState, gone: set[str]) -> bool:
    """Whether `item` must be replaced if what it has from the resources in `gone` changes."""
    touched = [key for key, urns in item.property_dependencies.items() if gone & set(urns)]
    if not touched:
        return False
    inputs = {key: UNKNOWN if key in touched else value for key, value in item.inputs.items()}
    diff = provider_of(run, item).diff(item, inputs, item.ignore_changes)
    return replaced_on_changes(diff, item, inputs, item).replace


def provider_of(run: Run, resource: ResourceState) -> Provider:
    """The provider of a resource in state; that of before, where the provider was itself replaced."""
    urn, _, id_ = resource.provider.rpartition("::")
    try:
        return run.providers.provider(run.ledger.provider(urn, id_))
    except KeyError:
        raise CaramlError(
            f"the provider of {resource.type} {resource.name!r} is not in the state",
            where=urn,
            fix="restore the state from its history or backup with `caraml stack import`",
        ) from None


def protected(old: ResourceState, why: str) -> CaramlError:
    """The refusal to replace what is protected; `why` it would be."""
    return CaramlError(
        f"{old.type} {old.name!r} is protected and would be replaced, {why}",
        where=old.urn,
        fix="take the option protect off and apply that first, or undo the change",
    )
