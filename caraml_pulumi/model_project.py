"""A project: the namespace of a team's models, what they may use there, and who may deploy them.

    project = ModelProject(
        "iris-team",
        team="fraud",
        stream="risk",
        quota={"cpu": "16", "memory": "64Gi", "gpu": 2},
        deployers={"groups": ["iris-developers"]},
    )
    CustomModelVersion("iris-1", project=project, ...)

| argument | default |
|---|---|
| `project` | the component's name |
| `labels`, `annotations` | none |
| `group` | none |
| `enabled` | yes |
| `quota` | the platform's `defaultQuota`: no limits |
| `container_defaults` | 250m CPU, 128Mi memory |
| `instance_types` | those of the platform |
| `deployers`, `viewers` | nobody besides those whom the cluster lets already |
| `secrets`, `image_pull_secrets` | none |
| `create_namespace` | yes |
| `existing` | no: the project is made here |
| `platform` | the stack's configuration `caraml:platform` |
"""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, Unpack, cast, overload

import pulumi

from caraml_pulumi.component import arguments, kubernetes_object, located_in, platform_from, readable
from caraml_pulumi.instance_type import InstanceTypeArgs
from caraml_pulumi.manifests import Manifest, access
from caraml_pulumi.manifests import project as manifests
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.project import ModelProjectSpec, ProjectPlan, plan_project
from caraml_pulumi.model.quota import Demand, admitted, demand_of
from caraml_pulumi.model.spec import located, parse
from caraml_pulumi.model.version_plan import VersionPlan


class GroupQuotaArgs(TypedDict, total=False):
    """What the deployed versions of a project may use together, at full load: limits times replicas at most."""

    cpu: str
    """CPU of all limits, a Kubernetes quantity (PrimeHub). Unit: cores. Default: any."""
    memory: str
    """Memory of all limits, a Kubernetes quantity (PrimeHub). Unit: bytes. Default: any."""
    gpu: int
    """GPUs of all kinds (PrimeHub). Default: any."""
    max_deployments: int
    """Versions deployed at a time, stopped ones not counted (PrimeHub). Default: any."""


class ContainerDefaultsArgs(TypedDict, total=False):
    """Limits, under a quota, of containers that set none themselves, such as Knative's queue-proxy."""

    cpu: str
    """CPU, a Kubernetes quantity. Unit: cores. Default: 250m."""
    memory: str
    """Memory, a Kubernetes quantity. Unit: bytes. Default: 128Mi."""


class SubjectsArgs(TypedDict, total=False):
    """Whom a right is given to."""

    users: list[str]
    """Users, by the names that the cluster authenticates them under (Kubernetes). Default: none."""
    groups: list[str]
    """Groups of users, likewise (Kubernetes). Default: none."""
    service_accounts: list[str]
    """Service accounts of the project's namespace, or namespace/name (Kubernetes). Default: none."""


class ModelProjectArgs(TypedDict):
    """Who a project belongs to, what it may use, and who may deploy in it."""

    team: str
    """The team that owns the project: a label value of at most 63 characters (Merlin)."""
    stream: str
    """The stream that the team belongs to: a label value of at most 63 characters (Merlin)."""
    project: NotRequired[str]
    """The project's name, which is its namespace's: 3 to 50 lower-case letters, digits and dashes, a letter first
    (Merlin). Default: the component's name. Refused: namespaces of the cluster itself."""
    labels: NotRequired[dict[str, str]]
    """Labels of the namespace, besides the platform's. Default: none."""
    annotations: NotRequired[dict[str, str]]
    """Annotations of the namespace. Default: none."""
    group: NotRequired[str]
    """The PrimeHub group that the project stands for: its label is put on the namespace and on everything of the
    project's versions (seed: Model Deployment). Default: none. Refused: names of more than 63 characters as a label."""
    enabled: NotRequired[bool]
    """Whether models may be deployed; off, every version that is not stopped is refused (seed: Model Deployment).
    Default: true."""
    quota: NotRequired[GroupQuotaArgs]
    """What all deployed versions may use together (seed: Model Deployment). Default: the platform's
    defaultQuota: no limits."""
    container_defaults: NotRequired[ContainerDefaultsArgs]
    """Limits, under a quota, of containers that set none (Kubernetes). Default: 250m CPU, 128Mi memory."""
    instance_types: NotRequired[dict[str, InstanceTypeArgs]]
    """Instance types of the project by name, which come before the platform's (PrimeHub). Default: none."""
    deployers: NotRequired[SubjectsArgs]
    """Who may deploy versions and endpoints in the namespace. Default: nobody in particular."""
    viewers: NotRequired[SubjectsArgs]
    """Who may look at them, Secrets excepted. Default: nobody in particular."""
    secrets: NotRequired[dict[str, dict[str, pulumi.Input[str]]]]
    """Secrets of the namespace by name, each with its keys and texts, which are kept secret wherever they come from.
    One with the key .dockerconfigjson, or with tls.crt and tls.key, is of Kubernetes' type for it. Default: none."""
    image_pull_secrets: NotRequired[list[str]]
    """Secrets of the namespace that versions of the project pull their images with, unless they name their own.
    Default: none."""
    create_namespace: NotRequired[bool]
    """Whether the namespace is made here; off, only what is in it is. Default: true. Refused: off, with labels or
    annotations."""
    existing: NotRequired[bool]
    """Whether the project is made elsewhere: no object is registered, the quota, instance types and switch are only
    held to. Default: false. Refused: with arguments for objects."""
    platform: NotRequired[dict[str, Any]]
    """The platform of the environment. Default: the stack's configuration `caraml:platform`."""


