"""Property values on the wire: `google.protobuf.Struct` to `Properties` and back.

The special objects are those of Pulumi's protocol: secrets and output values become `Secret` and `UNKNOWN`, assets,
archives and resource references stay dicts with the signature key. Numbers travel as doubles; whole ones become int, so
that state holds ``3`` and not ``3.0``.
"""

from typing import Final

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value

from caraml_pulumi.engine.values import (
    OUTPUT_SIGNATURE,
    RESOURCE_REFERENCE_SIGNATURE,
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN,
    UNKNOWN_TEXT,
    Properties,
    PropertyValue,
    Secret,
)

_WHOLE_LIMIT: Final = 1e21
"""From here on Pulumi's JSON writes a number with an exponent, so it stays a float."""


def decode(struct: Struct) -> Properties:
    """The properties in `struct`.

    An output value's dependencies are left out: a property value has no place for them.
    """
    return {key: decode_value(value) for key, value in struct.fields.items()}


def decode_value(value: Value) -> PropertyValue:
    """The property value in `value`; a secret within a secret is one secret."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text == UNKNOWN_TEXT else text
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE_KEY in fields:
            return _decode_special(value.struct_value)
        return {key: decode_value(item) for key, item in fields.items()}
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < _WHOLE_LIMIT else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [decode_value(item) for item in value.list_value.values]
    return None


def encode(properties: Properties, *, secrets: bool, unknowns: bool, references: bool = True) -> Struct:
    """`properties` as a `Struct`.

    With `secrets` false they travel as plain values; with `unknowns` false they are left out of objects and are null in
    lists; with `references` false a resource reference is its id, or its URN where it has none. Each says what the
    receiver has declared that it understands.
    """
    struct = Struct()
    _write_fields(properties, struct, secrets, unknowns, references)
    return struct


def encode_value(value: PropertyValue, *, secrets: bool, unknowns: bool, references: bool = True) -> Value:
    """`value` as a `Value`, as `encode` does it."""
    message = Value()
    _write(value, message, secrets, unknowns, references)
    return message


def _decode_special(struct: Struct) -> PropertyValue:
    """An object with the signature key: a secret, an output value, or one that stays a dict."""
    items = decode(struct)
    signature = items[SIGNATURE_KEY]
    if signature == SECRET_SIGNATURE:
        return _secret(items.get("value"))
    if signature == OUTPUT_SIGNATURE:
        value = items.get("value", UNKNOWN)
        return _secret(value) if items.get("secret") is True else value
    return items


def _secret(value: PropertyValue) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


def _write_fields(properties: Properties, struct: Struct, secrets: bool, unknowns: bool, references: bool) -> None:
    fields = struct.fields
    for key, value in properties.items():
        if unknowns or not _is_unknown(value):
            _write(value, fields[key], secrets, unknowns, references)


def _write_list(values: list[PropertyValue], message: ListValue, secrets: bool, unknowns: bool, refs: bool) -> None:
    for value in values:
        _write(value, message.values.add(), secrets, unknowns, refs)


def _write(value: PropertyValue, message: Value, secrets: bool, unknowns: bool, references: bool) -> None:
    """Write `value` into `message`; commonest kinds first, and bool before int, which it is too in Python."""
    if isinstance(value, str):
        message.string_value = value
    elif isinstance(value, dict):
        if not references and value.get(SIGNATURE_KEY) == RESOURCE_REFERENCE_SIGNATURE:
            _write(_referenced(value), message, secrets, unknowns, references)
            return
        message.struct_value.SetInParent()
        _write_fields(value, message.struct_value, secrets, unknowns, references)
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int | float):
        message.number_value = value
    elif isinstance(value, list):
        message.list_value.SetInParent()
        _write_list(value, message.list_value, secrets, unknowns, references)
    elif isinstance(value, Secret):
        if secrets:
            fields = message.struct_value.fields
            fields[SIGNATURE_KEY].string_value = SECRET_SIGNATURE
            _write(value.value, fields["value"], secrets, unknowns, references)
        else:
            _write(value.value, message, secrets, unknowns, references)
    elif value is UNKNOWN and unknowns:
        message.string_value = UNKNOWN_TEXT
    else:
        message.null_value = NULL_VALUE


def _is_unknown(value: PropertyValue) -> bool:
    return value is UNKNOWN or (isinstance(value, Secret) and _is_unknown(value.value))


def _referenced(reference: Properties) -> PropertyValue:
    """What a resource reference is to a receiver that knows none: the id, unknown while it is empty, else the URN."""
    if "id" not in reference:
        return reference["urn"]
    return reference["id"] or UNKNOWN
