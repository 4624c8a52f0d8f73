"""A live object cut down to the fields that the inputs have: the rest belongs to the cluster."""

from typing import Any

from caraml_pulumi.engine.providers.kubernetes.objects import Object


def prune(live: Object, shape: Object) -> Object:
    """`live` with just the fields of `shape`; where types differ, and in other elements of lists, what is live.

    Lists are matched by position and are no longer than in `shape`, as pulumi-kubernetes prunes them.
    """
    return {key: _prune(value, shape[key]) for key, value in live.items() if key in shape}


def _prune(live: Any, shape: Any) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(live, dict) and isinstance(shape, dict):
        return prune(live, shape)
    if isinstance(live, list) and isinstance(shape, list):
        if not live or not shape:
            return []
        if type(live[0]) is not type(shape[0]):
            return live
        return [_prune(value, wanted) for value, wanted in zip(live, shape, strict=False)]
    return live


def with_empties(live: Object, inputs: Object) -> Object:
    """`live`, pruned to `inputs`, with the empty values of `inputs` that the API server leaves out of what it stores.

    ``tty: false`` or ``args: []`` that is nowhere to be seen in the live object is as it should be, not gone.
    """
    merged = {key: _with_empties(value, inputs[key]) for key, value in live.items() if key in inputs}
    return merged | {key: value for key, value in inputs.items() if key not in live and _is_empty(value)}


def _with_empties(live: Any, inputs: Any) -> Any:  # noqa: ANN401
    if isinstance(live, dict) and isinstance(inputs, dict):
        return with_empties(live, inputs)
    if isinstance(live, list) and isinstance(inputs, list) and len(live) <= len(inputs):
        return [_with_empties(value, wanted) for value, wanted in zip(live, inputs, strict=False)]
    return live


def _is_empty(value: Any) -> bool:  # noqa: ANN401
    return value is False or value in ("", [], {}) or (type(value) is int and value == 0)