class ModelProjectKeywords(TypedDict):
    """`ModelProjectArgs` with what Python can pass besides: a parsed platform."""

    team: str
    stream: str
    project: NotRequired[str]
    labels: NotRequired[Mapping[str, str]]
    annotations: NotRequired[Mapping[str, str]]
    group: NotRequired[str]
    enabled: NotRequired[bool]
    quota: NotRequired[GroupQuotaArgs]
    container_defaults: NotRequired[ContainerDefaultsArgs]
    instance_types: NotRequired[Mapping[str, InstanceTypeArgs]]
    deployers: NotRequired[SubjectsArgs]
    viewers: NotRequired[SubjectsArgs]
    secrets: NotRequired[Mapping[str, Mapping[str, pulumi.Input[str]]]]
    image_pull_secrets: NotRequired[list[str]]
    create_namespace: NotRequired[bool]
    existing: NotRequired[bool]
    platform: NotRequired[Mapping[str, Any] | PlatformSpec]


class ModelProject(pulumi.ComponentResource):
    """A project: its Namespace, quota, rights and Secrets."""

    namespace: pulumi.Output[str]
    """The project's namespace, known at preview; who uses it waits until the namespace exists."""

    @overload
    def __init__(self, name: str, args: ModelProjectArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(
        self, name: str, *, opts: pulumi.ResourceOptions | None = None, **keywords: Unpack[ModelProjectKeywords]
    ) -> None: ...

    def __init__(
        self,
        name: str,
        args: ModelProjectArgs = cast(ModelProjectArgs, {}),  # noqa: B008 - never changed
        opts: pulumi.ResourceOptions | None = None,
        **keywords: Any,
    ) -> None:
        """Raises `CaramlError` for arguments that break a rule."""
        locate = located_in("ModelProject", name)
        with readable():
            given = {"project": name, **arguments(args, keywords, locate)}
            self.platform = platform_from(given.pop("platform", None))
            self.spec = parse(ModelProjectSpec, given, locate=locate)
            with located(locate, given):
                plan = plan_project(self.spec, self.platform)
        super().__init__("caraml:index:ModelProject", name, plan.props(), opts)

        namespace = kubernetes_object(name, manifests.namespace(plan), parent=self) if plan.create_namespace else None
        if not plan.existing:
            self._register(name, plan, [namespace] if namespace else [])

        self._plan = plan
        self._locate = locate
        self._demands: dict[str, Demand] = {}
        self.namespace = (
            namespace.urn.apply(lambda _: plan.project) if namespace else pulumi.Output.from_input(plan.project)
        )
        self.register_outputs({**plan.identity(), "namespace": plan.project})

    def _register(self, name: str, plan: ProjectPlan, after: Sequence[pulumi.Resource]) -> None:
        """Register what is in the namespace."""
        secrets = [_with_secret_data(manifest) for manifest in manifests.secrets(plan)]
        for manifest in (*manifests.limits(plan), *access.access(plan), *secrets):
            kubernetes_object(f"{name}-{manifest['metadata']['name']}", manifest, parent=self, depends_on=after)

    @property
    def version_labels(self) -> Mapping[str, str]:
        """The labels that the project's versions get from it, besides team and stream."""
        return self._plan.version_labels

    def admit(self, version: VersionPlan) -> None:
        """Count a version against the project's switch and quota, together with those before it.

        Raises `CaramlError` in PrimeHub's words; versions call it before anything of them is registered.
        """
        demand = demand_of(version)
        if demand is None:
            return
        demands = {**self._demands, demand.version: demand}
        with located(self._locate):
            admitted(self._plan.project, self._plan.enabled, self._plan.quota, demands.values())
        self._demands = demands


def _with_secret_data(secret: Manifest) -> Manifest:
    return {**secret, "data": pulumi.Output.secret(secret["data"])}
