"""Secrets kept secret on their way through user code: in the texts it writes, and in the values it gives back."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from caraml_pulumi.engine.values import PropertyValue, Secret, contains_secret, plain

_SHORTEST: Final = 4
"""Texts shorter than this are not masked: they would be found in every other word."""


def secret_texts(
    values: Iterable[PropertyValue], forms: Callable[[str], Iterable[str]] = lambda text: (text,)
) -> frozenset[str]:
    """The texts that are secret in `values`, at any depth, and long enough to be masked.

    `forms` gives the ways in which such a text may be written.
    """
    texts = (form for value in values for text in _texts(value, False) for form in forms(text))
    return frozenset(text for text in texts if len(text) >= _SHORTEST)


def mask(text: str, secrets: Iterable[str]) -> str:
    """`text` with each of `secrets` replaced by ``[secret]``."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text


def mask_secrets(text: str, values: Iterable[PropertyValue]) -> str:
    """`text` with each text that is a secret in `values`, at any depth, replaced by ``[secret]``."""
    return mask(text, secret_texts(values))


def keep_secrets(before: PropertyValue, after: PropertyValue) -> PropertyValue:
    """`after` with what was a secret in `before` a secret again, whatever its value is now.

    Where a secret cannot be followed to its place, because a list has changed its length or an object is one no more,
    that value is secret whole.
    """
    if isinstance(after, Secret) or not contains_secret(before):
        return after
    if isinstance(before, dict) and isinstance(after, dict):
        return {key: keep_secrets(before.get(key), item) for key, item in after.items()}
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [keep_secrets(old, new) for old, new in zip(before, after, strict=True)]
    return Secret(plain(after))


def _texts(value: PropertyValue, secret: bool) -> Iterator[str]:
    if isinstance(value, Secret):
        yield from _texts(value.value, True)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item, secret)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, secret)
    elif secret and isinstance(value, str):
        yield value
