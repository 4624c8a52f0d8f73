"""A resource as a checkpoint writes it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from caraml_pulumi.engine.resource import ResourceState, is_urn
from caraml_pulumi.engine.state.properties import (
    Seal,
    Unseal,
    properties_from_json,
    sealed_with,
    unsealed_with,
    value_from_json,
    value_to_json,
)
from caraml_pulumi.engine.state.secrets import Crypter
from caraml_pulumi.errors import CaramlError

_KEYS: Final[dict[str, tuple[str, type]]] = {
    "urn": ("urn", str),
    "custom": ("custom", bool),
    "delete": ("delete", bool),
    "id": ("id", str),
    "type": ("type", str),
    "inputs": ("inputs", dict),
    "outputs": ("outputs", dict),
    "parent": ("parent", str),
    "protect": ("protect", bool),
    "taint": ("taint", bool),
    "external": ("external", bool),
    "dependencies": ("dependencies", list),
    "initErrors": ("init_errors", list),
    "provider": ("provider", str),
    "propertyDependencies": ("property_dependencies", dict),
    "pendingReplacement": ("pending_replacement", bool),
    "additionalSecretOutputs": ("additional_secret_outputs", list),
    "customTimeouts": ("custom_timeouts", dict),
    "importID": ("import_id", str),
    "retainOnDelete": ("retain_on_delete", bool),
    "deletedWith": ("deleted_with", str),
    "replaceWith": ("replace_with", list),
    "created": ("created", str),
    "modified": ("modified", str),
    "ignoreChanges": ("ignore_changes", list),
    "replaceOnChanges": ("replace_on_changes", list),
    "replacementTrigger": ("replacement_trigger", object),
    "resourceHooks": ("resource_hooks", dict),
}
"""The keys of a resource in state, in Pulumi's order, with the field and type of each."""

_VALUES: Final = frozenset({"inputs", "outputs", "customTimeouts", "replacementTrigger"})
"""The keys of property values, in which there may be secrets."""
_TEXTS: Final = (
    "dependencies",
    "init_errors",
    "additional_secret_outputs",
    "replace_with",
    "ignore_changes",
    "replace_on_changes",
)

_TYPE_NAMES: Final = {str: "a text", bool: "true or false", dict: "an object", list: "a list"}


def resource_to_json(resource: ResourceState, crypter: Crypter) -> dict[str, Any]:
    """`resource` as Pulumi's state holds it, its secrets encrypted; empty keys are left out, ``custom`` never."""
    return resource_document(resource, sealed_with(crypter))


def resource_from_json(document: Mapping[str, Any], crypter: Crypter) -> ResourceState:
    """The resource in a part of a checkpoint.

    Raises:
        CaramlError: a key has the wrong type or is missing, or a secret cannot be decrypted.
    """
    return resource_state(document, unsealed_with(crypter, keep_ciphertext=True))


def resource_document(resource: ResourceState, seal: Seal) -> dict[str, Any]:
    """`resource_to_json` with any way to write secrets."""
    document: dict[str, Any] = {}
    for key, (name, _) in _KEYS.items():
        value = getattr(resource, name)
        if value or key == "custom":
            document[key] = value_to_json(value, seal) if key in _VALUES else value
    return {**document, **resource.extra}


def resource_state(document: Mapping[str, Any], unseal: Unseal) -> ResourceState:
    """`resource_from_json` with any way to read secrets."""
    urn = document.get("urn")
    if not isinstance(urn, str) or not is_urn(urn):
        raise CaramlError(
            f"the state holds a resource with the URN {urn!r}", allowed="urn:pulumi:<stack>::<project>::<type>::<name>"
        )
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in document.items():
        if key not in _KEYS:
            extra[key] = value
        elif value is not None:
            name, type_ = _KEYS[key]
            fields[name] = _typed(urn, key, value, type_)
    for key in ("type", "custom"):
        if key not in fields:
            raise CaramlError(f"the state has no {key!r} for the resource {urn}", allowed=_TYPE_NAMES[_KEYS[key][1]])
    for name in _TEXTS:
        _texts(urn, name, fields.get(name, []))
    if property_dependencies := fields.get("property_dependencies"):
        fields["property_dependencies"] = {key: urns or [] for key, urns in property_dependencies.items()}
        for property_, urns in fields["property_dependencies"].items():
            _texts(urn, f"propertyDependencies.{property_}", urns)
    for type_, names in fields.get("resource_hooks", {}).items():
        _texts(urn, f"resourceHooks.{type_}", names)
    _located(urn, lambda: fields.update(_properties(fields, unseal)))
    return ResourceState(**fields, extra=extra)


def _properties(fields: Mapping[str, Any], unseal: Unseal) -> dict[str, Any]:
    found = {name: properties_from_json(fields[name], unseal) for name in ("inputs", "outputs") if name in fields}
    if "replacement_trigger" in fields:
        found["replacement_trigger"] = value_from_json(fields["replacement_trigger"], unseal)
    return found


def _located(urn: str, read: Callable[[], None]) -> None:
    try:
        read()
    except CaramlError as error:
        error.where = error.where or urn
        raise


def _typed(urn: str, key: str, value: object, type_: type) -> object:
    if not isinstance(value, type_):
        raise CaramlError(
            f"the state has {type(value).__name__} as {key!r} of a resource", where=urn, allowed=_TYPE_NAMES[type_]
        )
    return value


def _texts(urn: str, key: str, value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise CaramlError(f"the state has a bad {key!r} of a resource", where=urn, allowed="a list of texts")
