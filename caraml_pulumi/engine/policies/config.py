"""A policy pack's configuration: enforcement levels and properties, the pack's defaults and the user's JSON file."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from caraml_pulumi.engine.policies.violation import LEVELS, Level
from caraml_pulumi.engine.values import PropertyValue
from caraml_pulumi.errors import CaramlError, CaramlErrors

ALL: Final = "all"
"""The key that sets the enforcement level of every policy of a pack."""
_LEVEL_KEY: Final = "enforcementLevel"
_LONGEST: Final = 80
"""How much of a wrong value a message shows."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy as its pack describes it; `schema` maps its configuration properties to JSON Schemas.

    What a pack says nothing of is empty. `steps` say how to mend a violation, `url` is where the policy is documented.
    """

    name: str
    kind: Literal["resource", "stack"]
    level: Level
    schema: Mapping[str, Any] = field(default_factory=dict)
    required: Sequence[str] = ()
    description: str = ""
    severity: str = ""
    """``low``, ``medium``, ``high`` or ``critical``."""
    tags: Sequence[str] = ()
    steps: str = ""
    url: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Its configuration properties as they are configured, defaults filled in."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a configuration says of one policy; no `level` leaves it as it is."""

    level: Level | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


def read_config(path: Path) -> dict[str, Setting]:
    """The settings in a pack's JSON configuration file, by policy name.

    Each value is an enforcement level, or an object of ``enforcementLevel`` and the policy's properties, as
    ``pulumi up --policy-pack-config`` takes it.

    Raises:
        CaramlError: the file is missing, not JSON, says something twice, or is of another shape.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text, object_pairs_hook=partial(_named_once, where=str(path)))
    except json.JSONDecodeError as error:
        problem, fix = _explained(text, error)
        raise CaramlError(
            f"the policy pack configuration is not valid JSON: {problem}", where=f"{path}:{error.lineno}", fix=fix
        ) from error
    except RecursionError as error:
        raise CaramlError("the policy pack configuration is nested too deeply", where=str(path)) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CaramlError(f"the policy pack configuration cannot be read: {reason}", where=str(path)) from error
    if not isinstance(document, dict):
        raise CaramlError("the policy pack configuration must be an object of policies by name", where=str(path))
    return settings_of(document, str(path))


def settings_of(document: Mapping[str, Any], where: str) -> dict[str, Setting]:
    """The settings in a pack's configuration, by policy name; `where` names it in messages. Raises `CaramlError`."""
    return {name: _setting(name, value, where) for name, value in document.items()}


def reconcile(
    rules: Sequence[Rule], initial: Mapping[str, Setting], given: Mapping[str, Setting], where: str
) -> dict[str, Setting]:
    """What each policy runs with, by its name: every level set, every default filled in.

    In order of precedence, as Pulumi does it: the configuration file, its ``all``, the pack's own initial
    configuration, its ``all``, the policy. `where` names the file in messages.

    Of JSON Schema, ``type``, ``enum``, ``minimum``, ``maximum``, ``minItems``, ``items``, ``required``
    and ``properties`` are checked.

    Raises:
        CaramlErrors: unknown policies or properties, missing required ones, values that the schema does not allow.
    """
    names = [rule.name for rule in rules]
    problems = [_no_policy(name, [ALL, *names], where) for name in given if name not in names and name != ALL]
    settings: dict[str, Setting] = {}
    for rule in rules:
        setting = _combined(rule, initial, given)
        settings[rule.name] = setting
        if setting.level != "disabled":
            problems += _schema_problems(rule, setting.properties, where)
    if problems:
        raise CaramlErrors(problems)
    return settings


def _named_once(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    """An object of a JSON file. JSON lets a name come twice, of which the first would count for nothing."""
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1}) if len({*names}) < len(names) else []
    if twice:
        raise CaramlError(
            f"the policy pack configuration has {', '.join(map(json.dumps, twice))} twice in an object",
            where=where,
            fix="keep the one that is meant",
        )
    return dict(pairs)


def _explained(text: str, error: json.JSONDecodeError) -> tuple[str, str]:
    """What is wrong with JSON, and how to mend what people write who know other formats."""
    if not text.strip():
        return "it is empty", "write {} to configure nothing"
    if text.startswith("\ufeff"):
        return "it begins with a byte order mark", "save it as UTF-8 without one"
    rest = text[error.pos :].lstrip()
    before = text[: error.pos].rstrip()
    if rest.startswith(("//", "#", "/*")):
        return "it has a comment", "leave comments out: JSON has none"
    if before.endswith(",") and rest[:1] in ("}", "]"):
        return "it has a comma behind the last item", "remove the comma"
    return error.msg, ""


