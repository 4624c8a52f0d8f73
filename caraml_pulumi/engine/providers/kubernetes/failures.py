"""What goes wrong with an object, in the user's terms."""

import re
from collections.abc import Callable
from typing import Final, TypeVar

from caraml_pulumi.engine.providers.kubernetes.objects import (
    PATCH_FORCE,
    Object,
    name_of,
    namespace_of,
    object_id,
    title,
    to_object,
)
from caraml_pulumi.engine.providers.kubernetes.secrets import hide_secrets
from caraml_pulumi.engine.values import Properties
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import ClusterUnreachable, KubeError

_MANAGER: Final = re.compile(r'conflict with "([^"]+)"')
Result = TypeVar("Result")


def conflicts_of(error: KubeError) -> list[tuple[str, str]]:
    """Manager and field of each conflict of a server-side apply."""
    found = []
    for cause in error.causes:
        match = _MANAGER.search(str(cause.get("message", "")))
        if cause.get("reason") == "FieldManagerConflict" and match:
            found.append((match[1], str(cause.get("field", "")).lstrip(".")))
    return found


def explained(error: KubeError, obj: Object) -> CaramlError:
    """`error` of a server-side apply: whose the fields are that it could not change."""
    conflicts = conflicts_of(error)
    if not conflicts:
        return error
    fields = ", ".join(f"{field} (of {manager})" for manager, field in conflicts)
    first = conflicts[0][1]
    leave = f'add ignore_changes=["{first}"] to leave it to the other manager, or ' if "[" not in first else ""
    return CaramlError(
        f"{title(obj)} has fields that another field manager owns: {fields}",
        where=first,
        fix=f'{leave}add the annotation {PATCH_FORCE}: "true" to take it over',
    )


def exists_already(obj: Object) -> CaramlError:
    """The error for an object that is there already and is not this resource's."""
    namespace = namespace_of(obj)
    where = f" -n {namespace}" if namespace else ""
    kind = str(obj.get("kind"))
    return CaramlError(
        f"{title(obj)} exists already, and this stack did not create it",
        fix=f'take it over with the option import_="{object_id(obj)}" (of a model version: adopt=["{kind}"]), '
        "give the resource another metadata.name, or delete the object: "
        f"kubectl delete {kind.lower()} {name_of(obj)}{where}",
    )


def refused(error: KubeError, obj: Object) -> CaramlError:
    """`error` of a create in terms of the object."""
    return exists_already(obj) if error.already_exists else explained(error, obj)


def unreachable(error: ClusterUnreachable) -> ClusterUnreachable:
    """`error` where the stack has resources in that cluster: how to be rid of them."""
    return ClusterUnreachable(
        error.what,
        where=error.where,
        fix=f"{error.fix}; if the cluster is gone for good, drop its resources from the state with "
        "PULUMI_K8S_DELETE_UNREACHABLE=true",
        outcome_unknown=error.outcome_unknown,
    )


def guarded(inputs: Properties, action: Callable[[], Result]) -> Result:
    """Run `action`; its error is told with the object's name, and without any secret of `inputs` that it quotes."""
    try:
        return action()
    except CaramlError as error:
        hide_secrets(error, inputs)
        # missing rights are the same for all objects of a kind, and should read the same
        if not (isinstance(error, KubeError) and error.denied_by_rbac):
            error.where = error.where or title(to_object(inputs))
        raise
