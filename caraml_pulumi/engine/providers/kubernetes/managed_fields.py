"""Who owns which field of an object, and how ownership passes to us.

pulumi-kubernetes creates with a plain POST as manager ``pulumi-kubernetes`` and updates by server-side apply under a
name of the resource's own; before an apply, what the POST and people with kubectl own is handed over to that name.
"""

from typing import Any, Final

from caraml_pulumi.engine.property_path import PathKey
from caraml_pulumi.engine.providers.kubernetes.objects import Object, metadata

CREATOR: Final = "pulumi-kubernetes"
"""The field manager of every create, by which an object is known as Pulumi's."""
_TAKEN_OVER: Final = (
    ("kubectl", "Apply"),
    ("kubectl", "Update"),
    ("before-first-apply", "Update"),
    (CREATOR, "Update"),
    ("pulumi-resource-kubernetes", "Update"),
)
"""Managers, by the start of their name, whose fields become ours: our own, and those of people with kubectl."""

Entry = dict[str, Any]


def entries(obj: Object) -> list[Entry]:
    """The object's managedFields."""
    found: list[Entry] = metadata(obj).get("managedFields") or []
    return found


def is_ours(obj: Object) -> bool:
    """Whether Pulumi made the object."""
    return any(str(entry.get("manager", "")).startswith(CREATOR) for entry in entries(obj))


def is_fresh(obj: Object) -> bool:
    """Whether Pulumi made the object and has not applied any change to it since."""
    makers = [entry for entry in entries(obj) if str(entry.get("manager", "")).startswith(CREATOR)]
    return bool(makers) and all((entry["manager"], entry["operation"]) == (CREATOR, "Update") for entry in makers)


def yields(manager: str, operation: str) -> bool:
    """Whether that manager's fields are taken over without being forced."""
    return any(manager.startswith(name) and operation == kind for name, kind in _TAKEN_OVER)


def stacks_manager(obj: Object) -> str:
    """The name under which a stack applies `obj`, where there is just one; empty otherwise."""
    names = {str(entry.get("manager")) for entry in entries(obj) if entry.get("operation") == "Apply"}
    found = [name for name in names if name.startswith(f"{CREATOR}-")]
    return found[0] if len(found) == 1 else ""


def fields_of(obj: Object, manager: str) -> dict[str, Any]:
    """What `manager` owns of `obj` once it has taken over what is to be, in the form of ``fieldsV1``."""
    return _fields([*_own(obj, manager), *_given(obj, manager)])


def _own(obj: Object, manager: str) -> list[Entry]:
    return [entry for entry in entries(obj) if entry.get("manager") == manager and entry.get("operation") == "Apply"]


def _given(obj: Object, manager: str) -> list[Entry]:
    """The entries that yield to `manager`, but its own."""
    own = _own(obj, manager)
    return [
        entry
        for entry in entries(obj)
        if not entry.get("subresource")
        and yields(str(entry.get("manager")), str(entry.get("operation")))
        and entry not in own
    ]


def _fields(found: list[Entry]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for entry in found:
        fields = _union(fields, entry.get("fieldsV1") or {})
    return fields


def handed_over(obj: Object, manager: str) -> list[Entry] | None:
    """`obj`'s managedFields with what is to be taken over under `manager`; None when there is nothing to do."""
    own, given = _own(obj, manager), _given(obj, manager)
    if not given:
        return None
    merged = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": given[0].get("apiVersion"),
        "time": max(str(entry.get("time", "")) for entry in [*own, *given]),
        "fieldsType": "FieldsV1",
        "fieldsV1": _fields([*own, *given]),
    }
    return [merged, *(entry for entry in entries(obj) if entry not in given and entry not in own)]


def _union(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {
        **left,
        **{key: _union(left[key], value) if key in left else value for key, value in right.items()},
    }


def owns(entry: Entry, keys: list[PathKey]) -> bool:
    """Whether `entry` owns the field at `keys`, a path of names."""
    fields: Any = entry.get("fieldsV1")
    for key in keys:
        fields = fields.get(f"f:{key}") if isinstance(fields, dict) else None
    return fields is not None


def without_ignored(obj: Object, live: Object, manager: str, ignored: list[list[PathKey]]) -> Object:
    """`obj` as it is to be applied when the fields at `ignored` are left alone.

    A field that only others own is left out, so that it stays theirs; any other is sent as it is live, lest the apply
    takes it away. Paths into lists are left as the inputs have them.
    """
    for keys in ignored:
        if not all(isinstance(key, str) and key != "*" for key in keys):
            continue
        owners = [entry for entry in entries(live) if owns(entry, keys)]
        ours = any(entry.get("manager") in (manager, CREATOR) for entry in owners)
        if owners and not ours:
            obj = _replaced(obj, keys, None)
        elif (value := _value(live, keys)) is not None:
            obj = _replaced(obj, keys, value)
    return obj


def _value(obj: Any, keys: list[PathKey]) -> Any:  # noqa: ANN401 - part of an object
    for key in keys:
        obj = obj.get(key) if isinstance(obj, dict) else None
    return obj


def _replaced(obj: Object, keys: list[PathKey], value: Any) -> Object:  # noqa: ANN401
    """`obj` with `value` at `keys`; None takes the field out."""
    key, rest = str(keys[0]), keys[1:]
    if not rest:
        return {name: item for name, item in obj.items() if name != key} | ({} if value is None else {key: value})
    inner = obj.get(key)
    if not isinstance(inner, dict):
        return obj
    return {**obj, key: _replaced(inner, rest, value)}
