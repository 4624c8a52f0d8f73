"""A project: the namespace of a team's models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import labels, names
from caraml_pulumi.model.deferred import Value
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.spec import Locate, Path, Spec, parse, rule, within
from caraml_pulumi.model.version import LabelMap


class ModelProjectSpec(Spec):
    """A project, as a user asks for it."""

    project: Annotated[str, rule(names.project_name)]
    """The project's name, which is its namespace's."""
    team: Annotated[str, Field(min_length=1), rule(labels.label_value)]
    """The team that owns it."""
    stream: Annotated[str, Field(min_length=1), rule(labels.label_value)]
    """The stream that the team belongs to."""
    labels: LabelMap = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """A project with every value decided."""

    project: str
    environment: str
    team: str
    stream: str
    labels: Mapping[str, str]

    def props(self) -> dict[str, Any]:
        """The decided values in camelCase, as policies and previews read them."""
        return {
            "project": self.project,
            "environment": self.environment,
            "team": self.team,
            "stream": self.stream,
            "labels": dict(self.labels),
        }


def plan_project(spec: ModelProjectSpec, platform: PlatformSpec) -> ProjectPlan:
    """Decide every value of `spec` on `platform`. Raises `CaramlError` for a label that is not the user's to set."""
    prefix = platform.label_prefix
    with within("labels"):
        labels.labels_are_free(spec.labels, prefix)
    own = {
        f"{platform.namespace_label_prefix}{labels.MANAGED}": "true",
        prefix + labels.ENVIRONMENT: platform.environment,
        prefix + labels.ORCHESTRATOR: labels.ORCHESTRATOR_NAME,
        prefix + labels.STREAM: spec.stream,
        prefix + labels.TEAM: spec.team,
    }
    return ProjectPlan(spec.project, platform.environment, spec.team, spec.stream, {**spec.labels, **own})


def parse_projects(settings: Value, *, locate: Locate) -> dict[str, ModelProjectSpec]:
    """The projects in the configuration `settings`, a map from their names to the rest. Raises `CaramlError`."""
    if not isinstance(settings, Mapping):
        raise CaramlError("the projects must be a map from their names", where=locate(()))
    projects = {}
    for name, value in settings.items():
        data = {"project": name, **value} if isinstance(value, Mapping) else value

        def locate_project(path: Path, name: str = name) -> str:
            return locate((name, *(part for part in path if part != "project")))

        projects[str(name)] = parse(ModelProjectSpec, data, locate=locate_project)
    return projects
