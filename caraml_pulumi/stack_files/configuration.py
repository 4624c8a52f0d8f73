"""What an environment's file says of platform and projects, laid over the files of the environments that it extends.

``caraml:extends: staging`` in ``Pulumi.prod.yaml`` takes over `caraml:platform`, `caraml:projects` and `caraml:prices`
of ``Pulumi.staging.yaml``: maps are merged, lists and single values replace what is below, and null removes it. The
name of an environment stays its own, and so do its secrets: each file is encrypted with a passphrase of its own.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic.alias_generators import to_camel, to_snake

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.prices import PRICES_KEY
from caraml_pulumi.model.spec import Path as PropertyPath
from caraml_pulumi.model.spec import did_you_mean, dotted, in_words
from caraml_pulumi.stack_files.document import Document

EXTENDS_KEY: Final = "caraml:extends"
PLATFORM_KEY: Final = "caraml:platform"
PROJECTS_KEY: Final = "caraml:projects"
INHERITED: Final = (PLATFORM_KEY, PROJECTS_KEY, PRICES_KEY)
"""The keys whose values are taken over."""
HIDDEN: Final = "[secret]"
"""What stands for an encrypted text where there is no passphrase."""

_OWN: Final = ((PLATFORM_KEY, "environment"), (PROJECTS_KEY, "*", "secrets"))
"""What each environment says itself."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One of the files."""

    environment: str
    document: Document | None
    """The file; None where the values come from elsewhere."""
    values: Mapping[str, Any]
    """Its values by key, without what is not taken over."""
    secrets: tuple[PropertyPath, ...] = ()
    """What was encrypted there, and is not taken over."""

    def locate(self, path: PropertyPath) -> str:
        """Where the value at `path` is, which begins with the key."""
        return self.document.locate(("config", *path)) if self.document else dotted(path)


class Configuration:
    """The values of an environment, and the file that each of them is from."""

    def __init__(self, layers: list[Layer]) -> None:
        """`layers` are the environment's own, then those that it extends, the nearest first."""
        self.layers = layers
        self.values: dict[str, Any] = {}
        for layer in reversed(layers):
            self.values = merged(self.values, layer.values) if self.values else dict(layer.values)

    def owner(self, path: PropertyPath) -> Layer:
        """The file that the value at `path` is from, or the deepest value on the way to it."""
        candidates: list[tuple[Layer, Any]] = [(layer, layer.values) for layer in self.layers]
        for part in path:
            top = candidates[0][1]
            if not isinstance(top, Mapping):
                break
            maps = [(layer, value) for layer, value in candidates if isinstance(value, Mapping)]
            inside = [(layer, value[key]) for layer, value in maps if (key := _spelled(part, value)) is not None]
            if not inside:
                break
            candidates = inside
        return candidates[0][0]

    def secrets_left_out(self) -> Iterator[tuple[Layer, PropertyPath]]:
        """Encrypted texts of extended environments that this one does not set itself, each with its file."""
        own = self.layers[0].values
        for layer in self.layers[1:]:
            yield from ((layer, path) for path in layer.secrets if not _has(own, path))

    def locate(self, path: PropertyPath) -> str:
        """``file:line (config.property)`` of the value at `path`, in the file that it is from."""
        return self.owner(path).locate(path)


