"""A stack's configuration: ``Pulumi.<stack>.yaml``."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from caraml_pulumi.engine.state.config_path import get_path, parse_path, remove_path, set_path, typed
from caraml_pulumi.engine.state.declarations import declared_values
from caraml_pulumi.engine.state.names import check_name
from caraml_pulumi.engine.state.project import Project
from caraml_pulumi.engine.state.properties import compact_json
from caraml_pulumi.engine.state.secrets import Crypter, check_provider
from caraml_pulumi.engine.state.yaml_edit import edited, write_whole
from caraml_pulumi.engine.state.yaml_text import parse_mapping, read_text
from caraml_pulumi.engine.values import PropertyValue, Secret
from caraml_pulumi.errors import CaramlError

ConfigValue = str | Secret
"""The text of a value as a program gets it, JSON for mappings and lists; a `Secret` around it if any of it is one."""

_SALT: Final = "encryptionsalt"


def load_stack_config(project: Project, stack: str) -> "StackConfig":
    """The configuration of `stack`; an empty one if there is no file yet.

    Raises:
        CaramlError: the file is malformed, imports ESC environments, or another secrets provider than the passphrase
            protects its secrets; with file:line.
    """
    base = project.stack_config_dir / f"Pulumi.{check_name('stack', stack)}"
    path = next((path for suffix in (".yaml", ".yml") if (path := Path(f"{base}{suffix}")).is_file()), None)
    return StackConfig(project, path or Path(f"{base}.yaml"), read_text(path) if path else "")


class StackConfig:
    """The values of a stack, and the salt of its secrets.

    Keys are ``namespace:name``; without a namespace they are the project's. Changes are kept in memory until `save`;
    comments and the order of lines stay.

    Attributes:
        project: the project.
        path: the file, which may not exist yet.
    """

    def __init__(self, project: Project, path: Path, text: str) -> None:
        self.project = project
        self.path = path
        self._read(text)

    def _read(self, text: str) -> None:
        document = parse_mapping(self.path, text)
        if document.value("environment"):
            raise CaramlError(
                "the stack imports ESC environments, which only the Pulumi CLI can open",
                where=document.where("environment"),
                fix="write the values in this file, or use the Pulumi CLI",
            )
        self._provider = document.text("secretsprovider"), document.where("secretsprovider")
        self._text = text
        self._salt = document.text(_SALT)
        self._entries = document.mapping("config")
        self._spellings: dict[str, str] = {}
        for spelling in self._entries:
            key = self.full_key(spelling, self._entries.where(spelling))
            if key in self._spellings:
                raise CaramlError(f"the key {key!r} is there twice", where=self._entries.where(spelling))
            self._spellings[key] = spelling

    @property
    def salt(self) -> str | None:
        """The ``encryptionsalt`` of the stack's secrets, None if it has none yet."""
        return self._salt or None

    def check_secrets(self) -> None:
        """Refuse to encrypt or decrypt what another secrets provider keeps; all else of the file can be read.

        Raises:
            CaramlError: ``secretsprovider`` is another than the passphrase.
        """
        name, where = self._provider
        check_provider(name, where=where)

    def set_salt(self, salt: str) -> None:
        """Set the ``encryptionsalt``."""
        self._edit(lambda document: document.insert(0, _SALT, salt) if _SALT not in document else None)

    @property
    def keys(self) -> list[str]:
        """The full keys in the file, in its order."""
        return list(self._spellings)

    @property
    def secret_keys(self) -> list[str]:
        """The full keys of which some value is a secret."""
        return [key for key in self._spellings if contains_secure(self._entries.value(self._spellings[key]))]

    def full_key(self, key: str, where: str = "") -> str:
        """``namespace:name`` for a key as users write it. Raises `CaramlError` if it cannot be one."""
        namespace, separator, name = key.rpartition(":")
        namespace = namespace.removesuffix(":config") if separator else self.project.name
        if not namespace or ":" in namespace or not name:
            raise CaramlError(f"{key!r} is not a key of configuration", where=where, allowed="name, or namespace:name")
        return f"{namespace}:{name}"

    def where(self, key: str) -> str:
        """``file:line`` of a full key; the file if it is not there."""
        return self._entries.where(self._spellings[key]) if key in self._spellings else str(self.path)

    def values(self, crypter: Crypter) -> dict[str, ConfigValue]:
        """All values by full key, those the project declares among them, as Pulumi passes them to a program.

        Raises:
            CaramlError: a secret cannot be decrypted, a value that the project requires is missing, or has another
                type than it declares.
        """
        return declared_values(self.project, self.full_key, self.entries(crypter), self.where)

    def entries(self, crypter: Crypter | None = None) -> dict[str, ConfigValue]:
        """The values in the file by full key; without `crypter`, ``[secret]`` in place of each secret.

        Raises:
            CaramlError: a secret cannot be decrypted.
        """
        return {key: self._opened(key, self._raw(key), crypter) for key in self._spellings}

    def recorded(self) -> dict[str, PropertyValue]:
        """The values by full key as the history of updates records them: secrets encrypted."""
        return {key: self._raw(key) for key in self._spellings}

    def get(self, key: str, crypter: Crypter, *, path: bool = False) -> ConfigValue | None:
        """The value at `key`, None if there is none. `path`: the key goes on inside the value (``data.items[0]``)."""
        full, inner = self._located(key, path)
        if full not in self._spellings:
            return None
        value = get_path(self._raw(full), inner)
        return None if value is None else self._opened(full, value, crypter)

    def set(self, key: str, value: str, *, crypter: Crypter | None = None, path: bool = False) -> None:
        """Set `key` to `value`; with `crypter`, as a secret.

        Raises:
            CaramlError: the key is none, or the path does not lead through mappings and lists.
        """
        full, inner = self._located(key, path)
        written: Any = typed(value) if inner else value
        if crypter is not None:
            written = {"secure": crypter.encrypt(value)}

        def change(document: dict[str, Any]) -> None:
            if document.get("config") is None:
                document["config"] = {}
            set_path(document["config"], [self._spellings.get(full, full), *inner], written)

        self._edit(change)

    def rm(self, key: str, *, path: bool = False) -> bool:
        """Remove `key`; says whether it was there."""
        full, inner = self._located(key, path)
        if full not in self._spellings:
            return False
        removed: list[bool] = []

        def change(document: dict[str, Any]) -> None:
            removed.append(remove_path(document["config"], [self._spellings[full], *inner]))
            if not document["config"]:
                del document["config"]

        self._edit(change)
        return removed[0]

    def save(self) -> None:
        """Write the file, at once as a whole. Raises `CaramlError` if it cannot be written."""
        write_whole(self.path, self._text)

    def _located(self, key: str, path: bool) -> tuple[str, list[str | int]]:
        if not path:
            return self.full_key(key), []
        namespace, separator, inside = key.partition(":")
        first, *inner = parse_path(inside if separator else key)
        return self.full_key(f"{namespace}{separator}{first}" if separator else str(first)), inner

    def _raw(self, key: str) -> PropertyValue:
        """The value in the file: scalars as the text that is written there."""
        spelling = self._spellings[key]
        text = self._entries.scalar(spelling)
        return self._entries.value(spelling) if text is None else text

    def _opened(self, key: str, raw: PropertyValue, crypter: Crypter | None) -> ConfigValue:
        try:
            value = _decrypted(raw, crypter.decrypt if crypter else lambda ciphertext: "[secret]")
            text = value if isinstance(value, str) else compact_json(value)
        except CaramlError as error:
            error.where = error.where or self.where(key)
            raise
        except (TypeError, ValueError):
            raise CaramlError(f"the value of {key!r} cannot be written as JSON", where=self.where(key)) from None
        return Secret(text) if contains_secure(raw) else text

    def _edit(self, change: Callable[[Any], object]) -> None:
        from ruamel.yaml.error import YAMLError

        try:
            text = edited(self._text, change)
        except YAMLError as error:
            problem = getattr(error, "problem", None) or "it is not valid YAML"
            raise CaramlError(f"the file cannot be edited: {problem}", where=str(self.path)) from None
        self._read(text)


def _secure(value: PropertyValue) -> str | None:
    """The ciphertext, if `value` is a secret: a mapping with the one key ``secure``."""
    if isinstance(value, dict) and value.keys() == {"secure"} and isinstance(value["secure"], str):
        return value["secure"]
    return None


def contains_secure(value: PropertyValue) -> bool:
    """Whether an encrypted value is in a value as the file has it, at any depth."""
    return _secure(value) is not None or any(contains_secure(item) for item in _items(value))


def _items(value: PropertyValue) -> Iterator[PropertyValue]:
    yield from value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _decrypted(value: PropertyValue, decrypt: Callable[[str], str]) -> PropertyValue:
    if (ciphertext := _secure(value)) is not None:
        return decrypt(ciphertext)
    if isinstance(value, dict):
        return {key: _decrypted(item, decrypt) for key, item in value.items()}
    return [_decrypted(item, decrypt) for item in value] if isinstance(value, list) else value
