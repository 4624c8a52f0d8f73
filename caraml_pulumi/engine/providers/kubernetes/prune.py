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
