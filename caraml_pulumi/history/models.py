"""The models in a checkpoint: what is declared of each, and the components that were made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from caraml_pulumi.engine.display.values import plain_value
from caraml_pulumi.engine.values import same
from caraml_pulumi.history.components import Resource
from caraml_pulumi.releases.recorded import RELEASE_TYPE
from caraml_pulumi.review.subjects import ENDPOINT_TYPE, VERSION_TYPE, text, whole

_OF_THE_STACK: Final = "environment"
"""The input of a release that no release file has: the file's directory says it."""
_IDENTITY: Final = ("project", "model", _OF_THE_STACK)


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model of a project."""

    project: str
    model: str

    def __str__(self) -> str:
        """``project/model``, as people name it."""
        return f"{self.project}/{self.model}"

    def answers_to(self, name: str) -> bool:
        """Whether `name`, which is ``model`` or ``project/model``, is this model."""
        return name == (str(self) if "/" in name else self.model)


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model as a checkpoint has it."""

    name: ModelName
    release: Mapping[str, Any] | None
    """What its release file said, in camelCase; None if the program recorded no releases."""
    parts: Mapping[str, Resource] = field(default_factory=dict)
    """Its versions, its endpoint and its monitoring, by their types and names."""

    @property
    def is_deployed(self) -> bool:
        """Whether it has a version or an endpoint."""
        return bool(self.parts)

    def document(self, *, declared: bool) -> dict[str, Any]:
        """The release as its file said it, or as its components got it: with all defaults; secrets are left out."""
        if declared and self.release is not None:
            return _shown(self.release)
        versions = [one["inputs"] for one in self.parts.values() if one["type"] == VERSION_TYPE]
        endpoint = next((one["inputs"] for one in self.parts.values() if one["type"] == ENDPOINT_TYPE), None)
        listed = sorted(versions, key=lambda inputs: whole(inputs.get("version")) or 0)
        found = {
            "model": self.name.model,
            "project": self.name.project,
            "versions": [_settings(one) for one in listed],
        }
        return found if endpoint is None else {**found, "endpoint": _settings(endpoint)}


def agree(one: ModelState | None, other: ModelState | None) -> bool:
    """Whether two states of a model differ in nothing that the program declared."""
    if one is None or other is None:
        return one is other
    return (
        same(one.release, other.release)
        and one.parts.keys() == other.parts.keys()
        and all(_inputs_agree(part, other.parts[key]) for key, part in one.parts.items())
    )


def models(components: Mapping[str, Resource]) -> dict[ModelName, ModelState]:
    """The models that components tell of, by their names."""
    releases: dict[ModelName, Mapping[str, Any]] = {}
    parts: dict[ModelName, dict[str, Resource]] = {}
    for key, one in components.items():
        inputs = one.get("inputs") or {}
        name = ModelName(text(inputs.get("project")), text(inputs.get("model")))
        if not name.model:
            continue
        if one["type"] == RELEASE_TYPE:
            releases[name] = {key: value for key, value in inputs.items() if key != _OF_THE_STACK}
        else:
            parts.setdefault(name, {})[key] = one
    return {
        name: ModelState(name, releases.get(name), parts.get(name, {})) for name in sorted({*releases, *parts}, key=str)
    }


def _inputs_agree(one: Resource, other: Resource) -> bool:
    return one is other or same(one.get("inputs") or {}, other.get("inputs") or {})


def _shown(inputs: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = plain_value(dict(inputs))
    return shown


def _settings(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in _shown(inputs).items() if key not in _IDENTITY}
