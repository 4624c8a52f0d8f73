"""What the state of a stack has recorded of the releases that it deploys."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.spec import dotted, parse

RELEASE_TYPE: Final = "caraml:index:ModelRelease"


@dataclass(frozen=True, slots=True)
class RecordedRelease:
    """The release of a model as it was declared when it was deployed."""

    project: str
    model: str
    environment: str
    declared: Mapping[str, Any]
    """What its file said, in camelCase."""

    @property
    def name(self) -> str:
        """``{project}/{model}``."""
        return f"{self.project}/{self.model}"

    def spec(self) -> ReleaseSpec:
        """The release. Raises `CaramlError` if it breaks a rule of today."""
        return parse(
            ReleaseSpec, self.declared, locate=lambda path: f"the recorded release of {self.name}: {dotted(path)}"
        )


def recorded_releases(state: Snapshot) -> list[RecordedRelease]:
    """The releases in a stack's state, by name."""
    found = [
        RecordedRelease(
            str(resource.inputs.get("project", "")),
            str(resource.inputs.get("model", "")),
            str(resource.inputs.get("environment", "")),
            {key: value for key, value in resource.inputs.items() if key != "environment"},
        )
        for resource in state.resources
        if resource.type == RELEASE_TYPE and not resource.delete
    ]
    return sorted(found, key=lambda release: release.name)
