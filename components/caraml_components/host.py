"""The provider of the components: what Pulumi's own host of Python components lacks for ours."""

import asyncio
import inspect
import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pulumi
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.analyzer import PropertyDefinition, TypeDefinition
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from caraml_pulumi.component import InputError
from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.model.deferred import Value

_THREADS = 128
_METADATA = {
    "displayName": "CaraML",
    "description": "Deploys machine-learning models to Kubernetes: versions, endpoints, autoscaling, monitoring.",
    "license": "Apache-2.0",
    "keywords": ["pulumi", "kubernetes", "machine-learning", "category/infrastructure", "kind/component"],
}


class Host(ComponentProvider):
    """The components, which check their inputs themselves: no input is dropped, and each mistake has its path."""

    def __init__(self, components: list[type[pulumi.ComponentResource]], name: str, version: str = "0.0.0") -> None:
        super().__init__(components, name, version=version)
        definitions: list[Any] = [*self._component_defs.values(), *self._type_defs.values()]
        self._wide = False
        self._names: dict[str, str] = {}
        for definition in definitions:
            mapping = getattr(definition, "inputs_mapping", None) or getattr(definition, "properties_mapping", {})
            self._names |= {ours: theirs for theirs, ours in mapping.items()}
        self.schema = json.dumps({**_published(self.schema or "{}"), **_METADATA})

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Construct a component.

        Raises:
            pulumi.InputPropertiesError: inputs break a rule.
            pulumi.RunError: there is no component of that type.
        """
        offered = [f"{self._name}:index:{component}" for component in self._components]
        if resource_type not in offered:
            unknown = CaramlError(f'there is no component "{resource_type}"', allowed=", ".join(offered))
            raise pulumi.RunError(str(unknown))
        self._widen()
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if isinstance(error.inner, CaramlError):
                raise self._input_error(error.inner) from None
            raise

    def _widen(self) -> None:
        """Let as many children be made at once as in a program.

        Each holds a thread until it is ready, and by default there are only four more than processors.
        """
        if not self._wide:
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="register"))
            self._wide = True

    def map_input_properties(
        self,
        inputs: pulumi.Inputs,
        properties: dict[str, PropertyDefinition],
        mapping: dict[str, str],
        component_name: str,
        property_path: str,
    ) -> pulumi.Inputs:
        """`inputs` under the names that they have in Python; what is wrong with them, the component finds out."""
        return {
            mapping.get(key, key): self._renamed(value, properties[key]) if key in properties else value
            for key, value in inputs.items()
        }

    def _renamed(self, value: Value, definition: PropertyDefinition) -> Value:
        if isinstance(value, list) and definition.items is not None:
            return [self._renamed(item, definition.items) for item in value]
        if not isinstance(value, Mapping):
            return value
        if definition.additional_properties is not None:
            return {key: self._renamed(item, definition.additional_properties) for key, item in value.items()}
        type_: TypeDefinition | None = self.get_type_definition(definition) if definition.ref else None
        if type_ is None:
            return value
        return self.map_input_properties(value, type_.properties, type_.properties_mapping, "", "")

    def _input_error(self, error: CaramlError) -> pulumi.InputPropertiesError:
        """`error` as Pulumi has it, in the names of the schema."""
        error = error.broken if isinstance(error, InputError) else error
        errors = error.errors if isinstance(error, CaramlErrors) else [error]
        told = [
            {"property_path": self._path(item.where), "reason": self._in_their_names(_reason(item))} for item in errors
        ]
        count = "an input is" if len(told) == 1 else f"{len(told)} inputs are"
        return pulumi.InputPropertiesError(f"{count} wrong", told)  # type: ignore[arg-type]  # a TypedDict of Pulumi's

    def _path(self, where: str) -> str:
        """The property's path in ``ModelEndpoint "iris": traffic[0].weight``."""
        path = where.partition('": ')[2]
        return re.sub(r"\w+", lambda name: self._names.get(name[0], name[0]), path)

    def _in_their_names(self, text: str) -> str:
        return re.sub(r"`(\w+)`", lambda name: f"`{self._names.get(name[1], name[1])}`", text)


def _reason(error: CaramlError) -> str:
    return str(CaramlError(error.what, allowed=error.allowed, fix=error.fix))


def _published(text: str) -> dict[str, Any]:
    """The schema `text` as other languages are to read it.

    Types lose the ending Args, which the generators of SDKs add themselves, or have Spec in its place where a component
    has that name; choices are in CamelCase; descriptions are not indented as in the source, and the items of a list or
    map have none.
    """
    components = json.loads(text)["resources"]

    def renamed(match: re.Match[str]) -> str:
        return match[1] if match[1] not in components else f"{match[1]}Spec"

    schema: dict[str, Any] = _cleaned(json.loads(re.sub(r"(\w+:index:\w+)Args\b", renamed, text)))
    return schema


def _cleaned(value: Value, key: str = "") -> Value:
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {name: _cleaned(item, name) for name, item in value.items()}
    for choice in result.get("enum", ()):
        choice["name"] = "".join(word.capitalize() for word in choice["name"].split("_"))
    if isinstance(result.get("description"), str):
        result["description"] = inspect.cleandoc(result["description"])
        if key in ("items", "additionalProperties"):
            del result["description"]
    return result
