"""Property values as a checkpoint writes them in JSON: secrets encrypted, unknowns as Pulumi's placeholder."""

import json
import math
from collections.abc import Callable
from typing import Any

from caraml_pulumi.engine.state.secrets import Crypter
from caraml_pulumi.engine.values import (
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN,
    UNKNOWN_TEXT,
    Properties,
    PropertyValue,
    Secret,
    plain,
    transform,
)
from caraml_pulumi.errors import CaramlError

Seal = Callable[[Secret], dict[str, Any]]
"""How a secret is written."""
Unseal = Callable[[dict[str, Any]], Secret]
"""How a secret is read."""


def compact_json(value: object) -> str:
    """`value` as Pulumi writes JSON: no spaces, no escapes of letters."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def value_to_json(value: PropertyValue, seal: Seal) -> PropertyValue:
    """`value` as JSON data, with `seal` for each secret. Whole numbers lose the fraction the wire format gave them.

    Raises:
        CaramlError: a number is not finite, which JSON cannot say.
    """

    def leaf(item: PropertyValue) -> PropertyValue:
        if isinstance(item, Secret):
            return seal(item)
        if item is UNKNOWN:
            return UNKNOWN_TEXT
        if isinstance(item, float):
            return _number(item)
        return item

    return transform(value, leaf)


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise CaramlError(f"a property has the value {value}, which state cannot hold", allowed="finite numbers")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def value_from_json(value: PropertyValue, unseal: Unseal) -> PropertyValue:
    """The property value that JSON data stands for, with `unseal` for each secret."""
    if isinstance(value, dict):
        if value.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
            return unseal(value)
        return {key: value_from_json(item, unseal) for key, item in value.items()}
    if isinstance(value, list):
        return [value_from_json(item, unseal) for item in value]
    return UNKNOWN if value == UNKNOWN_TEXT else value


def _secret_text(secret: Secret) -> str:
    return compact_json(value_to_json(plain(secret.value), sealed_as_text))


def sealed_as_text(secret: Secret) -> dict[str, Any]:
    """A secret in the clear, as ``pulumi stack export --show-secrets`` writes it."""
    return {SIGNATURE_KEY: SECRET_SIGNATURE, "plaintext": _secret_text(secret)}


def sealed_with(crypter: Crypter) -> Seal:
    """Write secrets encrypted. One that has a ciphertext keeps it; one that has none gets it here, once."""

    def seal(secret: Secret) -> dict[str, Any]:
        if secret.ciphertext is None:
            secret.ciphertext = crypter.encrypt(_secret_text(secret))
        return {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": secret.ciphertext}

    return seal


def unsealed_with(crypter: Crypter, *, keep_ciphertext: bool) -> Unseal:
    """Read secrets, encrypted or in the clear. `keep_ciphertext`: they will be written for the same stack."""

    def unseal(sealed: dict[str, Any]) -> Secret:
        ciphertext, text = sealed.get("ciphertext"), sealed.get("plaintext")
        if isinstance(ciphertext, str):
            return Secret(_opened(crypter.decrypt(ciphertext)), ciphertext if keep_ciphertext else None)
        if isinstance(text, str):
            return Secret(_opened(text))
        raise CaramlError("the state holds a secret without a value", allowed="ciphertext or plaintext, a text")

    return unseal


def _opened(text: str) -> PropertyValue:
    """The value of a decrypted secret; secrets inside it are not encrypted again, and need no wrapper of their own."""
    try:
        document = json.loads(text)
    except ValueError:
        raise CaramlError("the state holds a secret that is not JSON once decrypted", allowed="JSON") from None
    return plain(value_from_json(document, _inner))


def _inner(sealed: dict[str, Any]) -> Secret:
    text = sealed.get("plaintext", sealed.get("ciphertext"))
    return Secret(_opened(text) if isinstance(text, str) else None)


def properties_from_json(value: dict[str, Any], unseal: Unseal) -> Properties:
    """A resource's inputs or outputs."""
    return {key: value_from_json(item, unseal) for key, item in value.items()}
