"""The configuration that a project declares in ``Pulumi.yaml``: defaults, types, and what each stack must set.

A declaration is a value, or a mapping with ``type`` (``string``, ``boolean``, ``integer``, ``array``), ``default``
(for keys of the project) or ``value`` (for those of providers), ``secret`` and ``description``.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from caraml_pulumi.engine.state.project import Project
from caraml_pulumi.engine.state.properties import compact_json
from caraml_pulumi.engine.values import PropertyValue, Secret, plain
from caraml_pulumi.errors import CaramlError

_TYPES: Final = ("string", "boolean", "integer", "array")


def declared_values(
    project: Project,
    full_key: Callable[[str], str],
    values: Mapping[str, str | Secret],
    where: Callable[[str], str],
) -> dict[str, str | Secret]:
    """`values` of a stack by full key, with the project's defaults for keys it does not set.

    Raises:
        CaramlError: a declaration is malformed, a declared key has neither value nor default, a value is not of its
            declared type, or should be a secret and is not; `where` gives the place of a value.
    """
    merged = dict(values)
    for name, written in project.config.items():
        key = full_key(name)
        declaration = _declaration(project, name, written)
        if key not in merged:
            merged[key] = _default(project, key, declaration)
        elif declaration.get("secret") and not isinstance(merged[key], Secret):
            raise CaramlError(
                f"the value of {key!r} is in the clear, and the project declares it a secret",
                where=where(key),
                fix=f"caraml config set --secret {key}",
            )
        if type_ := declaration.get("type"):
            _check_type(key, type_, plain(merged[key]), where(key))
    return merged


def _declaration(project: Project, name: str, written: PropertyValue) -> dict[str, Any]:
    if not isinstance(written, dict):
        return {"default": written}
    type_ = written.get("type")
    if type_ is not None and type_ not in _TYPES:
        raise CaramlError(
            f"the project declares the type {type_!r} for the configuration key {name!r}",
            where=str(project.file),
            allowed=", ".join(_TYPES),
        )
    return written


def _default(project: Project, key: str, declaration: Mapping[str, Any]) -> str | Secret:
    value = declaration.get("default", declaration.get("value"))
    if value is None:
        raise CaramlError(
            f"the stack has no value for {key!r}, which the project requires",
            where=str(project.file),
            allowed=f"a value of type {declaration['type']}" if declaration.get("type") else "",
            fix=f"caraml config set {'--secret ' if declaration.get('secret') else ''}{key} VALUE",
        )
    text = value if isinstance(value, str) else compact_json(value)
    return Secret(text) if declaration.get("secret") else text


def _check_type(key: str, type_: str, text: str, where: str) -> None:
    right = {
        "string": True,
        "boolean": text in {"true", "false"},
        "integer": re.fullmatch(r"[-+]?[0-9]+", text) is not None,
        "array": _is_list(text),
    }[type_]
    if not right:
        raise CaramlError(f"the value of {key!r} is not of the type the project declares", where=where, allowed=type_)


def _is_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False
