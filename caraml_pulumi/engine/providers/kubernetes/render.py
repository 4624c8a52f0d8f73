"""Writes objects as YAML files in the order in which they would be applied, without a cluster."""

import re
from pathlib import Path
from threading import Lock
from typing import Final

from caraml_pulumi.engine.providers.kubernetes.objects import Object, name_of, namespace_of
from caraml_pulumi.engine.values import Properties, PropertyValue, Secret, redact
from caraml_pulumi.errors import CaramlError

LEFT_OUT: Final = "[secret: left out]"
_FIRST: Final = ("apiVersion", "kind", "metadata", "name", "namespace")
"""What people look for comes first; the rest follows by name, so that the same object gives the same file."""
_FILE: Final = re.compile(r"\d{4}-.+\.yaml")
_renderers: dict[Path, "Renderer"] = {}
_lock = Lock()


def renderer(directory: Path) -> "Renderer":
    """The renderer of `directory`: one for all providers of a run, so that their files are numbered through."""
    with _lock:
        key = directory.resolve()
        if key not in _renderers:
            _renderers[key] = Renderer(key)
        return _renderers[key]


class Renderer:
    """Writes numbered files into a directory of its own; those of an earlier run are removed first.

    Raises `CaramlError` when the directory holds other files, or cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = Lock()
        self._count = 0
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = sorted(directory.iterdir())
            strange = [path.name for path in found if not _FILE.fullmatch(path.name)]
            if strange:
                raise CaramlError(
                    f"the directory to render into holds other files: {', '.join(strange[:3])}",
                    where=str(directory),
                    fix="give an empty directory, or one that was rendered into before",
                )
            for path in found:
                path.unlink()
        except OSError as error:
            raise CaramlError(f"cannot render into {directory}: {error.strerror}") from error

    def write(self, inputs: Properties) -> Path:
        """Write the object of `inputs`; secret values are left out, unknown ones shown as ``<computed>``."""
        import yaml

        obj: Object = _hidden({key: value for key, value in inputs.items() if not key.startswith("__")})
        text = yaml.safe_dump(redact(obj), sort_keys=False, width=120, allow_unicode=True)
        if LEFT_OUT in text:
            text = "# The secret values of this object are left out.\n" + text
        with self._lock:
            self._count += 1
            path = self.directory / f"{self._count:04d}-{_slug(obj)}.yaml"
            try:
                path.touch(mode=0o600, exist_ok=False)
                path.write_text(text)
            except OSError as error:
                raise CaramlError(f"cannot write {path}: {error.strerror}") from error
        return path


def _hidden(value: PropertyValue, secret: bool = False) -> PropertyValue:
    """`value` with its keys in order and the texts of secrets replaced; the keys inside them are kept."""
    if isinstance(value, Secret):
        return _hidden(value.value, True)
    if isinstance(value, dict):
        return {key: _hidden(value[key], secret) for key in sorted(value, key=_place)}
    if isinstance(value, list):
        return [_hidden(item, secret) for item in value]
    return LEFT_OUT if secret else value


def _place(key: str) -> tuple[int, str]:
    return (_FIRST.index(key) if key in _FIRST else len(_FIRST), key)


def _slug(obj: Object) -> str:
    parts = (str(obj.get("apiVersion")), str(obj.get("kind")).lower(), namespace_of(obj), name_of(obj))
    return "-".join(re.sub(r"[^A-Za-z0-9.-]+", "-", part) for part in parts if part)
