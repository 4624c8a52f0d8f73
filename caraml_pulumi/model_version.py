"""A version of a model, deployed from an image of the user's: Merlin's Custom Model.

    CustomModelVersion(
        "iris-1",
        model="iris",
        version=1,
        project=project,
        image="ghcr.io/team/iris:1.0",
        autoscaling_policy=AutoscalingPolicy.concurrency(2),
    )

| argument | default |
|---|---|
| `protocol`, `deployment_mode` | HTTP_JSON, SERVERLESS |
| `resource_request` | the platform's `defaultDeploymentConfig`, property by property |
| `autoscaling_policy` | concurrency 1 (SERVERLESS), 50 % of the CPU request (RAW_DEPLOYMENT) |
| `team`, `stream` | those of the ModelProject, if `project` is one |
| `platform` | that of the ModelProject, else the stack's configuration `caraml:platform` |
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, Unpack, cast, overload

import pulumi

from caraml_pulumi.autoscaling_policy import AutoscalingPolicy, AutoscalingPolicyArgs
from caraml_pulumi.component import arguments, kubernetes_object, located_in, platform_from, readable
from caraml_pulumi.manifests import knative, raw
from caraml_pulumi.manifests.routing import istio
from caraml_pulumi.model.modes import DeploymentMode, Protocol, declared_status
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.spec import located, parse
from caraml_pulumi.model.version import ModelVersionSpec, plan_version
from caraml_pulumi.model_project import ModelProject


class ResourceRequestArgs(TypedDict, total=False):
    """What each replica asks for, and how many there may be."""

    min_replica: int
    """Replicas at least; 0 only in SERVERLESS on concurrency or rps."""
    max_replica: int
    """Replicas at most; at least 1."""
    cpu_request: str
    """CPU cores as a Kubernetes quantity, such as 500m."""
    memory_request: str
    """Memory in bytes as a Kubernetes quantity, such as 500Mi."""
    cpu_limit: str
    """CPU cores that a replica may use. Default: by the platform's factor or constant."""


class CustomModelVersionArgs(TypedDict):
    """What to deploy, and how."""

    model: str
    """The model's name: 3 to 25 lower-case letters, digits and dashes, a letter first."""
    version: int
    """The version: a whole number from 1."""
    project: str
    """The project's name, whose namespace the version is deployed to."""
    image: pulumi.Input[str]
    """The image of the web service: [registry/]repository[:tag][@digest]."""
    command: NotRequired[list[str]]
    """The command, instead of the image's. In Python also a text, split as a shell does."""
    args: NotRequired[list[str]]
    """The command's arguments, instead of the image's. In Python also a text, split as a shell does."""
    env: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables, besides the platform's CARAML_*. CARAML_DISABLE_LIVENESS_PROBE or
    MERLIN_DISABLE_LIVENESS_PROBE set to true turns the liveness probe off. Default: none."""
    protocol: NotRequired[Protocol]
    """What the web service speaks. Default: HTTP_JSON."""
    deployment_mode: NotRequired[DeploymentMode]
    """SERVERLESS or RAW_DEPLOYMENT. Default: SERVERLESS."""
    resource_request: NotRequired[ResourceRequestArgs]
    """Requests and replicas. Default: the platform's, property by property."""
    autoscaling_policy: NotRequired[AutoscalingPolicyArgs]
    """Default: concurrency 1 in SERVERLESS, 50 % of the CPU request in RAW_DEPLOYMENT."""
    labels: NotRequired[dict[str, str]]
    """Labels of all objects, besides the platform's. Default: none."""
    team: NotRequired[str]
    """The team's label. Default: that of the ModelProject, else none."""
    stream: NotRequired[str]
    """The stream's label. Default: that of the ModelProject, else none."""
    platform: NotRequired[dict[str, Any]]
    """The platform of the environment. Default: the stack's configuration `caraml:platform`."""


