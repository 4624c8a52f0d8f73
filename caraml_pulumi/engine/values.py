"""Property values as the engine holds them: JSON values, with secrets and unknowns among them.

A property value is None, bool, int, float, str, a list or a dict with string keys, a `Secret` around any of these, or
`UNKNOWN`. Assets, archives and resource references stay dicts with Pulumi's signature key. Values are never mutated.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
"""The key that marks a special object, in the wire format and in state."""
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a signature of Pulumi's format
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE_REFERENCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

PropertyValue = Any
"""See the module's docstring; recursive, hence Any."""
Properties = dict[str, PropertyValue]
"""A resource's inputs or outputs."""


class Unknown(Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "<unknown>"


UNKNOWN: Final = Unknown.UNKNOWN
"""A value that is known only once the change is applied."""


class Secret:
    """A value that is encrypted in state and never shown. Two secrets are equal when their values are.

    `ciphertext` is the encrypted form that state held, so that an unchanged secret is written back as it was.
    """

    __slots__ = ("ciphertext", "value")

    def __init__(self, value: PropertyValue, ciphertext: str | None = None) -> None:
        self.value = value
        self.ciphertext = ciphertext

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash(("secret", repr(self.value)))

    def __repr__(self) -> str:
        return "[secret]"


def transform(value: PropertyValue, leaf: Callable[[PropertyValue], PropertyValue]) -> PropertyValue:
    """`value` with `leaf` applied to each scalar, `Secret` and `UNKNOWN` in it; containers are copied."""
    if isinstance(value, dict):
        return {key: transform(item, leaf) for key, item in value.items()}
    if isinstance(value, list):
        return [transform(item, leaf) for item in value]
    return leaf(value)


def plain(value: PropertyValue) -> PropertyValue:
    """`value` with the wrappers of secrets taken off, at any depth: for providers, never for people."""
    return transform(value, lambda leaf: plain(leaf.value) if isinstance(leaf, Secret) else leaf)


def redact(value: PropertyValue, unknown: str = "<computed>") -> PropertyValue:
    """`value` as people and logs may see it: secrets as ``[secret]``, unknowns as `unknown`."""

    def leaf(item: PropertyValue) -> PropertyValue:
        if isinstance(item, Secret):
            return "[secret]"
        return unknown if item is UNKNOWN else item

    return transform(value, leaf)


def printable(text: str) -> str:
    """`text` with its control characters written out: a name in a message must not command the terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in text)


def _contains(value: PropertyValue, test: Callable[[PropertyValue], bool]) -> bool:
    if isinstance(value, dict):
        return any(_contains(item, test) for item in value.values())
    if isinstance(value, list):
        return any(_contains(item, test) for item in value)
    return test(value)


def contains_secret(value: PropertyValue) -> bool:
    """Whether a secret is in `value`, at any depth."""
    return _contains(value, lambda leaf: isinstance(leaf, Secret))


def contains_unknown(value: PropertyValue) -> bool:
    """Whether an unknown is in `value`, at any depth, also inside a secret."""
    return _contains(value, lambda leaf: leaf is UNKNOWN or (isinstance(leaf, Secret) and contains_unknown(leaf.value)))


def same(left: PropertyValue, right: PropertyValue) -> bool:
    """Whether two values are the same in JSON's eyes: true is not 1, and an unknown is nothing but an unknown."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)
