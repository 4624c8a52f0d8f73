"""How new inputs differ from what the cluster was last seen to have.

The live object in state is cut down to the shape of the inputs that made it and compared with the new inputs; old
inputs are never compared with new ones, so that drift found by a refresh is repaired (pulumi-kubernetes does the same).
"""

from collections.abc import Callable, Collection
from typing import Any, Final, cast

from caraml_pulumi.engine.property_path import PathKey, changed_paths, parse_path
from caraml_pulumi.engine.providers.base import Diff, DiffKind
from caraml_pulumi.engine.providers.kubernetes.normalise import normalise
from caraml_pulumi.engine.providers.kubernetes.objects import (
    AUTONAMED,
    Object,
    annotation,
    group_kind,
    metadata,
    name_of,
    namespace_of,
    to_object,
)
from caraml_pulumi.engine.providers.kubernetes.prune import prune
from caraml_pulumi.engine.providers.kubernetes.replace import is_fixed
from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.errors import CaramlError

_EXACT: Final = frozenset(["ConfigMap", "Secret"])
"""Kinds whose fields the API server never rewrites: a difference needs no dry run to be believed."""


def is_exact(obj: Object) -> bool:
    """Whether the API server stores objects of that kind just as they are sent."""
    return group_kind(obj) in _EXACT


REPLACE_UNREADY: Final = "pulumi.com/replaceUnready"

DryRun = Callable[[Object], Object | None]
"""What applying an object would give; None where that cannot be asked."""


def diff(
    old_outputs: Properties, new_inputs: Properties, ignore: list[str], fixed: list[str], dry_run: DryRun | None
) -> Diff:
    """Compare the state `old_outputs` with checked `new_inputs`.

    `ignore` are the resource's ignore_changes, `fixed` the properties that cannot be changed in place. Where `dry_run`
    is given, it has the last word on differences that may be another way of writing the same.
    """
    live, new = to_object(old_outputs), normalise(to_object(new_inputs))
    old_inputs = normalise(to_object(old_outputs.get("__inputs") or {}))
    old = _comparable(prune(live, old_inputs), live, new)
    new = _in_scope(new, live)
    detailed = _without(changed_paths(old, new), ignore)
    if detailed and dry_run is not None and not is_exact(new):
        detailed = _confirmed(detailed, live, new, dry_run)
    marked: dict[str, DiffKind] = {
        path: cast(DiffKind, f"{kind}-replace") if is_fixed(path, _changed_value(old, new, path), fixed) else kind
        for path, kind in detailed.items()
    }
    replace_keys = sorted({str(parse_path(path)[0]) for path, kind in marked.items() if kind.endswith("-replace")})
    return Diff(
        changed=bool(marked),
        replace_keys=replace_keys,
        detailed=marked,
        delete_before_replace=bool(replace_keys) and _same_place(live, new),
    )


def replaced_unready(found: Diff, new_inputs: Properties) -> Diff:
    """`found` for an object that did not become ready: a replacement if it is a Job that asks for it.

    Kubernetes never runs a failed Job again; ``pulumi.com/replaceUnready`` has it made anew, as in pulumi-kubernetes.
    """
    new = to_object(new_inputs)
    if group_kind(new) != "batch/Job" or annotation(new, REPLACE_UNREADY) != "true":
        return found
    path = f'metadata.annotations["{REPLACE_UNREADY}"]'
    detailed: dict[str, DiffKind] = {**found.detailed, path: "update-replace"}
    first = _same_place(new, new)
    return Diff(changed=True, replace_keys=["metadata"], detailed=detailed, delete_before_replace=first)


def _comparable(old: Object, live: Object, new: Object) -> Object:
    """The pruned live object, with its name where the new inputs have one, and without a stored resourceVersion."""
    found = old.get("metadata")
    if not isinstance(found, dict):
        return old
    kept = {key: value for key, value in found.items() if key != "resourceVersion"}
    if metadata(new).get("name"):
        kept["name"] = name_of(live)
    if namespace_of(live):
        kept["namespace"] = namespace_of(live)
    else:
        kept.pop("namespace", None)
    return {**old, "metadata": kept}


def _in_scope(new: Object, live: Object) -> Object:
    """`new` with its namespace written out, or left out where the live object has none."""
    found = new.get("metadata")
    if not isinstance(found, dict):
        return new
    if not namespace_of(live):
        return {**new, "metadata": {key: value for key, value in found.items() if key != "namespace"}}
    return {**new, "metadata": {"namespace": "default", **found}}


def _same_place(live: Object, new: Object) -> bool:
    """Whether the replacement would collide with what it replaces."""
    named = name_of(new) == name_of(live) and annotation(new, AUTONAMED) != "true"
    return named and namespace_of(new) == namespace_of(live)


def _without(detailed: dict[str, DiffKind], ignore: list[str]) -> dict[str, DiffKind]:
    patterns = []
    for path in ignore:
        try:
            patterns.append(parse_path(path))
        except ValueError as error:
            raise CaramlError(
                f"ignore_changes names {path!r}", allowed="property paths such as spec.replicas"
            ) from error
    return {path: kind for path, kind in detailed.items() if not _covered(parse_path(path), patterns)}


def _covered(keys: list[PathKey], patterns: list[list[PathKey]]) -> bool:
    return any(
        len(pattern) <= len(keys) and all(wanted in ("*", key) for wanted, key in zip(pattern, keys, strict=False))
        for pattern in patterns
    )


def _confirmed(detailed: dict[str, DiffKind], live: Object, new: Object, dry_run: DryRun) -> dict[str, DiffKind]:
    """Those changes that applying `new` would really make; a property that is taken out always counts."""
    applied = dry_run(new)
    if applied is None:
        return detailed
    real = [parse_path(path) for path in changed_paths(prune(live, new), prune(applied, new))]
    return {path: kind for path, kind in detailed.items() if kind == "delete" or _overlaps(parse_path(path), real)}


def _overlaps(keys: list[PathKey], changes: Collection[list[PathKey]]) -> bool:
    return any(all(left == right for left, right in zip(keys, change, strict=False)) for change in changes)


def _changed_value(old: Object, new: Object, path: str) -> Any:  # noqa: ANN401 - any property value
    keys = parse_path(path)
    added = _value_at(new, keys)
    return _value_at(old, keys) if added is None else added


def _value_at(obj: Any, keys: list[PathKey]) -> Any:  # noqa: ANN401
    for key in keys:
        if obj is UNKNOWN:
            return UNKNOWN
        if isinstance(obj, dict) and isinstance(key, str):
            obj = obj.get(key)
        elif isinstance(obj, list) and isinstance(key, int) and key < len(obj):
            obj = obj[key]
        else:
            return None
    return obj