def read_configuration(directory: Path, environment: str, config: Mapping[str, Any] | None = None) -> Configuration:
    """The configuration of `environment`, whose files are in `directory`.

    `config` has its own values by key, decrypted; without it they are those of its file, `HIDDEN` for each secret.

    Raises:
        CaramlError: a file cannot be read, extends one that is not there, or itself.
    """
    document = _document(directory, environment)
    raw = _section(document)
    own = _without_secrets(raw, keep=True) if config is None else dict(config)
    layers = [Layer(environment, document, {key: own[key] for key in INHERITED if own.get(key) is not None})]
    extends = own.get(EXTENDS_KEY, raw.get(EXTENDS_KEY))
    while extends is not None:
        layers.append(_base(directory, extends, layers))
        extends = _section(layers[-1].document).get(EXTENDS_KEY)
    return Configuration(layers)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`: maps are merged, other values replace, and null removes.

    A property is the same in camelCase and snake_case; the upper spelling stays.
    """
    upper = {_spelled(name, below) or name: (name, value) for name, value in above.items()}
    result = {}
    for name, under in below.items():
        spelling, value = upper.pop(name, (name, under))
        result[spelling] = merged(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    result |= dict(upper.values())
    return {name: value for name, value in result.items() if value is not None}


def _spelled(name: str | int, values: Mapping[Any, Any]) -> Any:  # noqa: ANN401 - a key, whatever it is
    """The key of `values` that is `name` in any spelling; None if there is none."""
    spellings = (name, to_camel(name), to_snake(name)) if isinstance(name, str) else (name,)
    return next((spelling for spelling in spellings if spelling in values), None)


def _base(directory: Path, extends: object, layers: list[Layer]) -> Layer:
    upper = layers[-1]
    where = upper.locate((EXTENDS_KEY,))
    known = environments(directory)
    if not isinstance(extends, str):
        raise CaramlError(
            f"{EXTENDS_KEY} must be the name of an environment, not {in_words(extends)}",
            where=where,
            allowed=", ".join(name for name in known if name != upper.environment),
        )
    chain = [layer.environment for layer in layers]
    if extends in chain:
        files = " extends ".join(f"Pulumi.{name}.yaml" for name in [*chain[chain.index(extends) :], extends])
        raise CaramlError(f"an environment cannot extend itself: {files}", where=where, fix="take one of them out")
    document = _document(directory, extends)
    if document is None:
        raise CaramlError(
            f"there is no environment {in_words(extends)} to extend",
            where=where,
            allowed=", ".join(name for name in known if name not in chain),
            fix=did_you_mean(extends, known) or f"add {directory}/Pulumi.{extends}.yaml",
        )
    section = {key: value for key, value in _section(document).items() if key in INHERITED and value is not None}
    values = _without_secrets(section, keep=False)
    for path in _OWN:
        values = _removed(values, path)
    return Layer(extends, document, values, tuple(_encrypted(section)))


def environments(directory: Path) -> list[str]:
    """The environments that have a file in `directory`, by name."""
    return sorted({path.name.removeprefix("Pulumi.").removesuffix(path.suffix) for path in _files(directory)})


def _files(directory: Path) -> Iterator[Path]:
    for suffix in ("yaml", "yml"):
        yield from directory.glob(f"Pulumi.*.{suffix}")


def _document(directory: Path, environment: str) -> Document | None:
    paths = (directory / f"Pulumi.{environment}.{suffix}" for suffix in ("yaml", "yml"))
    path = next((path for path in paths if path.is_file()), None)
    return Document(path) if path else None


def _section(document: Document | None) -> Mapping[str, Any]:
    """The values under ``config`` of a file. Raises `CaramlError` if these are none."""
    section = document.value("config") if document else None
    if section is None or document is None:
        return {}
    if not isinstance(section, Mapping):
        raise CaramlError(f"`config` must be a map, not {in_words(section)}", where=document.locate(("config",)))
    return {key: _from_json(value) if key in INHERITED else value for key, value in section.items()}


def _from_json(value: Any) -> Any:  # noqa: ANN401 - whatever YAML has there
    """A map that ``config set`` without ``--path`` wrote as a text, as Pulumi reads it."""
    try:
        return json.loads(value) if isinstance(value, str) and value.lstrip().startswith("{") else value
    except ValueError:
        return value


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"secure"} and isinstance(value["secure"], str)


def _encrypted(value: object, path: PropertyPath = ()) -> Iterator[PropertyPath]:
    """Where encrypted texts are in a value as a file has it."""
    if _is_secret(value):
        yield path
        return
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _encrypted(item, (*path, key))


def _without_secrets(value: Any, *, keep: bool) -> Any:  # noqa: ANN401 - whatever YAML has there
    """A value as a file has it, with `HIDDEN` in place of each encrypted text, or without these."""
    if _is_secret(value):
        return HIDDEN
    if isinstance(value, Mapping):
        kept = {key: item for key, item in value.items() if keep or not _is_secret(item)}
        return {key: _without_secrets(item, keep=keep) for key, item in kept.items()}
    if isinstance(value, list):
        return [_without_secrets(item, keep=keep) for item in value if keep or not _is_secret(item)]
    return value


def _has(value: Any, path: PropertyPath) -> bool:  # noqa: ANN401 - whatever YAML has there
    """Whether there is a value at `path`."""
    for part in path:
        key = _spelled(part, value) if isinstance(value, Mapping) else None
        if key is None:
            return False
        value = value[key]
    return value is not None


def _removed(value: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - whatever YAML has there
    """`value` without what is at `path`, where ``*`` is any name."""
    if not isinstance(value, Mapping):
        return value
    first, *rest = path
    if not rest:
        return {key: item for key, item in value.items() if key != first}
    return {key: _removed(item, tuple(rest)) if first in ("*", key) else item for key, item in value.items()}
