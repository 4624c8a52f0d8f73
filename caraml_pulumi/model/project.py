"""A project: the namespace of a team's models, what they may use there, and who may deploy them.

CaraML's project and PrimeHub's group in one; "group" is kept in the messages that users of PrimeHub know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, model_validator
from pydantic.alias_generators import to_camel

from caraml_pulumi.errors import CaramlError, together
from caraml_pulumi.model import labels, names
from caraml_pulumi.model.access import Subjects
from caraml_pulumi.model.container import Text, secret_key
from caraml_pulumi.model.deferred import Value
from caraml_pulumi.model.gpu import NVIDIA_GPU
from caraml_pulumi.model.group import GroupQuota, group_label, group_name
from caraml_pulumi.model.instance_types import InstanceTypes
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.resources import MemoryText, QuantityText
from caraml_pulumi.model.spec import (
    Locate,
    Path,
    Spec,
    as_validation_error,
    did_you_mean,
    parse,
    rule,
    within,
)
from caraml_pulumi.model.version import AnnotationMap, LabelMap

_OF_THE_NAMESPACE: Final = ("labels", "annotations")
_IN_THE_NAMESPACE: Final = ("container_defaults", "deployers", "viewers", "secrets")

AMD_GPU: Final = "amd.com/gpu"
"""The other GPU that a group's quota counts in any case (PrimeHub)."""

SecretMap = dict[
    Annotated[str, rule(names.dns_name)],
    dict[Annotated[str, rule(secret_key)], Text],
]
"""Secrets by name, each a map of keys to texts."""


class ContainerDefaults(Spec):
    """What a container is limited to that sets no limit itself, under a quota that wants one.

    Models always have limits; this is for what is put beside them, such as Knative's queue-proxy.
    """

    cpu: QuantityText = "250m"
    """CPU cores."""
    memory: MemoryText = "128Mi"
    """Memory in bytes."""


class ModelProjectSpec(Spec):
    """A project, as a user asks for it."""

    project: Annotated[str, rule(names.project_name)]
    """The project's name, which is its namespace's."""
    team: Annotated[str, Field(min_length=1), rule(labels.label_value)]
    """The team that owns it."""
    stream: Annotated[str, Field(min_length=1), rule(labels.label_value)]
    """The stream that the team belongs to."""
    labels: LabelMap = Field(default_factory=dict)
    """Labels of the namespace, besides the platform's."""
    annotations: AnnotationMap = Field(default_factory=dict)
    """Annotations of the namespace."""
    group: Annotated[str, Field(min_length=1), rule(group_name)] | None = None
    """The PrimeHub group that the project stands for, by which PrimeHub counts and finds its pods; default: none."""
    enabled: bool = True
    """Whether models may be deployed (seed: Model Deployment); off, every version that is not stopped is refused."""
    quota: GroupQuota = GroupQuota()
    """What all deployed versions may use together; default: the platform's `defaultQuota`, property by property."""
    container_defaults: ContainerDefaults = ContainerDefaults()
    """Limits, under a quota, of containers that set none."""
    instance_types: InstanceTypes = Field(default_factory=dict)
    """Instance types of the project, which come before the platform's."""
    deployers: Subjects = Subjects()
    """Who may deploy versions and endpoints in the namespace."""
    viewers: Subjects = Subjects()
    """Who may look at them, Secrets excepted."""
    secrets: SecretMap = Field(default_factory=dict, repr=False)
    """Secrets of the namespace, whose values never appear in previews, state or logs."""
    image_pull_secrets: list[Annotated[str, rule(names.dns_name)]] = Field(default_factory=list)
    """Secrets of the namespace that versions pull their images with, unless they name their own."""
    create_namespace: bool = True
    """Whether the namespace is made here; off, only what is in it is."""
    existing: bool = False
    """Whether the project is made elsewhere: no object is made, the quota, types and switch are only held to."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "ModelProjectSpec":
        for name in self.model_fields_set:
            with as_validation_error(name):
                _made_here(name, namespace=self.create_namespace, project=not self.existing)
        return self


def _made_here(setting: str, *, namespace: bool, project: bool) -> None:
    """Refuse a setting of an object that is not made here."""
    if not project and setting in (*_OF_THE_NAMESPACE, *_IN_THE_NAMESPACE):
        raise CaramlError(
            f"an existing project gets no {to_camel(setting)}: no object is made",
            fix="give it where the project is made, or remove existing",
        )
    if not namespace and setting in _OF_THE_NAMESPACE:
        raise CaramlError(
            f"a namespace that is not made here gets no {to_camel(setting)}",
            fix="give it where the namespace is made, or remove createNamespace",
        )


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """A project with every value decided."""

    project: str
    environment: str
    team: str
    stream: str
    labels: Mapping[str, str]
    """The labels of the namespace."""
    object_labels: Mapping[str, str]
    """The labels of every other object of the project."""
    version_labels: Mapping[str, str]
    """The labels that the project's versions get from it, besides team and stream."""
    annotations: Mapping[str, str]
    enabled: bool
    quota: GroupQuota
    gpu_resource_names: tuple[str, ...]
    """What the GPUs are called that the quota counts."""
    container_defaults: ContainerDefaults
    instance_types: InstanceTypes
    deployers: Subjects
    viewers: Subjects
    secrets: Mapping[str, Mapping[str, Value]]
    """Values may be deferred."""
    image_pull_secrets: Sequence[str]
    create_namespace: bool
    existing: bool
    namespace_timeout_seconds: int | None = None
    """How long the namespace may take to be made, or to be gone; none: as long as Pulumi waits."""

    def identity(self) -> dict[str, Any]:
        """Which project it is and what it allows: what policies over a whole stack, which see outputs only, read."""
        return {
            "project": self.project,
            "environment": self.environment,
            "enabled": self.enabled,
            "quota": self.quota.props(),
        }

    def props(self) -> dict[str, Any]:
        """The decided values in camelCase, as policies and previews read them; of Secrets only their keys."""
        optional = {
            "annotations": dict(self.annotations),
            "instanceTypes": {name: type_.props() for name, type_ in self.instance_types.items()},
            "deployers": self.deployers.props() if self.deployers else {},
            "viewers": self.viewers.props() if self.viewers else {},
            "secrets": {name: sorted(values) for name, values in self.secrets.items()},
            "imagePullSecrets": list(self.image_pull_secrets),
        }
        return {
            **self.identity(),
            "team": self.team,
            "stream": self.stream,
            "labels": dict(self.labels),
            "createNamespace": self.create_namespace,
            "existing": self.existing,
            **{name: value for name, value in optional.items() if value},
        }


