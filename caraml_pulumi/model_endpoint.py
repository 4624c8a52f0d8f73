"""The endpoint of a model: one address, and one or two versions that answer there by weight.

    ModelEndpoint("iris", traffic={iris_1: 90, iris_2: 10})

| argument | default |
|---|---|
| `model`, `project`, `team`, `stream`, `protocol`, `platform` | those of the versions, if they are components |
| `labels` | none |
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast, overload

import pulumi

from caraml_pulumi.component import arguments, kubernetes_object, located_in, platform_from, readable
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.manifests.routing import istio
from caraml_pulumi.model.endpoint import ModelEndpointSpec, plan_endpoint
from caraml_pulumi.model.modes import Protocol, declared_status
from caraml_pulumi.model.spec import located, parse
from caraml_pulumi.model.traffic import no_version_is_stopped, one_protocol
from caraml_pulumi.model_version import CustomModelVersion


class VersionTrafficArgs(TypedDict):
    """A version and its share of the traffic."""

    version: int
    """Which version of the endpoint's model."""
    weight: int
    """The version's share of the requests. Unit: percent. Refused: weights that do not sum to 100."""


class ModelEndpointArgs(TypedDict):
    """Which versions answer for a model."""

    model: str
    """The model's name."""
    project: str
    """The project's name, whose namespace the versions are in."""
    traffic: list[VersionTrafficArgs]
    """One or two versions of the model. Refused: versions that do not all speak one protocol (Merlin)."""
    protocol: NotRequired[Protocol]
    """What the versions speak. Default: HTTP_JSON."""
    labels: NotRequired[dict[str, str]]
    """Labels of the route, besides the platform's. Default: none."""
    team: NotRequired[str]
    """The team's label. Default: none."""
    stream: NotRequired[str]
    """The stream's label. Default: none."""
    platform: NotRequired[dict[str, Any]]
    """The platform of the environment. Default: the stack's configuration `caraml:platform`."""


class ModelEndpoint(pulumi.ComponentResource):
    """One address of a model, divided over its versions by weight.

    `POST /v1/predict` at the endpoint's host reaches each version at its own path. Given components, it waits until
    they are ready, and is deleted before they are.
    """

    url: pulumi.Output[str]
    """Where predictions are asked for, known at preview; who uses it waits until the route exists."""
    status: pulumi.Output[str]
    """The declared state of the versions that the endpoint routes to: serving."""

    @overload
    def __init__(self, name: str, args: ModelEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...

    @overload
    def __init__(
        self,
        name: str,
        *,
        traffic: Mapping[CustomModelVersion, int],
        labels: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None: ...

    def __init__(
        self,
        name: str,
        args: ModelEndpointArgs = cast(ModelEndpointArgs, {}),  # noqa: B008 - never changed
        opts: pulumi.ResourceOptions | None = None,
        **keywords: Any,
    ) -> None:
        """Raises `CaramlError` for arguments that break a rule."""
        locate = located_in("ModelEndpoint", name)
        with readable():
            given = arguments(args, keywords, locate)
            with located(locate, given):
                given, versions = _without_components(given)
            platform = platform_from(given.pop("platform", None))
            spec = parse(ModelEndpointSpec, given, locate=locate)
            with located(locate, given):
                plan = plan_endpoint(spec, platform)
        super().__init__("caraml:index:ModelEndpoint", name, plan.props(), opts)

        route = istio.endpoint_virtual_service(plan, platform)
        routed = kubernetes_object(name, route, parent=self, depends_on=versions)

        outputs = {"url": plan.url, "status": declared_status(routed=True).value}
        self.url = routed.urn.apply(lambda _: plan.url)
        self.status = pulumi.Output.from_input(outputs["status"])
        self.register_outputs(outputs)


def _without_components(given: dict[str, Any]) -> tuple[dict[str, Any], list[CustomModelVersion]]:
    """The arguments with versions replaced by their numbers, and the versions to wait for."""
    traffic = given.get("traffic")
    if not isinstance(traffic, Mapping):
        return given, []
    versions = [version for version in traffic if isinstance(version, CustomModelVersion)]
    if not versions or len(versions) < len(traffic):
        return given, []
    specs = [version.spec for version in versions]
    first = specs[0]
    strangers = [spec for spec in specs if (spec.model, spec.project) != (first.model, first.project)]
    if strangers:
        raise CaramlError(
            f'an endpoint cannot divide traffic between models "{first.model}" in {first.project} and '
            f'"{strangers[0].model}" in {strangers[0].project}',
            allowed="versions of one model in one project",
        )
    no_version_is_stopped(spec.version for spec in specs if spec.stopped)
    one_protocol(spec.protocol for spec in specs)
    inherited = {
        "model": first.model,
        "project": first.project,
        "protocol": first.protocol,
        "team": first.team,
        "stream": first.stream,
        "platform": versions[0].platform,
    }
    shares = [{"version": version.spec.version, "weight": weight} for version, weight in traffic.items()]
    return {
        key: value for key, value in {**inherited, **given, "traffic": shares}.items() if value is not None
    }, versions
