"""A model version: what a user asks for, and the plan with every value decided."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import autoscaling, env, labels, names, resources
from caraml_pulumi.model.autoscaling import AutoscalingSpec
from caraml_pulumi.model.deferred import Value, checked
from caraml_pulumi.model.env import env_name
from caraml_pulumi.model.images import image_reference, image_that_knative_parses
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.resources import ResourceRequest, Resources
from caraml_pulumi.model.spec import Spec, as_validation_error, deferrable, rule, within


def words(value: Value) -> Value:
    """A command as a list of words; a text is split as a shell splits it. Raises `CaramlError` for open quotes."""
    if not isinstance(value, str):
        return value
    try:
        return shlex.split(value)
    except ValueError as error:
        raise CaramlError(
            f"the command cannot be split into words: {error}", fix="close the quotes, or give a list"
        ) from None


def _words(value: Value) -> Value:
    with as_validation_error():
        return words(value)


def _text(value: str) -> str:
    return value


Words = Annotated[list[str], BeforeValidator(_words)]
LabelMap = dict[Annotated[str, rule(labels.label_key)], Annotated[str, rule(labels.label_value)]]


class VersionSettings(Spec):
    """Everything about a version but which one it is."""

    image: Annotated[str, rule(image_reference), deferrable(image_reference)]
    command: Words | None = None
    args: Words | None = None
    env: dict[Annotated[str, rule(env_name)], Annotated[str, deferrable(_text)]] = Field(default_factory=dict)
    protocol: Protocol = Protocol.HTTP_JSON
    deployment_mode: DeploymentMode = DeploymentMode.SERVERLESS
    resource_request: ResourceRequest = ResourceRequest()
    autoscaling_policy: AutoscalingSpec | None = None
    labels: LabelMap = Field(default_factory=dict)


class ModelVersionSpec(VersionSettings):
    """A version of a model in a project, as a user asks for it."""

    model: Annotated[str, rule(names.model_name)]
    version: Annotated[WholeNumber, rule(names.version_number)]
    project: Annotated[str, rule(names.project_name)]
    team: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None
    stream: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None


@dataclass(frozen=True, slots=True)
class VersionPlan:
    """A version with every value decided: what its manifests are made from."""

    model: str
    version: int
    project: str
    environment: str
    full_name: str
    """`{model}-{version}`: the name of the version's objects."""
    host: str
    """`{model}-{version}.{project}.{domain}`."""
    image: Value
    """A reference, possibly deferred."""
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, Value]
    """The variables of the container, the contract's last; values may be deferred."""
    liveness: bool
    """Whether the container gets a liveness probe."""
    protocol: Protocol
    mode: DeploymentMode
    resources: Resources
    min_replica: int
    max_replica: int
    autoscaling: AutoscalingSpec
    labels: Mapping[str, str]
    """The labels of every object of the version, the selector's included."""
    selector: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where predictions are asked for (seed: Deploying a Model Version)."""
        return f"http://{self.host}{self.predict_path}"

    @property
    def health_path(self) -> str:
        """`GET` of this path answers 200 when the model can serve (seed: Custom Model)."""
        return f"/v1/models/{self.full_name}"

    @property
    def predict_path(self) -> str:
        """`POST` to this path predicts (seed: Custom Model)."""
        return f"{self.health_path}:predict"

    def identity(self) -> dict[str, Any]:
        """Which version it is, and where; policies over a whole stack see outputs only, so it is among them."""
        return {
            "model": self.model,
            "version": self.version,
            "project": self.project,
            "environment": self.environment,
        }

    def props(self) -> dict[str, Any]:
        """The decided values in camelCase, as policies and previews read them; the platform's variables left out."""
        return {
            **self.identity(),
            "image": self.image,
            **({"command": list(self.command)} if self.command else {}),
            **({"args": list(self.args)} if self.args else {}),
            "env": {name: value for name, value in self.env.items() if name not in env.CONTRACT_NAMES},
            "protocol": self.protocol.value,
            "deploymentMode": self.mode.value,
            "resourceRequest": {
                "minReplica": self.min_replica,
                "maxReplica": self.max_replica,
                "cpuRequest": self.resources.cpu_request,
                "memoryRequest": self.resources.memory_request,
                "cpuLimit": self.resources.cpu_limit,
            },
            "autoscalingPolicy": self.autoscaling.props(),
            "labels": dict(self.labels),
        }