def quota_of(spec: ModelProjectSpec, platform: PlatformSpec) -> GroupQuota:
    """What the versions of a project may use together: its own quota, and where that says nothing the platform's."""
    return platform.default_quota.model_copy(update=spec.quota.model_dump(exclude_none=True))


def plan_project(spec: ModelProjectSpec, platform: PlatformSpec) -> ProjectPlan:
    """Decide every value of `spec` on `platform`. Raises `CaramlError` for a label that is not the user's to set."""
    prefix = platform.label_prefix
    with within("labels"):
        labels.labels_are_free(spec.labels, prefix)
    own = {
        prefix + labels.ENVIRONMENT: platform.environment,
        prefix + labels.ORCHESTRATOR: labels.ORCHESTRATOR_NAME,
        prefix + labels.STREAM: spec.stream,
        prefix + labels.TEAM: spec.team,
    }
    of_group = group_label(spec.group) if spec.group else {}
    managed = {f"{platform.namespace_label_prefix}{labels.MANAGED}": "true"}
    gpus = [type_.gpu_resource_name for type_ in {**platform.instance_types, **spec.instance_types}.values()]
    gpus += [type_.resource_type for type_ in platform.gpus]
    return ProjectPlan(
        project=spec.project,
        environment=platform.environment,
        team=spec.team,
        stream=spec.stream,
        labels={**spec.labels, **of_group, **managed, **own},
        object_labels=own,
        version_labels=of_group,
        annotations=spec.annotations,
        enabled=spec.enabled,
        quota=quota_of(spec, platform),
        gpu_resource_names=tuple(sorted({NVIDIA_GPU, AMD_GPU, *gpus})),
        container_defaults=spec.container_defaults,
        instance_types=spec.instance_types,
        deployers=spec.deployers,
        viewers=spec.viewers,
        secrets=spec.secrets,
        image_pull_secrets=spec.image_pull_secrets,
        create_namespace=spec.create_namespace and not spec.existing,
        existing=spec.existing,
        namespace_timeout_seconds=platform.namespace_timeout_seconds,
    )


def parse_projects(settings: Value, *, locate: Locate) -> dict[str, ModelProjectSpec]:
    """The projects in the configuration `settings`, a map from their names to the rest.

    Raises `CaramlError`, or `CaramlErrors` with the problems of all projects.
    """
    if not isinstance(settings, Mapping):
        raise CaramlError("the projects must be a map from their names", where=locate(()))
    projects, problems = {}, list[CaramlError]()
    for name, value in settings.items():
        data = {"project": name, **value} if isinstance(value, Mapping) else value

        def locate_project(path: Path, name: str = name) -> str:
            return locate((name, *(part for part in path if part != "project")))

        try:
            projects[str(name)] = parse(ModelProjectSpec, data, locate=locate_project)
        except CaramlError as error:
            problems += error.each
    if problems:
        raise together(problems)
    return projects


def secrets_are_encrypted(project: str, written: Value) -> None:
    """Refuse the texts of Secrets in plain text in a file, where anybody could read them.

    `written` is what the file has, in which an encrypted text is a map.
    """
    secrets = written if isinstance(written, Mapping) else {}
    for name, texts in secrets.items():
        for key in (key for key, text in texts.items() if isinstance(text, str)) if isinstance(texts, Mapping) else ():
            with within(name, key):
                raise CaramlError(
                    f'the text of "{key}" in Secret "{name}" would be kept in plain text',
                    fix="remove it, change the secret, and encrypt it: caraml config set --secret --path "
                    f"'caraml:projects.{project}.secrets.{name}.{key}'",
                )


def find_project(name: str, projects: Mapping[str, ModelProjectSpec]) -> ModelProjectSpec:
    """The project that a release names. Raises `CaramlError` in PrimeHub's words if there is none."""
    if name not in projects:
        raise CaramlError(
            f"Group not found: {name}",
            allowed=", ".join(projects) or "none yet",
            fix=did_you_mean(name, [*projects]) or "add the project to caraml:projects",
        )
    return projects[name]
