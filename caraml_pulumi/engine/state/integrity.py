"""What must hold among the resources of a stack's state, as the Pulumi CLI demands when it reads them."""

from collections.abc import Iterator

from caraml_pulumi.engine.resource import PROVIDER_PREFIX, ResourceState
from caraml_pulumi.errors import CaramlError


def check_integrity(resources: list[ResourceState]) -> None:
    """Each resource comes after its parent, dependencies and provider; one resource to a URN, replaced ones apart.

    Raises:
        CaramlError: naming the first resource that breaks a rule, and the other one.
    """
    known: set[str] = set()
    providers: set[str] = set()
    later = {resource.urn for resource in resources}
    for resource in resources:
        if resource.provider and resource.provider not in providers:
            raise _broken(resource, "provider", resource.provider, resource.provider.rpartition("::")[0] in later)
        for role, urn in _references(resource):
            if urn not in known:
                raise _broken(resource, role, urn, urn in later)
        if resource.urn in known and not resource.delete:
            raise CaramlError("the state holds a resource twice", where=resource.urn, fix=_FIX)
        known.add(resource.urn)
        if resource.type.startswith(PROVIDER_PREFIX):
            providers.add(f"{resource.urn}::{resource.id}")


_FIX = "restore the stack from a backup, or mend an exported copy: caraml stack export, then stack import"


def _references(resource: ResourceState) -> Iterator[tuple[str, str]]:
    if resource.parent:
        yield "parent", resource.parent
    for urn in resource.dependencies:
        yield "dependency", urn
    for urn in resource.replace_with:
        yield "resource to be replaced with", urn
    if resource.deleted_with:
        yield "resource to be deleted with", resource.deleted_with
    for property_, urns in resource.property_dependencies.items():
        for urn in urns:
            yield f"dependency (of {property_!r})", urn


def _broken(resource: ResourceState, role: str, urn: str, comes_later: bool) -> CaramlError:
    problem = "which comes after it" if comes_later else "which the state does not hold"
    return CaramlError(f"a resource refers to its {role} {urn}, {problem}", where=resource.urn, fix=_FIX)
