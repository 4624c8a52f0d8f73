"""What stands for the inputs of an object that exists already and that a program is to manage from now on.

The object itself is no answer: most of it the API server filled in, or controllers. What counts is what applying the
program's inputs would change: the fields that they set, and those that would go because nobody else owns them.
"""

import json
from typing import Any, Final

from caraml_pulumi.engine.providers.kubernetes.objects import Object, name_of, namespace_of
from caraml_pulumi.engine.providers.kubernetes.prune import prune

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


def adopted_inputs(live: Object, wanted: Object, fields: dict[str, Any], replaced: Object | None) -> Object:
    """The inputs that stand for `live`, which is to be managed with the inputs `wanted`.

    `fields` (in the form of ``fieldsV1``) are those that whoever manages it from now on owns. `replaced` is what the
    API server would make of `wanted` with the metadata of `live`, which tells the defaults that it would fill in again;
    None if it cannot say.
    """
    inputs: Object = _merged(prune(live, wanted), _extract(live, fields) if fields else {})
    metadata = _metadata(live, inputs)
    if replaced is not None:
        inputs = _without_defaults(inputs, wanted, replaced)
    return {**inputs, "apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}


def _metadata(live: Object, inputs: Object) -> Object:
    metadata = dict(inputs.get("metadata") or {})
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if key != _LAST_APPLIED}
    if annotations:
        metadata["annotations"] = annotations
    if namespace := namespace_of(live):
        metadata["namespace"] = namespace
    return {**metadata, "name": name_of(live)}


def _extract(value: Any, fields: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON values
    """The part of `value` that `fields` name: all of it where they are empty, as they are for a leaf."""
    if not fields:
        return value
    if isinstance(value, dict):
        return {key: _extract(item, fields[f"f:{key}"]) for key, item in value.items() if f"f:{key}" in fields}
    if isinstance(value, list):
        found = [(item, _fields_of_item(item, fields)) for item in value]
        return [_extract(item, own) for item, own in found if own is not None]
    return value


def _fields_of_item(item: Any, fields: dict[str, Any]) -> dict[str, Any] | None:  # noqa: ANN401
    """What `fields` say of an item of a list, which they name by its keys or its value; None if nothing."""
    for name, own in fields.items():
        kind, _, text = name.partition(":")
        if kind == "v" and json.loads(text) == item:
            return {}
        if kind == "k" and isinstance(item, dict):
            keys: dict[str, Any] = json.loads(text)
            if all(item.get(key) == value for key, value in keys.items()):
                found: dict[str, Any] = own
                return found
    return None


def _merged(left: Any, right: Any) -> Any:  # noqa: ANN401
    """Two parts of the same value together."""
    if isinstance(left, dict) and isinstance(right, dict):
        both = {key: _merged(value, right[key]) if key in right else value for key, value in left.items()}
        return both | {key: value for key, value in right.items() if key not in left}
    if isinstance(left, list) and isinstance(right, list):
        shared = [_merged(one, other) for one, other in zip(left, right, strict=False)]
        return [*shared, *left[len(shared) :], *right[len(shared) :]]
    return left


def _without_defaults(own: Any, wanted: Any, replaced: Any) -> Any:  # noqa: ANN401
    """`own` without what `wanted` leaves out and the API server fills in just so."""
    if isinstance(own, dict) and isinstance(wanted, dict) and isinstance(replaced, dict):
        return {
            key: _without_defaults(value, wanted.get(key), replaced.get(key))
            for key, value in own.items()
            if key in wanted or prune(replaced, {key: value}) != {key: value}
        }
    if isinstance(own, list) and isinstance(wanted, list) and isinstance(replaced, list):
        found = [_without_defaults(*items) for items in zip(own, wanted, replaced, strict=False)]
        return [*found, *own[len(found) :]]
    return own
