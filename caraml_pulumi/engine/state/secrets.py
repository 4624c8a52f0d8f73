"""Pulumi's passphrase secrets: AES-256-GCM under a key that PBKDF2 derives from a passphrase and a stack's salt.

A ciphertext is ``v1:<nonce>:<ciphertext and tag>`` in base64. A stack's salt is ``v1:<8 bytes>:<ciphertext of
"pulumi">``: the second half tells a wrong passphrase from a right one. It is the ``encryptionsalt`` of
``Pulumi.<stack>.yaml`` and the state of the ``passphrase`` secrets provider in a checkpoint.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol

from caraml_pulumi.errors import CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.engine.state.config import StackConfig

PASSPHRASE: Final = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
PASSPHRASE_FILE: Final = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable

_ROUNDS: Final = 1_000_000
_SALT_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_CHECK: Final = "pulumi"
_SET_PASSPHRASE: Final = f"set {PASSPHRASE}, or {PASSPHRASE_FILE} to a file that holds it, as when the stack was made"


class Crypter(Protocol):
    """Encrypts and decrypts the secrets of one stack."""

    @property
    def provider(self) -> dict[str, Any] | None:
        """The ``secrets_providers`` of a checkpoint whose secrets this encrypts; None if it has no salt yet."""

    def encrypt(self, text: str) -> str:
        """The ciphertext of `text`; another one at each call."""

    def decrypt(self, ciphertext: str) -> str:
        """The text that `ciphertext` hides. Raises `CaramlError` if it is not of this stack."""


def passphrase() -> str:
    """The passphrase the environment gives; an empty one counts if PULUMI_CONFIG_PASSPHRASE is set to it.

    Raises:
        CaramlError: neither variable is set, or the file cannot be read.
    """
    if (text := os.environ.get(PASSPHRASE)) is not None:
        return text
    path = os.environ.get(PASSPHRASE_FILE)
    if not path:
        raise CaramlError("no passphrase is given for the stack's secrets", fix=_SET_PASSPHRASE)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CaramlError(
            f"the passphrase cannot be read from {path!r}: {reason}", where=PASSPHRASE_FILE, fix=_SET_PASSPHRASE
        ) from None


@lru_cache(maxsize=16)
def _derive(phrase: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", phrase.encode(), salt, _ROUNDS, _KEY_BYTES)


def _seal(key: bytes, text: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), None)
    return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"


def _unseal(key: bytes, ciphertext: str) -> str | None:
    """The text, or None when `ciphertext` is malformed or was made with another key."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    version, _, rest = ciphertext.partition(":")
    nonce, _, sealed = rest.partition(":")
    try:
        if version != "v1":
            return None
        opened = AESGCM(key).decrypt(
            base64.b64decode(nonce, validate=True), base64.b64decode(sealed, validate=True), None
        )
        return opened.decode()
    except (InvalidTag, ValueError):
        return None


def _salt_bytes(salt: str) -> bytes:
    version, _, rest = salt.partition(":")
    encoded, _, check = rest.partition(":")
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if version != "v1" or len(decoded) != _SALT_BYTES or not check:
        raise CaramlError(
            "the stack's encryption salt is malformed",
            where="encryptionsalt of Pulumi.<stack>.yaml, or secrets_providers of the checkpoint",
            allowed="v1:<8 bytes in base64>:<ciphertext>",
            fix="restore the value from version control or from the stack's state",
        )
    return decoded


