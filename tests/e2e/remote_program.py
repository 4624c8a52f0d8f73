"""A Pulumi program that makes the resources of a YAML program as remote components, as programs of any language do."""

import re
from pathlib import Path
from typing import Any

import pulumi
import yaml


class Remote(pulumi.ComponentResource):
    """A component of another process, of any type."""

    def __init__(self, type_: str, name: str, properties: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(type_, name, properties, opts, remote=True)


def run(path: Path) -> None:
    """Make what the YAML program at `path` says; of its expressions, those that the example has are understood."""
    program = yaml.safe_load(path.read_text("utf-8"))
    config = pulumi.Config()
    values: dict[str, Any] = {
        name: config.get(name) or entry["default"] for name, entry in program.get("config", {}).items()
    }
    made: dict[str, Remote] = {}

    def evaluated(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: evaluated(item) for key, item in value.items()}
        if isinstance(value, list):
            return [evaluated(item) for item in value]
        expression = re.fullmatch(r"\$\{([\w-]+)(?:\.(\w+))?\}", value) if isinstance(value, str) else None
        if expression is None:
            return value
        name, attribute = expression.groups()
        if name not in made:
            return values[name]
        return getattr(made[name], attribute) if attribute else made[name]

    outputs = {"caraml:index:ModelEndpoint": ["url"], "caraml:index:CustomModelVersion": ["status"]}
    for name, resource in program["resources"].items():
        properties = evaluated(resource["properties"]) | dict.fromkeys(outputs.get(resource["type"], []))
        waits = evaluated(resource.get("options", {}).get("dependsOn", []))
        made[name] = Remote(resource["type"], name, properties, pulumi.ResourceOptions(depends_on=waits))
    for name, value in program.get("outputs", {}).items():
        pulumi.export(name, evaluated(value))
