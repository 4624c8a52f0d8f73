"""How a spec becomes a JSON Schema: what pydantic knows of it, and what our rules and docstrings say besides."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from caraml_pulumi.model import (
    artifacts,
    container,
    env,
    images,
    labels,
    monitoring,
    names,
    prices,
    quantities,
    transformer,
)
from caraml_pulumi.model.spec import Spec
from caraml_pulumi.schemas.docstrings import property_docstrings

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def _whole(pattern: "re.Pattern[str]") -> str:
    return f"^(?:{pattern.pattern})$"


_NAME: Final = {"pattern": _whole(names.LETTER_FIRST)}
_HOST: Final = {"pattern": f"^(?:{names.DNS_LABEL.pattern})(?:\\.(?:{names.DNS_LABEL.pattern}))*$"}
_AMOUNT: Final = {"type": ["string", "number"], "pattern": _whole(quantities.GRAMMAR).replace("\\d", "[0-9]")}
_TEXT: Final = {"type": "string"}

_BOUNDS: Final = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
_FOR_PEOPLE: Final = ("default", "description", "examples")
"""What a schema has for people, and one of the spellings is enough for."""
RULES: Final[Mapping[Callable[..., Any], JsonSchemaValue]] = {
    names.model_name: {**_NAME, "minLength": 3, "maxLength": 25, "examples": ["iris"]},
    names.project_name: {**_NAME, "minLength": 3, "maxLength": 50, "examples": ["iris-team"]},
    names.environment_name: {"pattern": _whole(names.DNS_LABEL), "maxLength": 63, "examples": ["staging"]},
    names.version_number: {"minimum": 1},
    names.revision_number: {"minimum": 1},
    names.domain_name: {**_HOST, "examples": ["models.example.com"]},
    names.dns_name: {**_HOST, "maxLength": 253},
    names.gateway_name: {"pattern": "^[^/]+/[^/]+$", "examples": ["istio-system/gateway"]},
    env.env_name: {"pattern": "^[-._a-zA-Z][-._a-zA-Z0-9]*$"},
    images.image_reference: {"minLength": 1, "pattern": "^\\S+$", "examples": ["ghcr.io/team/iris:1.0"]},
    artifacts.storage_uri: {"pattern": "://", "examples": ["s3://models/iris/1"]},
    monitoring.web_address: {"pattern": '^https?://[^\\s"]+$'},
    labels.label_value: {"maxLength": 63},
    labels.label_prefix: {"pattern": "/$"},
}
"""What a schema says for a rule: no more than the rule refuses."""
TAKEN: Final[Mapping[Callable[..., Any], Callable[[JsonSchemaValue], JsonSchemaValue]]] = {
    quantities.quantity: lambda inner: {**inner, **_AMOUNT, "examples": ["500m", "2"]},
    quantities.bytes_of_memory: lambda inner: {**inner, **_AMOUNT, "examples": ["512Mi", "2Gi"]},
    container.words: lambda inner: {"anyOf": [inner, _TEXT]},
    monitoring.switch_or_settings: lambda inner: {"anyOf": [inner, {"type": "boolean"}]},
    prices.by_name: lambda inner: {"anyOf": [inner, {"type": "number", "minimum": 0}]},
    transformer.compact_json: lambda inner: {"anyOf": [inner, {"type": "object"}]},
}
"""What is taken for what a property holds, by what prepares it; the rest is taken as it is held."""


class Generator(GenerateJsonSchema):
    """Properties in camelCase, completed by editors, and in snake_case, taken as well; descriptions from docstrings."""

    def generate(self, schema: core_schema.CoreSchema, mode: Any = "validation") -> JsonSchemaValue:  # noqa: ANN401
        """The schema, and which dialect it is in."""
        found = super().generate(schema, mode)
        _name_bounds(found)
        return {"$schema": DIALECT, **found}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - a schema of pydantic's
        """Names say enough."""
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """An object with descriptions, in either spelling."""
        found = super().model_schema(schema)
        found.pop("title", None)
        spec: type[Spec] = schema["cls"]
        docs, fields = property_docstrings(spec), spec.model_fields
        properties = found.get("properties", {})
        aliases = {field.alias or name: name for name, field in fields.items()}
        for alias, value in properties.items():
            if alias in aliases and (text := docs.get(aliases[alias])):
                value["description"] = text
            _tidy_default(value)
        other_spelling = {
            f"^{aliases[alias]}$": {key: item for key, item in value.items() if key not in _FOR_PEOPLE}
            for alias, value in properties.items()
            if aliases.get(alias, alias) != alias
        }
        if other_spelling:
            found["patternProperties"] = other_spelling
        _require_either(found, aliases)
        return found

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """A map: what is in it, and what its keys may be."""
        found = super().dict_schema(schema)
        for pattern, values in found.pop("patternProperties", {}).items():
            found |= {"additionalProperties": values, "propertyNames": {"pattern": pattern}}
        return found

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """The values that there are."""
        found = super().enum_schema(schema)
        found.pop("title", None)
        return found

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """What a property is prepared from may be more than what it holds."""
        found = self.generate_inner(schema["schema"])
        take = TAKEN.get(_of_ours(schema["function"]["function"]))
        return take(found) if take else found

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        """A property that is held to a rule."""
        found = self.generate_inner(schema["schema"])
        return found if "$ref" in found else {**found, **RULES.get(_of_ours(schema["function"]["function"]), {})}


def _of_ours(validator: Any) -> Any:  # noqa: ANN401 - any function
    """The function that a property is held to or prepared by."""
    return getattr(validator, "__wrapped__", validator)


def _name_bounds(schema: Any) -> None:  # noqa: ANN401 - any part of a schema
    """Give bounds of numbers, also within, the names that JSON Schema has for them."""
    if isinstance(schema, dict):
        for ours, name in _BOUNDS.items():
            if isinstance(schema.get(ours), int | float):
                schema[name] = schema.pop(ours)
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _name_bounds(part)


def _tidy_default(value: JsonSchemaValue) -> None:
    """Leave out defaults that say nothing: null, and settings that are all left out."""
    if "default" in value:
        value["default"] = without_nulls(value["default"])
        if value["default"] in (None, {}, []):
            del value["default"]


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """`value` without null in maps, at any depth, nor maps that are then empty."""
    if isinstance(value, dict):
        kept = {key: without_nulls(item) for key, item in value.items() if item is not None}
        return {key: item for key, item in kept.items() if item != {}}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def _require_either(schema: JsonSchemaValue, aliases: Mapping[str, str]) -> None:
    """Let a property that must be there be there in either spelling."""
    required = schema.pop("required", [])
    plain = [alias for alias in required if aliases.get(alias, alias) == alias]
    if plain:
        schema["required"] = plain
    either = [
        {"anyOf": [{"required": [alias]}, {"required": [aliases[alias]]}]} for alias in required if alias not in plain
    ]
    if either:
        schema["allOf"] = either