class PassphraseCrypter:
    """The crypter of a stack whose secrets a passphrase protects.

    Args:
        salt: the stack's salt; None makes a new one when it is first needed.
        phrase: the passphrase; None reads it from the environment (`passphrase`) when it is first needed.

    The key, 0.2 s of work, is derived at the first use of a secret; `prepare` does it ahead of time.
    """

    def __init__(self, salt: str | None = None, phrase: str | None = None) -> None:
        self._lock = Lock()
        self._salt = salt
        self._phrase = phrase
        self._derived: bytes | None = None
        if salt is not None:
            _salt_bytes(salt)

    @classmethod
    def from_salt(cls, salt: str, passphrase: str | None = None) -> "PassphraseCrypter":
        """The crypter of the stack that has `salt`. Raises `CaramlError` if the salt is malformed."""
        return cls(salt, passphrase)

    @classmethod
    def new(cls, passphrase: str | None = None) -> "PassphraseCrypter":
        """The crypter of a new stack, with a salt of its own."""
        return cls(None, passphrase)

    @property
    def salt(self) -> str:
        """The salt as Pulumi writes it; a new stack's is made now.

        Raises:
            CaramlError: a new salt is needed and no passphrase is given.
        """
        if self._salt is None:
            self.prepare()
        assert self._salt is not None  # noqa: S101 - prepare has set it
        return self._salt

    @property
    def provider(self) -> dict[str, Any] | None:
        """The ``secrets_providers`` of a checkpoint whose secrets this encrypts; None if it has no salt yet."""
        return None if self._salt is None else {"type": "passphrase", "state": {"salt": self._salt}}

    @property
    def phrase(self) -> str | None:
        """The passphrase given explicitly, for a crypter of another salt."""
        return self._phrase

    def prepare(self) -> bytes:
        """The key, derived now if it was not yet.

        To be called before anything is changed, so that a missing or wrong passphrase stops an update early. Safe to
        call from a thread while other work goes on.

        Raises:
            CaramlError: no passphrase is given, or it is not the one the salt was made with.
        """
        with self._lock:
            if self._derived is None:
                self._derived = self._derive()
            return self._derived

    def _derive(self) -> bytes:
        phrase = passphrase() if self._phrase is None else self._phrase
        if self._salt is None:
            salt = os.urandom(_SALT_BYTES)
            key = _derive(phrase, salt)
            self._salt = f"v1:{base64.b64encode(salt).decode()}:{_seal(key, _CHECK)}"
            return key
        key = _derive(phrase, _salt_bytes(self._salt))
        if _unseal(key, self._salt.split(":", 2)[2]) != _CHECK:
            raise CaramlError(
                "incorrect passphrase: it is not the one this stack's secrets were encrypted with", fix=_SET_PASSPHRASE
            )
        return key

    def encrypt(self, text: str) -> str:
        """The ciphertext of `text`. Raises `CaramlError` as `prepare` does."""
        return _seal(self.prepare(), text)

    def decrypt(self, ciphertext: str) -> str:
        """The text that `ciphertext` hides.

        Raises:
            CaramlError: it is malformed or was encrypted for another stack, or as `prepare` does.
        """
        text = _unseal(self.prepare(), ciphertext)
        if text is None:
            raise CaramlError(
                "a secret cannot be decrypted: it is damaged, or was encrypted for another stack",
                fix="set the secret again: caraml config set --secret KEY",
            )
        return text


def recorded_provider(document: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The ``secrets_providers`` of a checkpoint or deployment document; None where it has none."""
    body = (document or {}).get("checkpoint") or (document or {})
    deployment = body.get("latest") or body.get("deployment") or {}
    provider = deployment.get("secrets_providers")
    return provider if isinstance(provider, dict) and provider.get("type") else None


def check_provider(name: str, *, where: str) -> None:
    """Refuse a secrets provider that is not the passphrase one.

    Raises:
        CaramlError: `name` is another (``awskms``, ``service``, ...), with `where` it was found.
    """
    if name not in {"", "passphrase"}:
        raise CaramlError(
            f"the stack's secrets are kept by the secrets provider {name.partition('://')[0]!r}",
            where=where,
            allowed="passphrase",
            fix="use the Pulumi CLI on this stack, or move it: pulumi stack change-secrets-provider passphrase",
        )


def salt_of_provider(provider: Mapping[str, Any]) -> str:
    """The salt in a checkpoint's ``secrets_providers``.

    Raises:
        CaramlError: it is another provider than the passphrase one, or has no salt.
    """
    where = "secrets_providers of the stack's state"
    check_provider(str(provider["type"]), where=where)
    state = provider.get("state")
    salt = state.get("salt") if isinstance(state, Mapping) else None
    if not isinstance(salt, str):
        raise CaramlError("the state says that a passphrase protects its secrets, but has no salt", where=where)
    return salt


def open_crypter(config: "StackConfig", document: Mapping[str, Any] | None = None) -> PassphraseCrypter:
    """The crypter of a stack: of the salt in its configuration, else in its checkpoint `document`, else a new one.

    Nothing is written, and no passphrase is needed until a secret is: right for previews and for reading.

    Raises:
        CaramlError: the salt is malformed, or another secrets provider keeps the stack's secrets.
    """
    config.check_secrets()
    provider = recorded_provider(document)
    recorded = salt_of_provider(provider) if provider else None
    return PassphraseCrypter(config.salt or recorded)


def new_crypter(config: "StackConfig", document: Mapping[str, Any] | None = None) -> PassphraseCrypter:
    """`open_crypter` for what will write state: a salt that is not in ``Pulumi.<stack>.yaml`` yet is written there.

    Raises:
        CaramlError: as `open_crypter`; or a salt is made and no passphrase is given.
    """
    crypter = open_crypter(config, document)
    keep_salt(config, crypter)
    return crypter


def keep_salt(config: "StackConfig", crypter: PassphraseCrypter) -> None:
    """Write the salt of `crypter` to ``Pulumi.<stack>.yaml`` if none is there."""
    if config.salt is None:
        config.set_salt(crypter.salt)
        config.save()
