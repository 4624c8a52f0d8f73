"""A build of a model's image in the cluster: what a user asks for, and the plan with every value decided."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import build_context, labels, names
from caraml_pulumi.model.container import EnvName, SecretKeyRef, Text
from caraml_pulumi.model.deferred import Value, is_deferred, when_known
from caraml_pulumi.model.images import image_reference, parse_image
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.placement import PlacementSettings
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.resources import MemoryText, QuantityText, limit_above_request
from caraml_pulumi.model.spec import deferrable, rule, within

EXECUTOR_IMAGE: Final = "gcr.io/kaniko-project/executor:v1.6.0"
"""Merlin's."""
TIMEOUT_SECONDS: Final = 600
"""Merlin's, for all attempts together."""
RETRIES: Final = 3
"""Merlin's."""
DIGEST_LENGTH: Final = 10
"""Hexadecimal digits of a digest in a name."""
AUTONAME_LENGTH: Final = 9
"""What Pulumi adds to a resource's name to name its object: a dash and eight digits."""
KEPT_IN_PLACE: Final = frozenset({"docker_config", "timeout_seconds", "retries", "ttl_seconds_after_finished"})
"""What may change without another build, and the values of secrets: the rest is a Job's template, which never does."""


def image_registry(value: str) -> str:
    """A registry, with an optional path: ``ghcr.io/team``. Raises `CaramlError`."""
    try:
        if parse_image(f"{value}/name").registry:
            return value
    except CaramlError:
        pass
    raise CaramlError(f'"{value}" is not a registry', allowed="host[:port][/path], such as ghcr.io/team")


def image_repository(value: str) -> str:
    """An image without tag and digest. Raises `CaramlError`."""
    image = parse_image(value)
    if image.tag or image.digest:
        raise CaramlError(f'repository "{value}" has a tag or a digest', fix="take it off")
    return value


class ImageBuildSpec(PlacementSettings):
    """A build, as a user asks for it."""

    model: Annotated[str, rule(names.model_name)]
    version: Annotated[WholeNumber, rule(names.version_number)]
    project: Annotated[str, rule(names.project_name)]
    team: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None
    stream: Annotated[str, Field(min_length=1), rule(labels.label_value)] | None = None
    registry: Annotated[str, rule(image_registry)]
    version_tag: bool = True
    context: Annotated[str, rule(build_context.build_context), deferrable(build_context.build_context)]
    context_sub_path: Annotated[str, rule(build_context.relative_path)] | None = None
    context_claim: Annotated[str, rule(names.dns_name)] | None = None
    dockerfile: Annotated[str, rule(build_context.relative_path)] = "Dockerfile"
    target: str | None = None
    build_args: dict[Annotated[str, rule(build_context.build_argument)], Text] = Field(default_factory=dict)
    namespace: Annotated[str, rule(names.project_name)] | None = None
    service_account_name: Annotated[str, rule(names.dns_name)] | None = None
    docker_config: Annotated[str, rule(build_context.docker_config), deferrable(build_context.docker_config)] | None = (
        None
    )
    docker_config_secret: Annotated[str, rule(names.dns_name)] | None = None
    env: dict[EnvName, Text] = Field(default_factory=dict)
    secrets: dict[EnvName, Text] = Field(default_factory=dict)
    secret_refs: dict[EnvName, SecretKeyRef] = Field(default_factory=dict)
    cache_repository: Annotated[str, rule(image_repository)] | None = None
    executor_image: Annotated[str, rule(image_reference)] = EXECUTOR_IMAGE
    executor_args: list[str] = Field(default_factory=list)
    timeout_seconds: Annotated[WholeNumber, Field(ge=1)] = TIMEOUT_SECONDS
    retries: Annotated[WholeNumber, Field(ge=0)] = RETRIES
    ttl_seconds_after_finished: Annotated[WholeNumber, Field(ge=0)] | None = None
    cpu_request: QuantityText | None = None
    memory_request: MemoryText | None = None
    cpu_limit: QuantityText | None = None
    memory_limit: MemoryText | None = None


@dataclass(frozen=True, slots=True)
class ImageBuildPlan:
    """A build with every value decided: what its manifests are made from."""

    spec: ImageBuildSpec
    environment: str
    namespace: str
    image: Value
    """`{registry}/{project}-{model}:{version}-{digest}`, deferred as long as an input of the build is."""
    job: str
    """What the Job's name begins with: `{project}-{model}-{version}`, cut where it would be too long."""
    arguments: tuple[Value, ...]
    """What the executor is called with."""
    docker_config_secret: str | None
    """The Secret with the registry's credentials, the user's or the build's own."""
    env_secret: str
    """The Secret with the values of `secrets`."""
    labels: Mapping[str, str]

    def props(self) -> dict[str, Any]:
        """The decided values in camelCase, as policies and previews read them; never the registry's credentials."""
        given = {key: value for key, value in self.spec.props().items() if key != "dockerConfig"}
        given["secrets"] = sorted(self.spec.secrets)
        return {**given, "environment": self.environment, "namespace": self.namespace, "image": self.image}


