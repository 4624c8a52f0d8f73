"""What state holds of a Kubernetes object: the live object, the inputs that made it, and who manages it."""

import secrets
from typing import Final

from caraml_pulumi.engine.providers.kubernetes.managed_fields import CREATOR
from caraml_pulumi.engine.providers.kubernetes.objects import (
    FIELD_MANAGER,
    Object,
    annotation,
    to_object,
    to_properties,
)
from caraml_pulumi.engine.providers.kubernetes.secrets import with_secrets
from caraml_pulumi.engine.values import Properties

INPUTS: Final = "__inputs"
INITIAL_API_VERSION: Final = "__initialApiVersion"
MANAGER: Final = "__fieldManager"


def outputs_of(live: Object, inputs: Properties, manager: str, initial_api_version: str) -> Properties:
    """The outputs to store for `live`, made from `inputs`; secret wherever the inputs are."""
    stored = with_secrets(to_properties(to_object(inputs)), inputs)
    return {
        **with_secrets(to_properties(live), inputs),
        INPUTS: stored,
        INITIAL_API_VERSION: initial_api_version,
        MANAGER: manager,
    }


def field_manager(inputs: Object, old_outputs: Properties | None = None) -> str:
    """The name under which the object is applied.

    The annotation ``pulumi.com/patchFieldManager``, else the one in state, else a new one with a random suffix.
    """
    stored = (old_outputs or {}).get(MANAGER)
    return annotation(inputs, FIELD_MANAGER) or (
        stored if isinstance(stored, str) and stored else f"{CREATOR}-{secrets.token_hex(4)}"
    )


def initial_api_version(old_outputs: Properties, inputs: Object) -> str:
    """The apiVersion with which the object was created."""
    return str(old_outputs.get(INITIAL_API_VERSION) or inputs.get("apiVersion", ""))


def imported_inputs(live: Object) -> Object:
    """The inputs that stand for an object nobody has declared yet: all but what the cluster fills in."""
    drop = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "selfLink")
    metadata = {key: value for key, value in live.get("metadata", {}).items() if key not in drop}
    return {**{key: value for key, value in live.items() if key != "status"}, "metadata": metadata}
