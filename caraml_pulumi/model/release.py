"""A release: the versions of a model that an environment deploys, and how traffic reaches them."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError, together
from caraml_pulumi.model import names, traffic
from caraml_pulumi.model.alerts import decided_alerts
from caraml_pulumi.model.endpoint import EndpointSettings, ModelEndpointSpec, plan_endpoint
from caraml_pulumi.model.endpoint_plan import EndpointPlan
from caraml_pulumi.model.instance_types import InstanceType
from caraml_pulumi.model.monitoring import Monitoring
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.spec import Spec, as_validation_error, rule, within
from caraml_pulumi.model.version import ModelVersionSpec, VersionSettings, plan_version
from caraml_pulumi.model.version_plan import VersionPlan


class ReleaseVersion(VersionSettings):
    """A version of the release's model."""

    version: Annotated[WholeNumber, rule(names.version_number)]
    """Which version of the model, from 1 on."""

    @model_validator(mode="after")
    def _keep_secrets_out(self) -> "ReleaseVersion":
        with as_validation_error("secrets"):
            secrets_are_elsewhere(f"the value of {name}" for name in self.secrets)
        if self.transformer:
            with as_validation_error("transformer", "secrets"):
                secrets_are_elsewhere(f"the value of {name}" for name in self.transformer.secrets)
        return self


class PromotedFrom(Spec):
    """Where a release was promoted from."""

    environment: Annotated[str, rule(names.environment_name)]
    """The environment that it was deployed in before."""
    time: Annotated[str, Field(min_length=1)]
    """When, in RFC 3339."""
    author: str | None = None
    """Who promoted it."""
    commit: str | None = None
    """The commit that it was deployed from there."""
    update: Annotated[WholeNumber, Field(ge=1)] | None = None
    """The update that deployed it there, as the history of that stack counts them."""


class ReleaseSpec(Spec):
    """What a release file says: one model in one environment."""

    model: Annotated[str, rule(names.model_name)]
    """The model's name."""
    project: Annotated[str, rule(names.project_name)]
    """The project's name, one of the environment's."""
    versions: Annotated[list[ReleaseVersion], Field(min_length=1)]
    """The versions that are deployed, at most two of them not stopped."""
    endpoint: EndpointSettings | None = None
    """The model's own address, and which versions answer there. Default: each version has its own address only."""
    monitoring: Monitoring | None = None
    """How a model without an endpoint is watched; one with an endpoint is watched as `endpoint.monitoring` says.
    Default: not."""
    promoted_from: PromotedFrom | None = None
    """Where it was promoted from. Default: it was not."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "ReleaseSpec":
        listed = [version.version for version in self.versions]
        with as_validation_error("versions"):
            traffic.versions_are_unique(listed, "listed")
        with as_validation_error("monitoring"):
            if self.endpoint and self.monitoring:
                raise CaramlError("the endpoint says how the model is watched", fix="move it to endpoint.monitoring")
        if self.endpoint:
            with as_validation_error("endpoint", "access", "clients"):
                clients = self.endpoint.access.clients
                secrets_are_elsewhere(f"the token of client {one.name}" for one in clients if one.token)
            for path, division in self.endpoint.divisions():
                with as_validation_error("endpoint", *path):
                    traffic_goes_to_listed_versions([share.version for share in division], listed)
            if self.endpoint.mirror:
                with as_validation_error("endpoint", "mirror", "version"):
                    traffic_goes_to_listed_versions([self.endpoint.mirror.version], listed)
            with as_validation_error("endpoint", "traffic"):
                reached = [version for version in self.versions if version.version in self.endpoint.versions]
                traffic.no_version_is_stopped(version.version for version in reached if version.stopped)
                traffic.one_protocol(version.protocol for version in reached if version.protocol)
        return self

    @property
    def watched(self) -> bool:
        """Whether it asks to watch versions that no endpoint leads to."""
        running = any(not version.stopped for version in self.versions)
        return self.endpoint is None and self.monitoring is not None and running

    @property
    def routed(self) -> frozenset[int]:
        """The versions that answer requests to the endpoint."""
        return self.endpoint.weighted if self.endpoint else frozenset()


def secrets_are_elsewhere(secrets: Iterable[str]) -> None:
    """Refuse secret values in a release file, where anybody could read them; `secrets` says what they are."""
    if secrets := list(secrets):
        raise CaramlError(
            f"a release file would keep {', '.join(secrets)} in plain text",
            fix="keep it encrypted in the secrets of the project, and name it in secretRefs, or a client's in tokenRef",
        )


def traffic_goes_to_listed_versions(routed: list[int], listed: list[int]) -> None:
    """Refuse traffic for a version that the release does not deploy."""
    missing = [version for version in routed if version not in listed]
    if missing:
        raise CaramlError(
            f"traffic goes to version {missing[0]}, which the release does not deploy",
            allowed="versions " + ", ".join(str(version) for version in listed),
        )


def plan_release(
    release: ReleaseSpec, platform: PlatformSpec, *, instance_types: Mapping[str, InstanceType] | None = None
) -> tuple[list[VersionPlan], EndpointPlan | None]:
    """Decide every value of `release` on `platform`; `instance_types` are those of its project.

    Raises `CaramlError` for the first rule that is broken, or `CaramlErrors` with one for each version.

    The at-most-two rule holds for the versions of a release whether or not they get traffic, but not for stopped ones.
    """
    identity = {"model": release.model, "project": release.project}
    with within("versions"):
        traffic.at_most_two_deployed_versions(
            (version.version for version in release.versions if not version.stopped),
            model=release.model,
            environment=platform.environment,
        )
    versions, problems = list[VersionPlan](), list[CaramlError]()
    for index, version in enumerate(release.versions):
        try:
            with within("versions", index):
                spec = ModelVersionSpec.model_validate({**identity, **version.given()})
                versions.append(plan_version(spec, platform, instance_types=instance_types))
        except CaramlError as error:
            problems += error.each
    if problems:
        raise together(problems)
    if release.endpoint is None:
        if release.monitoring:
            with within("versions"):
                traffic.one_protocol(plan.protocol for plan in versions if not plan.stopped)
            with within("monitoring", "alerts"):
                decided_alerts(release.monitoring.alerts, platform.monitoring.alerts)
        return versions, None
    with within("endpoint"):
        with within("traffic"):
            traffic.one_protocol(plan.protocol for plan in versions if plan.version in release.endpoint.versions)
        protocol = next(version.protocol for version in versions if version.version in release.routed)
        endpoint = ModelEndpointSpec.model_validate({**identity, "protocol": protocol, **release.endpoint.given()})
        return versions, plan_endpoint(endpoint, platform, versions)
