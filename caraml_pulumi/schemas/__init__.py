"""JSON Schemas of the files of a platform, for editors and other tools: draft 2020-12, made from the specs.

They take what our own parser takes, in camelCase and snake_case, but for booleans and numbers that are written as
texts; rules over several properties or files are for `caraml validate`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from caraml_pulumi.model.spec import Spec

Schema = dict[str, Any]


def release_schema() -> Schema:
    """``releases/<environment>/<model>.yaml``."""
    from caraml_pulumi.model.release import ReleaseSpec

    return _titled("A release: the versions of a model in an environment, and its endpoint", _generated(ReleaseSpec))


def project_schema() -> Schema:
    """A project, as ``caraml:projects`` has it by name."""
    from caraml_pulumi.model.project import ModelProjectSpec

    schema = _generated(ModelProjectSpec)
    del schema["properties"]["project"]
    schema["required"] = [name for name in schema["required"] if name != "project"]
    schema["properties"]["secrets"]["additionalProperties"]["additionalProperties"] = {"$ref": "#/$defs/Encrypted"}
    schema["$defs"]["Encrypted"] = _ENCRYPTED
    return _titled("A project: the namespace of a team's models, and what they may use there", schema)


def environment_schema() -> Schema:
    """``Pulumi.<environment>.yaml``: our keys of its configuration; what else there may be is Pulumi's."""
    from caraml_pulumi.model.platform import PlatformSpec
    from caraml_pulumi.model.prices import PRICES_KEY, Prices
    from caraml_pulumi.stack_files.configuration import EXTENDS_KEY, PLATFORM_KEY, PROJECTS_KEY

    parts = {"Platform": _generated(PlatformSpec), "Project": project_schema(), "Prices": _generated(Prices)}
    definitions: Schema = {}
    for name, part in parts.items():
        part.pop("title", None)
        part.pop("$schema")
        definitions |= part.pop("$defs", {})
        definitions[name] = part
    of_platform = [name for name in definitions["Platform"].pop("required") if name != "environment"]
    of_project = definitions["Project"].pop("required")
    definitions = {name: _overlaid(part) for name, part in definitions.items()}
    definitions["Encrypted"] = _ENCRYPTED
    projects = {"type": "object", "additionalProperties": _or_null({"$ref": "#/$defs/Project"})}
    config = {
        "type": "object",
        "description": "The configuration of the stack.",
        "properties": {
            EXTENDS_KEY: {"type": "string", "description": "The environment whose values are taken over."},
            PLATFORM_KEY: {"$ref": "#/$defs/Platform", "description": "The platform of the environment."},
            PROJECTS_KEY: {**projects, "description": "The projects of the environment, by name."},
            PRICES_KEY: {"$ref": "#/$defs/Prices", "description": "What compute costs, for reviews."},
        },
        "if": {"not": {"required": [EXTENDS_KEY]}},
        "then": {
            "required": [PLATFORM_KEY, PROJECTS_KEY],
            "properties": {
                PLATFORM_KEY: {"required": of_platform},
                PROJECTS_KEY: {"additionalProperties": {"type": "object", "required": of_project}},
            },
        },
    }
    schema = {"type": "object", "properties": {"config": config}, "required": ["config"], "$defs": definitions}
    return _titled("An environment: its platform and projects", schema)


SCHEMAS: Final[Mapping[str, Callable[[], Schema]]] = {
    "release": release_schema,
    "environment": environment_schema,
    "project": project_schema,
}
"""The schemas by name."""


def text(schema: Schema) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


_ENCRYPTED: Final[Schema] = {
    "type": "object",
    "description": "An encrypted text: caraml config set --secret --path",
    "properties": {
        "secure": {"type": "string", "description": "The text, as the stack's secrets provider encrypted it."}
    },
    "required": ["secure"],
    "additionalProperties": False,
}


def _generated(spec: type[Spec]) -> Schema:
    from caraml_pulumi.schemas.generator import Generator

    return spec.model_json_schema(schema_generator=Generator)


def _titled(title: str, schema: Schema) -> Schema:
    from caraml_pulumi.schemas.generator import DIALECT

    return {
        "$schema": DIALECT,
        "title": title,
        **{key: schema[key] for key in schema if key not in ("$schema", "title")},
    }


def _overlaid(schema: Schema) -> Schema:
    """A schema of what may be laid over other values: null removes one, and a text in a map may be encrypted."""
    result = dict(schema)
    for group in ("properties", "patternProperties"):
        if group in schema:
            result[group] = {name: _or_null(_or_encrypted(value)) for name, value in schema[group].items()}
    return result


def _or_encrypted(schema: Schema) -> Schema:
    inner = schema.get("additionalProperties")
    if isinstance(inner, dict) and inner.get("type") == "string":
        return {**schema, "additionalProperties": {"anyOf": [inner, {"type": "null"}, {"$ref": "#/$defs/Encrypted"}]}}
    return schema


def _or_null(schema: Schema) -> Schema:
    """`schema`, or null; what is for people stays outside."""
    if {"type": "null"} in schema.get("anyOf", []):
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if isinstance(schema.get("type"), str) and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    if isinstance(schema.get("type"), list):
        return {**schema, "type": [*schema["type"], "null"]}
    outside: Schema = {key: schema[key] for key in ("description", "default", "examples") if key in schema}
    inside = {key: value for key, value in schema.items() if key not in outside}
    return {**outside, "anyOf": [inside, {"type": "null"}]}
