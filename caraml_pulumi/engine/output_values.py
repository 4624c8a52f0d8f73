"""Output values on the wire: how Pulumi's protocol carries what is unknown, secret or dependent on resources.

Components of another process and transforms get them in place of bare unknowns and secrets, because only they say which
resources a value depends on.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from google.protobuf.struct_pb2 import Struct, Value

from caraml_pulumi.engine.values import OUTPUT_SIGNATURE, SECRET_SIGNATURE, SIGNATURE_KEY, UNKNOWN_TEXT

_NOTHING: Final[Mapping[str, Iterable[str]]] = {}


def with_outputs(properties: Struct, dependencies: Mapping[str, Iterable[str]] = _NOTHING) -> Struct:
    """`properties` with each unknown and secret, at any depth, as an output value.

    `dependencies` are the URNs that the properties, by name, depend on: those become output values too.
    """
    result = Struct()
    for key, value in properties.fields.items():
        converted = _converted(value)
        urns = sorted({*dependencies.get(key, ()), *_own_dependencies(converted)})
        result.fields[key].CopyFrom(_depending(converted, urns) if urns else converted)
    return result


def dependencies_in(value: Value) -> Iterator[str]:
    """The URNs that the output values in `value`, at any depth, depend on."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        for item in value.list_value.values:
            yield from dependencies_in(item)
    elif kind == "struct_value":
        yield from _own_dependencies(value)
        for item in value.struct_value.fields.values():
            yield from dependencies_in(item)


def _converted(value: Value) -> Value:
    kind = value.WhichOneof("kind")
    if kind == "string_value" and value.string_value == UNKNOWN_TEXT:
        return _output()
    result = Value()
    if kind == "list_value":
        result.list_value.values.extend(_converted(item) for item in value.list_value.values)
        result.list_value.SetInParent()
        return result
    if kind != "struct_value":
        return value
    signature = _signature(value)
    if signature == OUTPUT_SIGNATURE:
        return value
    if signature == SECRET_SIGNATURE:
        inner = value.struct_value.fields["value"]
        known = _signature(inner) != OUTPUT_SIGNATURE and inner.string_value != UNKNOWN_TEXT
        return _output(inner if known else None, secret=True)
    result.struct_value.SetInParent()
    for key, item in value.struct_value.fields.items():
        result.struct_value.fields[key].CopyFrom(_converted(item))
    return result


def _depending(value: Value, urns: list[str]) -> Value:
    result = value if _signature(value) == OUTPUT_SIGNATURE else _output(value)
    del result.struct_value.fields["dependencies"].list_value.values[:]
    result.struct_value.fields["dependencies"].list_value.extend(urns)
    return result


def _own_dependencies(value: Value) -> list[str]:
    if _signature(value) != OUTPUT_SIGNATURE or "dependencies" not in value.struct_value.fields:
        return []
    return [item.string_value for item in value.struct_value.fields["dependencies"].list_value.values]


def _output(value: Value | None = None, *, secret: bool = False) -> Value:
    """An output value; without `value` it is unknown."""
    result = Value()
    fields = result.struct_value.fields
    fields[SIGNATURE_KEY].string_value = OUTPUT_SIGNATURE
    if value is not None:
        fields["value"].CopyFrom(value)
    if secret:
        fields["secret"].bool_value = True
    return result


def _signature(value: Value) -> str:
    fields = value.struct_value.fields
    return fields[SIGNATURE_KEY].string_value if SIGNATURE_KEY in fields else ""