class CustomModelVersionKeywords(TypedDict):
    """`CustomModelVersionArgs` with what Python can pass besides: components, and commands as texts."""

    model: str
    version: int
    project: str | ModelProject
    image: pulumi.Input[str]
    command: NotRequired[str | list[str]]
    args: NotRequired[str | list[str]]
    env: NotRequired[Mapping[str, pulumi.Input[str]]]
    protocol: NotRequired[Protocol]
    deployment_mode: NotRequired[DeploymentMode]
    resource_request: NotRequired[ResourceRequestArgs]
    autoscaling_policy: NotRequired[AutoscalingPolicyArgs | AutoscalingPolicy]
    labels: NotRequired[Mapping[str, str]]
    team: NotRequired[str]
    stream: NotRequired[str]
    platform: NotRequired[Mapping[str, Any] | PlatformSpec]


class CustomModelVersion(pulumi.ComponentResource):
    """A deployed version of a model, at its own address.

    SERVERLESS makes a Knative Service; RAW_DEPLOYMENT a Deployment, a Service and a HorizontalPodAutoscaler; both a
    VirtualService. All are named `{model}-{version}`. At most two versions of a model may be deployed at a time.
    """

    full_name: pulumi.Output[str]
    """`{model}-{version}`, the name of the version's objects."""
    url: pulumi.Output[str]
    """Where predictions are asked for, known at preview; who uses it waits until the version is ready."""
    status: pulumi.Output[str]
    """The declared state of the version's own endpoint: running. A ModelEndpoint that routes to it makes it serving."""

    @overload
    def __init__(self, name: str, args: CustomModelVersionArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(
        self, name: str, *, opts: pulumi.ResourceOptions | None = None, **keywords: Unpack[CustomModelVersionKeywords]
    ) -> None: ...

    def __init__(  # type: ignore[misc]  # `args` among the keywords is the container's
        self,
        name: str,
        args: CustomModelVersionArgs = cast(CustomModelVersionArgs, {}),  # noqa: B008 - never changed
        opts: pulumi.ResourceOptions | None = None,
        **keywords: Any,
    ) -> None:
        """Raises `CaramlError` for arguments that break a rule; for an Output, when it resolves."""
        locate = located_in("CustomModelVersion", name)
        settings, keywords = (args, keywords) if isinstance(args, dict) else ({}, {**keywords, "args": args})
        with readable():
            given, after = _without_components(arguments(settings, keywords, locate))
            self.platform = platform_from(given.pop("platform", None))
            self.spec = parse(ModelVersionSpec, given, locate=locate)
            with located(locate, given):
                plan = plan_version(self.spec, self.platform)
        super().__init__("caraml:index:CustomModelVersion", name, plan.props(), opts)

        if plan.mode is DeploymentMode.SERVERLESS:
            service = knative.knative_service(plan, self.platform)
            workload = [kubernetes_object(name, service, parent=self, depends_on=after)]
        else:
            workload = [
                kubernetes_object(name, manifest, parent=self, depends_on=after)
                for manifest in (
                    raw.deployment(plan, self.platform),
                    raw.service(plan),
                    raw.horizontal_pod_autoscaler(plan),
                )
            ]
        route = istio.version_virtual_service(plan, self.platform)
        routed = kubernetes_object(name, route, parent=self, depends_on=workload)

        status = declared_status(routed=False).value
        self.full_name = pulumi.Output.from_input(plan.full_name)
        self.url = routed.urn.apply(lambda _: plan.url)
        self.status = pulumi.Output.from_input(status)
        self.register_outputs({**plan.identity(), "fullName": plan.full_name, "url": plan.url, "status": status})


def _without_components(given: dict[str, Any]) -> tuple[dict[str, Any], list[pulumi.Resource]]:
    """The arguments with components replaced by what they stand for, and the components to wait for."""
    policy, project = given.get("autoscaling_policy"), given.get("project")
    if isinstance(policy, AutoscalingPolicy):
        given = {**given, "autoscaling_policy": policy.args}
    if not isinstance(project, ModelProject):
        return given, []
    inherited = {"team": project.spec.team, "stream": project.spec.stream, "platform": project.platform}
    return {**inherited, **given, "project": project.spec.project}, [project]
