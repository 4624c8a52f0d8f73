"""A build of a model's image in the cluster, by Kaniko: the step before a version is deployed.

    build = ImageBuild(
        "iris-1-image",
        model="iris",
        version=1,
        project=project,
        registry="ghcr.io/team",
        context="git://github.com/team/iris.git#refs/heads/main#3f2a9c1",
        build_args={"BASE_IMAGE": "python:3.12-slim"},
        docker_config=config.require_secret("dockerConfig"),
    )
    CustomModelVersion("iris-1", model="iris", version=1, project=project, image=build.image)

| argument | default |
|---|---|
| `dockerfile` | Dockerfile |
| `namespace` | the project's |
| `executor_image`, `timeout_seconds`, `retries` | Merlin's: Kaniko 1.6.0, 600, 3 |
| `platform` | that of the ModelProject, else the stack's configuration `caraml:platform` |
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, Unpack, cast, overload

import pulumi

from caraml_pulumi.component import arguments, kubernetes_object, located_in, platform_from, readable
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.instance_type import TolerationArgs
from caraml_pulumi.manifests.image_build import build_job, own_secrets
from caraml_pulumi.model.image_build import ImageBuildSpec, plan_image_build
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.spec import Locate, located, parse
from caraml_pulumi.model_project import ModelProject
from caraml_pulumi.workload_args import SecretKeyRefArgs


class ImageBuildArgs(TypedDict):
    """What to build, and where to."""

    model: str
    """The model's name: 3 to 25 lower-case letters, digits and dashes, a letter first."""
    version: int
    """The version that the image is for: a whole number from 1."""
    project: str
    """The project's name. In Python also the ModelProject, which the build then waits for."""
    registry: str
    """Where the image is pushed to: the registry and an optional path, such as ghcr.io/team."""
    context: pulumi.Input[str]
    """What is built: a git://, s3://, gs:// or https:// address, or dir:// or tar:// below /workspace in
    `context_claim` (Kaniko). Refused: a password in the address; a Pulumi secret."""
    context_sub_path: NotRequired[str]
    """The directory in the context to build in. Default: its root."""
    context_claim: NotRequired[str]
    """The PersistentVolumeClaim with the files of a dir:// or tar:// context, mounted at /workspace. Default: none."""
    dockerfile: NotRequired[str]
    """The Dockerfile's path in the context. Default: Dockerfile."""
    target: NotRequired[str]
    """The Dockerfile's stage to build. Default: the last."""
    build_args: NotRequired[dict[str, pulumi.Input[str]]]
    """Values of the Dockerfile's ARGs. Default: none. Refused: a Pulumi secret, since the image's history
    would show it."""
    version_tag: NotRequired[bool]
    """Whether the image is pushed as `{version}` as well (Merlin), a tag that a later build moves. Default: true."""
    docker_config: NotRequired[pulumi.Input[str]]
    """The registry's credentials as a Docker configuration in JSON, kept as a secret and in a Secret. Default: none.
    Refused: beside `docker_config_secret`."""
    docker_config_secret: NotRequired[str]
    """An existing Secret of type kubernetes.io/dockerconfigjson with the registry's credentials. Default: none."""
    namespace: NotRequired[str]
    """The namespace that the image is built in. Default: the project's."""
    service_account_name: NotRequired[str]
    """The ServiceAccount of the build's pods, for contexts and registries that know it. Default: the namespace's
    `default`."""
    env: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables of Kaniko, such as AWS_REGION. Default: none. Refused: a Pulumi secret."""
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables of Kaniko whose values are kept in a Secret, such as GIT_TOKEN. Default: none."""
    secret_refs: NotRequired[dict[str, SecretKeyRefArgs]]
    """Environment variables of Kaniko from Secrets that exist. Default: none."""
    cache_repository: NotRequired[str]
    """A repository that keeps layers for later builds. Default: no cache."""
    executor_image: NotRequired[str]
    """The image that builds. Default: gcr.io/kaniko-project/executor:v1.6.0 (Merlin)."""
    executor_args: NotRequired[list[str]]
    """Further flags of Kaniko, such as --snapshot-mode=redo. Default: none."""
    timeout_seconds: NotRequired[int]
    """How long the build may take, all attempts together. Unit: seconds. Default: 600 (Merlin)."""
    retries: NotRequired[int]
    """How often a failed build is tried again. Default: 3 (Merlin)."""
    ttl_seconds_after_finished: NotRequired[int]
    """After which Kubernetes removes the finished Job; a refresh then finds it gone, and the next update builds anew.
    Unit: seconds. Default: never."""
    cpu_request: NotRequired[str]
    """CPU that the build is sure of, as a Kubernetes quantity. Unit: CPU cores. Default: what the namespace gives."""
    memory_request: NotRequired[str]
    """Memory that the build is sure of, as a Kubernetes quantity. Unit: bytes. Default: what the namespace gives."""
    cpu_limit: NotRequired[str]
    """CPU that the build may use, as a Kubernetes quantity. Unit: CPU cores. Default: what the namespace gives.
    Refused: below the request."""
    memory_limit: NotRequired[str]
    """Memory that the build may use, as a Kubernetes quantity. Unit: bytes. Default: what the namespace gives.
    Refused: below the request."""
    node_selector: NotRequired[dict[str, str]]
    """Labels that a node must have. Default: none."""
    tolerations: NotRequired[list[TolerationArgs]]
    """Taints that the build tolerates. Default: none."""
    affinity: NotRequired[dict[str, Any]]
    """A Kubernetes Affinity. Default: none."""
    priority_class_name: NotRequired[str]
    """The PriorityClass of the build's pods. Default: the cluster's."""
    runtime_class_name: NotRequired[str]
    """The RuntimeClass of the build's pods. Default: the cluster's."""
    team: NotRequired[str]
    """The team's label. Default: that of the ModelProject, else none."""
    stream: NotRequired[str]
    """The stream's label. Default: that of the ModelProject, else none."""
    platform: NotRequired[dict[str, Any]]
    """The platform of the environment. Default: that of the ModelProject, else the stack's configuration
    `caraml:platform`."""


