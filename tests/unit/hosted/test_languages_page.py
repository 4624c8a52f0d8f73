"""The snippets for other languages use what the schema of the component package has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.component_schema import SCHEMA

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs/other-languages.md").read_text("utf-8")
SCHEMA_OF = json.loads(SCHEMA.read_text("utf-8"))
SNIPPETS = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL))
TYPESCRIPT = (REPOSITORY / "examples/typescript/index.ts").read_text("utf-8")
KNOWN = {
    name
    for item in {**SCHEMA_OF["resources"], **SCHEMA_OF["types"]}.values()
    for kind in ("inputProperties", "properties")
    for name in item.get(kind, {})
}
TYPES = {name.rpartition(":")[2] for name in (*SCHEMA_OF["resources"], *SCHEMA_OF["types"])}


def lower(name: str) -> str:
    return name[0].lower() + name[1:]


PROPERTIES = {
    "typescript": re.findall(r"[\s{](\w+): ", SNIPPETS["typescript"]),
    "go": [lower(name) for name in re.findall(r"(\w+):\s", SNIPPETS["go"])],
    "csharp": [lower(name) for name in re.findall(r"(\w+) = ", SNIPPETS["csharp"])],
    "java": [name for name in re.findall(r"\.(\w+)\(", SNIPPETS["java"]) if name not in ("run", "builder", "build")],
    "example": [
        name
        for name in re.findall(r"[\s{](\w+): ", re.sub("//.*", "", TYPESCRIPT))
        if name not in ("GREETING", "dependsOn")
    ],
}


@pytest.mark.parametrize("language", PROPERTIES)
def test_the_properties_of_a_snippet_are_in_the_schema(language: str) -> None:
    assert len(PROPERTIES[language]) >= 10
    assert set(PROPERTIES[language]) <= KNOWN


@pytest.mark.parametrize("language", ["go", "csharp", "java"])
def test_the_types_of_a_snippet_are_in_the_schema(language: str) -> None:
    used = set(re.findall(r"\b([A-Z]\w+?)Args\b", SNIPPETS[language]))
    assert used == {"CustomModelVersion", "AutoscalingPolicySpec", "ResourceRequest"}
    assert used <= TYPES


def choices(name: str) -> set[str]:
    return {item["name"] for item in SCHEMA_OF["types"][f"caraml:index:{name}"]["enum"]}


@pytest.mark.parametrize(
    "text",
    [SNIPPETS["typescript"], TYPESCRIPT, SNIPPETS["go"], SNIPPETS["csharp"], SNIPPETS["java"]],
    ids=["typescript", "example", "go", "csharp", "java"],
)
def test_the_choices_are_in_the_schema(text: str) -> None:
    used = re.findall(r"\b(AutoscalingMetric|DeploymentMode)\.?([A-Z]\w+)", text)
    assert used
    assert [item for item in used if item[1] not in choices(item[0])] == []


def wrong(value: Any, definition: dict[str, Any], where: str) -> Iterator[str]:
    """What of a property's value the schema does not have."""
    if "items" in definition:
        for item in value:
            yield from wrong(item, definition["items"], where)
    if "$ref" not in definition or "Any" in definition["$ref"]:
        return
    type_ = SCHEMA_OF["types"][definition["$ref"].removeprefix("#/types/")]
    if "enum" in type_:
        if value not in [item["value"] for item in type_["enum"]]:
            yield f"{where}: {value}"
        return
    yield from missing(value, type_["properties"], type_.get("required", []), where)


def missing(values: dict[str, Any], known: dict[str, Any], required: list[str], where: str) -> Iterator[str]:
    yield from (f"{where}: {name} is missing" for name in required if name not in values)
    for name, value in values.items():
        if name not in known:
            yield f"{where}: {name}"
        else:
            yield from wrong(value, known[name], f"{where}.{name}")


@pytest.mark.parametrize("file", ["docs/other-languages.md", "examples/yaml/Pulumi.yaml"])
def test_yaml_programs_are_as_the_schema_says(file: str) -> None:
    text = (REPOSITORY / file).read_text("utf-8")
    program = text if file.endswith(".yaml") else SNIPPETS["yaml"]
    resources = yaml.safe_load(program)["resources"]
    found = [
        problem
        for name, resource in resources.items()
        for schema in [SCHEMA_OF["resources"][resource["type"]]]
        for problem in missing(resource["properties"], schema["inputProperties"], schema["requiredInputs"], name)
    ]
    assert resources
    assert found == []


def test_what_the_page_lets_be_an_output_is_not_plain() -> None:
    text = PAGE.partition("## What may be an Output")[2].partition("## Mistakes")[0].partition("Two things")[0]
    named = set(re.findall(r"`([a-z]\w*)`", text))
    late = {
        name
        for item in {**SCHEMA_OF["resources"], **SCHEMA_OF["types"]}.values()
        for name, value in (item.get("inputProperties") or item.get("properties") or {}).items()
        if not all(part.get("plain", False) for part in (value, value.get("additionalProperties", value)))
        and "enum" not in item
    }
    assert late == named