def plan_version(spec: ModelVersionSpec, platform: PlatformSpec) -> VersionPlan:
    """Decide every value of `spec` on `platform`. Raises `CaramlError` for the first rule that is broken."""
    mode = spec.deployment_mode
    full_name = names.full_name(spec.model, spec.version)
    policy = spec.autoscaling_policy or autoscaling.DEFAULTS[mode]
    with within("autoscaling_policy", "metric"):
        autoscaling.autoscaling_metric_allowed_in_mode(policy.metric, mode)
    with within("resource_request"):
        replicas = _replicas(spec.resource_request, platform, policy, mode)
        decided = _resources(spec.resource_request, platform)
        autoscaling.knative_target(policy.metric, policy.target, decided.memory_request)
    with within("env"):
        env.env_names_free_in_mode(spec.env, mode)
        liveness = env.liveness_wanted(spec.env)
    with within("labels"):
        labels.labels_are_free(spec.labels, platform.label_prefix)
    image = spec.image
    if mode is DeploymentMode.SERVERLESS:
        with within("image"):
            image = checked(image, image_that_knative_parses)
    gets_constant_limit = not platform.limits.cpu_factor and not spec.resource_request.cpu_limit
    platform_env = platform.limits.env_without_cpu_factor if gets_constant_limit else {}
    own_labels = labels.platform_labels(
        platform.label_prefix,
        component=labels.MODEL_VERSION,
        model=spec.model,
        environment=platform.environment,
        team=spec.team,
        stream=spec.stream,
        version=spec.version,
    )
    return VersionPlan(
        model=spec.model,
        version=spec.version,
        project=spec.project,
        environment=platform.environment,
        full_name=full_name,
        host=names.host(full_name, spec.project, platform.domain),
        image=image,
        command=tuple(spec.command or ()),
        args=tuple(spec.args or ()),
        env={**platform_env, **spec.env, **env.contract(model=spec.model, version=spec.version, full_name=full_name)},
        liveness=liveness,
        protocol=spec.protocol,
        mode=mode,
        resources=decided,
        min_replica=replicas[0],
        max_replica=replicas[1],
        autoscaling=policy,
        labels={**spec.labels, **own_labels, **labels.selector(full_name)},
        selector=labels.selector(full_name),
    )


def _replicas(
    asked: ResourceRequest, platform: PlatformSpec, policy: AutoscalingSpec, mode: DeploymentMode
) -> tuple[int, int]:
    """The replica bounds; a platform's default is bent to what is asked and to what the mode allows."""
    defaults = platform.default_deployment_config
    default_min = max(defaults.min_replica or 0, 0 if autoscaling.scales_to_zero(policy.metric, mode) else 1)
    default_max = max(defaults.max_replica or 1, asked.min_replica or 0)
    maximum = default_max if asked.max_replica is None else asked.max_replica
    minimum = min(default_min, maximum) if asked.min_replica is None else asked.min_replica
    autoscaling.replicas_in_range(
        minimum, maximum, metric=policy.metric, mode=mode, ceiling=platform.max_allowed_replica
    )
    return minimum, maximum


def _resources(asked: ResourceRequest, platform: PlatformSpec) -> Resources:
    """Requests, property by property from the user or the platform, and the limits that follow."""
    defaults, limits = platform.default_deployment_config, platform.limits
    cpu = asked.cpu_request or defaults.cpu_request or ""
    memory = asked.memory_request or defaults.memory_request or ""
    explicit = asked.cpu_limit or defaults.cpu_limit
    decided = Resources(
        cpu_request=cpu,
        memory_request=memory,
        cpu_limit=resources.cpu_limit(cpu, explicit=explicit, factor=limits.cpu_factor, default=limits.default_cpu),
        memory_limit=resources.memory_limit(memory, factor=limits.memory_factor),
    )
    resources.requests_are_positive(decided)
    resources.requests_within_ceilings(decided, max_cpu=platform.max_cpu, max_memory=platform.max_memory)
    resources.limits_above_requests(decided)
    return decided