class ImageBuildKeywords(ImageBuildArgs):
    """`ImageBuildArgs` with what Python can pass besides: a ModelProject, a parsed platform."""

    project: str | ModelProject  # type: ignore[misc]
    build_args: NotRequired[Mapping[str, pulumi.Input[str]]]  # type: ignore[misc]
    env: NotRequired[Mapping[str, pulumi.Input[str]]]  # type: ignore[misc]
    platform: NotRequired[Mapping[str, Any] | PlatformSpec]  # type: ignore[misc]


class ImageBuild(pulumi.ComponentResource):
    """An image of a model, built in the cluster and pushed to a registry.

    A Job runs Kaniko once; Pulumi waits until it has completed. When anything about the build changes, another Job
    builds another image, under a tag of its own, while the old one goes on being served.
    """

    image: pulumi.Output[str]
    """`{registry}/{project}-{model}:{version}-{digest}`, the digest being that of the build's arguments; known at
    preview if they are. Who uses it waits until the image is built."""
    job: pulumi.Output[str]
    """The Job's name: `{project}-{model}-{version}` and a suffix that Pulumi chooses."""

    @overload
    def __init__(self, name: str, args: ImageBuildArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(
        self, name: str, *, opts: pulumi.ResourceOptions | None = None, **keywords: Unpack[ImageBuildKeywords]
    ) -> None: ...

    def __init__(
        self,
        name: str,
        args: ImageBuildArgs = cast(ImageBuildArgs, {}),  # noqa: B008 - never changed
        opts: pulumi.ResourceOptions | None = None,
        **keywords: Any,
    ) -> None:
        """Raises `CaramlError` for arguments that break a rule; for an Output, when it resolves."""
        locate = located_in("ImageBuild", name)
        with readable():
            given, after = _without_project(arguments(args, keywords, locate))
            platform = platform_from(given.pop("platform", None))
            self.spec = _without_secrets(parse(ImageBuildSpec, given, locate=locate), locate)
            with located(locate, given):
                plan = plan_image_build(self.spec, platform)
        super().__init__("caraml:index:ImageBuild", name, plan.props(), opts)

        secrets = [
            kubernetes_object(f"{name}-{purpose}", secret, parent=self, depends_on=after)
            for purpose, secret in own_secrets(plan).items()
        ]
        built = kubernetes_object(plan.job, build_job(plan), parent=self, depends_on=[*after, *secrets])

        self.image = built.urn.apply(lambda _: plan.image)
        self.job = built.id.apply(lambda id_: id_.rpartition("/")[2])
        self.register_outputs({"image": plan.image, "job": self.job})


def _without_project(given: dict[str, Any]) -> tuple[dict[str, Any], list[pulumi.Resource]]:
    """The arguments with the project replaced by its name, and the project to wait for."""
    project = given.get("project")
    if not isinstance(project, ModelProject):
        return given, []
    inherited = {"team": project.spec.team, "stream": project.spec.stream, "platform": project.platform}
    return {**inherited, **given, "project": project.spec.project}, [project]


def _without_secrets(spec: ImageBuildSpec, locate: Locate) -> ImageBuildSpec:
    """`spec` with its secrets kept as such; anything else that turns out to be one is refused."""
    return spec.model_copy(
        update={
            "context": _public(spec.context, locate(("context",))),
            "build_args": {
                name: _public(value, locate(("build_args", name))) for name, value in spec.build_args.items()
            },
            "env": {name: _public(value, locate(("env", name))) for name, value in spec.env.items()},
            "docker_config": None if spec.docker_config is None else pulumi.Output.secret(spec.docker_config),
            "secrets": {name: pulumi.Output.secret(value) for name, value in spec.secrets.items()},
        }
    )


def _public(value: Any, where: str) -> Any:  # noqa: ANN401 - a plain value or an Output
    """`value`, gated on not being a secret: the Job and the image's history would show it."""
    if not isinstance(value, pulumi.Output):
        return value

    async def check(resolved: object) -> object:
        with readable():
            if await value.is_secret():
                raise CaramlError(
                    "a secret cannot be given here: whoever may read Jobs or pull the image would see it",
                    where=where,
                    fix="give it in `secrets`, or say that it is none with pulumi.Output.unsecret",
                )
        return resolved

    return value.apply(check)
