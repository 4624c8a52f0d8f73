"""How a property value of an event is written for people: never a secret's value, never an internal mark."""

import json
from typing import Final

from caraml_pulumi.engine.values import (
    OUTPUT_SIGNATURE,
    RESOURCE_REFERENCE_SIGNATURE,
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN_TEXT,
    PropertyValue,
)

SECRET: Final = "[secret]"  # noqa: S105 - what is shown in place of a secret
COMPUTED: Final = "<computed>"
MAX_ITEMS: Final = 50
"""A longer list is cut, with the number of items left out."""
MAX_INLINE: Final = 60
"""Characters up to which a value is shown on the line of its change."""


def is_secret(value: PropertyValue) -> bool:
    """Whether `value` stands for a secret."""
    return value == SECRET or (isinstance(value, dict) and value.get(SIGNATURE_KEY) == SECRET_SIGNATURE)


def is_unknown(value: PropertyValue) -> bool:
    """Whether `value` is known only after the change."""
    return bool(value == UNKNOWN_TEXT)


def is_multiline(value: PropertyValue) -> bool:
    """Whether `value` is text of several lines."""
    return isinstance(value, str) and "\n" in value.rstrip("\n")


def plain_value(value: PropertyValue) -> PropertyValue:
    """`value` with the marks of special objects replaced by what people see: `SECRET`, `COMPUTED`, an id, a value."""
    if is_secret(value):
        return SECRET
    if is_unknown(value):
        return COMPUTED
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    if isinstance(value, dict):
        signature = value.get(SIGNATURE_KEY)
        if signature == OUTPUT_SIGNATURE:
            return SECRET if value.get("secret") else plain_value(value.get("value", UNKNOWN_TEXT))
        if signature == RESOURCE_REFERENCE_SIGNATURE:
            return value.get("id") or value.get("urn")
        return {key: plain_value(item) for key, item in value.items() if key != SIGNATURE_KEY}
    return value


def flow_text(value: PropertyValue) -> str:
    """A plain `value` on one line, text in quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow_text(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow_text(item) for item in value) + "]"
    return value if value in (SECRET, COMPUTED) else json.dumps(value, ensure_ascii=False)


def short_text(value: PropertyValue) -> str | None:
    """A plain `value` on one line if it fits into `MAX_INLINE` characters, else None."""
    text = flow_text(value)
    return text if len(text) <= MAX_INLINE else None


def entry_lines(key: str, value: PropertyValue) -> list[str]:
    """``key: value`` for a plain `value`, indented like YAML where it takes several lines."""
    if isinstance(value, dict | list) and value:
        return [f"{key}:", *("  " + line for line in _block_lines(value))]
    if is_multiline(value):
        return [f"{key}: |", *("  " + line for line in _block_lines(value))]
    return [f"{key}: {flow_text(value)}"]


def _block_lines(value: PropertyValue) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for key in sorted(value) for line in entry_lines(key, value[key])]
    if isinstance(value, list) and value:
        lines = [line for item in value[:MAX_ITEMS] for line in _item_lines(item)]
        left = len(value) - MAX_ITEMS
        return [*lines, f"… {left} more"] if left > 0 else lines
    if is_multiline(value):
        return str(value).rstrip("\n").split("\n")
    return [flow_text(value)]


def _item_lines(value: PropertyValue) -> list[str]:
    first, *rest = _block_lines(value)
    return [f"- {first}", *("  " + line for line in rest)]
