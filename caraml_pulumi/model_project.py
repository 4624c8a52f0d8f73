"""A project: the namespace of a team's models.

    project = ModelProject("iris-team", team="fraud", stream="risk")
    CustomModelVersion("iris-1", project=project, ...)

| argument | default |
|---|---|
| `project` | the component's name |
| `labels` | none |
| `platform` | the stack's configuration `caraml:platform` |
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, Unpack, cast, overload

import pulumi

from caraml_pulumi.component import arguments, kubernetes_object, located_in, platform_from, readable
from caraml_pulumi.manifests.project import namespace
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.project import ModelProjectSpec, plan_project
from caraml_pulumi.model.spec import located, parse


class ModelProjectArgs(TypedDict):
    """Who a project belongs to."""

    team: str
    """The team that owns the project: a label value of at most 63 characters."""
    stream: str
    """The stream that the team belongs to: a label value of at most 63 characters."""
    project: NotRequired[str]
    """The project's name, which is its namespace's: 3 to 50 lower-case letters, digits and dashes. Default: the
    component's name."""
    labels: NotRequired[dict[str, str]]
    """Labels of the namespace, besides the platform's. Default: none."""
    platform: NotRequired[dict[str, Any]]
    """The platform of the environment. Default: the stack's configuration `caraml:platform`."""


class ModelProjectKeywords(TypedDict):
    """`ModelProjectArgs` with what Python can pass besides: a parsed platform."""

    team: str
    stream: str
    project: NotRequired[str]
    labels: NotRequired[Mapping[str, str]]
    platform: NotRequired[Mapping[str, Any] | PlatformSpec]


class ModelProject(pulumi.ComponentResource):
    """A project and its namespace."""

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

        created = kubernetes_object(name, namespace(plan), parent=self)

        self.namespace = created.urn.apply(lambda _: plan.project)
        self.register_outputs({"namespace": plan.project})