def _setting(name: str, value: PropertyValue, where: str) -> Setting:
    properties = dict(value) if isinstance(value, dict) else {_LEVEL_KEY: value}
    given = _LEVEL_KEY in properties
    level = properties.pop(_LEVEL_KEY, None)
    if given and (not isinstance(level, str) or level not in LEVELS):
        raise CaramlError(
            f"{json.dumps(level)} is not an enforcement level",
            where=f"{where}: {name}",
            allowed=", ".join(sorted(LEVELS)),
        )
    if name == ALL and properties:
        raise CaramlError(
            f"{ALL!r} sets enforcement levels only, not {', '.join(sorted(properties))}", where=f"{where}: {name}"
        )
    return Setting(level, properties)


def _combined(rule: Rule, *sources: Mapping[str, Setting]) -> Setting:
    """`rule` with the settings of `sources`, the later over the earlier."""
    level = rule.level
    properties = {name: schema["default"] for name, schema in rule.schema.items() if "default" in schema}
    for source in sources:
        own = source.get(rule.name, Setting())
        level = own.level or source.get(ALL, Setting()).level or level
        properties |= own.properties
    return Setting(level, properties)


def _schema_problems(rule: Rule, properties: Mapping[str, Any], where: str) -> list[CaramlError]:
    problems = [
        CaramlError(f"policy {rule.name!r} needs the property {name!r}", where=where)
        for name in rule.required
        if name not in properties
    ]
    for name, value in properties.items():
        path = f"{where}: {rule.name}.{name}"
        if rule.schema and name not in rule.schema:
            problems.append(
                CaramlError(
                    f"policy {rule.name!r} has no property {name!r}", where=path, allowed=", ".join(sorted(rule.schema))
                )
            )
        elif wrong := _not_allowed(value, rule.schema.get(name, {}), path):
            problems.append(wrong)
    return problems


def _no_policy(name: str, names: Sequence[str], where: str) -> CaramlError:
    """That there is none of that name: with the one that was meant, if one is like it, else with all of them."""
    what, near = f"the policy pack has no policy {name!r}", get_close_matches(name, names, n=1)
    if near:
        return CaramlError(what, where=where, fix=f"did you mean {near[0]!r}?")
    return CaramlError(what, where=where, allowed=", ".join(names))


def _is_number(value: PropertyValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
_CONSTRAINTS: Final[dict[str, tuple[Callable[[Any, Any], bool], str]]] = {
    "enum": (lambda value, allowed: value in allowed, "one of {}"),
    "minimum": (lambda value, limit: not _is_number(value) or value >= limit, "at least {}"),
    "maximum": (lambda value, limit: not _is_number(value) or value <= limit, "at most {}"),
    "minItems": (lambda value, limit: not isinstance(value, list) or len(value) >= limit, "a list of at least {}"),
}


def _not_allowed(value: PropertyValue, schema: Mapping[str, Any], where: str) -> CaramlError | None:
    """That `schema` does not allow `value`, or something in it; None if it does."""
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else list(types)
    if names and not any(_TYPES[name](value) for name in names if name in _TYPES):
        return CaramlError(f"{_shown(value)} is not allowed", where=where, allowed=" or ".join(names))
    for keyword, (holds, text) in _CONSTRAINTS.items():
        if keyword in schema and not holds(value, schema[keyword]):
            allowed = text.format(json.dumps(schema[keyword]))
            return CaramlError(f"{_shown(value)} is not allowed", where=where, allowed=allowed)
    if isinstance(value, list):
        items = (_not_allowed(item, schema.get("items", {}), f"{where}[{at}]") for at, item in enumerate(value))
        return next(filter(None, items), None)
    if isinstance(value, dict):
        required, known = schema.get("required", []), schema.get("properties", {})
        if missing := [name for name in required if name not in value]:
            allowed = f"an object with {', '.join(required)}"
            return CaramlError(f"{', '.join(missing)} missing", where=where, allowed=allowed)
        parts = (_not_allowed(part, known.get(name, {}), f"{where}.{name}") for name, part in value.items())
        return next(filter(None, parts), None)
    return None


def _shown(value: PropertyValue) -> str:
    """A value in a message: short, as the file says where the whole of it is."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