def plan_image_build(spec: ImageBuildSpec, platform: PlatformSpec) -> ImageBuildPlan:
    """Decide every value of `spec` on `platform`. Raises `CaramlError` for the first rule that is broken."""
    repository = f"{spec.registry}/{spec.project}-{spec.model}"
    with within("registry"):
        image_reference(repository)
    if not is_deferred(spec.context):
        with within("context"):
            build_context.context_has_its_claim(spec.context, spec.context_claim)
    with within("docker_config"):
        _one_source_of_credentials(spec)
    for name, others in (("secrets", {*spec.env}), ("secret_refs", {*spec.env, *spec.secrets})):
        with within(name):
            _not_given_twice(getattr(spec, name), others)
    with within("cpu_limit"):
        limit_above_request("CPU", spec.cpu_request, spec.cpu_limit)
    with within("memory_limit"):
        limit_above_request("memory", spec.memory_request, spec.memory_limit)
    own_labels = labels.platform_labels(
        platform.label_prefix,
        component=labels.IMAGE_BUILDER,
        model=spec.model,
        environment=platform.environment,
        team=spec.team,
        stream=spec.stream,
        version=spec.version,
    )
    digest = _digest(spec, own_labels)
    image = when_known({"digest": digest}, lambda known: f"{repository}:{spec.version}-{known['digest']}")
    own = f"{spec.project}-{spec.model}-{spec.version}"
    return ImageBuildPlan(
        spec=spec,
        environment=platform.environment,
        namespace=spec.namespace or spec.project,
        image=image,
        job=_job(f"{spec.project}-{spec.model}-{spec.version}"),
        arguments=_arguments(spec, image, f"{repository}:{spec.version}"),
        docker_config_secret=spec.docker_config_secret if spec.docker_config is None else f"{own}-registry",
        env_secret=f"{own}-env",
        labels=own_labels,
    )


def _one_source_of_credentials(spec: ImageBuildSpec) -> None:
    if spec.docker_config is not None and spec.docker_config_secret is not None:
        raise CaramlError(
            "the registry's credentials are given twice", fix="give dockerConfig or dockerConfigSecret, not both"
        )


def _not_given_twice(variables: Mapping[str, Any], others: set[str]) -> None:
    if twice := sorted(others.intersection(variables)):
        raise CaramlError(f'environment variable "{twice[0]}" is given twice', fix="remove one of them")


def _digest(spec: ImageBuildSpec, own_labels: Mapping[str, str]) -> Value:
    """A digest of all that makes up the template of the Job."""
    inputs: dict[str, Value] = {"labels": own_labels, "context": spec.context}
    for name in set(type(spec).model_fields) - KEPT_IN_PLACE - {"context", "build_args", "env"}:
        inputs[name] = getattr(spec, name)
    inputs["secrets"] = sorted(spec.secrets)
    inputs |= {f"build_args.{name}": value for name, value in spec.build_args.items()}
    inputs |= {f"env.{name}": value for name, value in spec.env.items()}
    return when_known(inputs, _digest_of)


def _digest_of(inputs: dict[str, Any]) -> str:
    text = json.dumps(inputs, sort_keys=True, default=lambda value: value.props())
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def _job(name: str) -> str:
    """Merlin's name of the Job if a label has room for it and Pulumi's suffix; else cut, with a digest of the rest."""
    room = names.DNS_LABEL_LENGTH - AUTONAME_LENGTH
    if len(name) <= room:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGEST_LENGTH]
    return f"{name[: room - DIGEST_LENGTH - 1].rstrip('-')}-{digest}"


def _arguments(spec: ImageBuildSpec, image: Value, version_image: str) -> tuple[Value, ...]:
    options: list[tuple[str, Value]] = [("dockerfile", spec.dockerfile), ("context", spec.context)]
    if spec.context_sub_path:
        options.append(("context-sub-path", spec.context_sub_path))
    if spec.target:
        options.append(("target", spec.target))
    options += [("build-arg", _with_head(f"{name}=", value)) for name, value in spec.build_args.items()]
    options.append(("destination", image))
    if spec.version_tag:
        options.append(("destination", version_image))
    if spec.cache_repository:
        options += [("cache", "true"), ("cache-repo", spec.cache_repository)]
    return (*(_with_head(f"--{name}=", value) for name, value in options), *spec.executor_args)


def _with_head(head: str, value: Value) -> Value:
    return when_known({"value": value}, lambda known: f"{head}{known['value']}")
