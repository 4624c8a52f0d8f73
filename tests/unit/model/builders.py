"""Specs to start from: each test says only what it is about."""

from collections.abc import Sequence
from typing import Any

from caraml_pulumi.manifests import Manifest, routing
from caraml_pulumi.manifests import version as manifests
from caraml_pulumi.model.endpoint import ModelEndpointSpec, plan_endpoint
from caraml_pulumi.model.endpoint_plan import EndpointPlan
from caraml_pulumi.model.image_build import ImageBuildPlan, ImageBuildSpec, plan_image_build
from caraml_pulumi.model.monitoring_plan import ModelMonitoringSpec, MonitoringPlan, plan_monitoring
from caraml_pulumi.model.platform import PlatformSpec, parse_platform
from caraml_pulumi.model.spec import dotted, located, parse
from caraml_pulumi.model.version import ModelVersionSpec, plan_version
from caraml_pulumi.model.version_plan import VersionPlan


def platform(**settings: Any) -> PlatformSpec:
    return parse_platform({"domain": "models.example.com", **settings}, environment="dev", locate=dotted)


def version(on: PlatformSpec | None = None, **settings: Any) -> VersionPlan:
    given = {"model": "iris", "version": 1, "project": "iris-team", "image": "ghcr.io/team/iris:1", **settings}
    with located(dotted, given):
        return plan_version(parse(ModelVersionSpec, given), on or platform())


def objects(plan: VersionPlan, on: PlatformSpec | None = None) -> list[Manifest]:
    """Everything that a version is made of, in the order in which it is made."""
    on = on or platform()
    made = []
    for workload in plan.workloads:
        if secret := manifests.secret(workload):
            made.append({**secret, "metadata": {**secret["metadata"], "name": f"{workload.name}-secret"}})
        made += manifests.workload_objects(plan, workload, on, f"{workload.name}-secret")
        made += [budget] if (budget := manifests.disruption_budget(plan, workload)) else []
    return [*made, *routing.version_objects(plan, on)]


def one(kind: str, plan: VersionPlan, on: PlatformSpec | None = None) -> Manifest:
    """The only object of a kind among those of a version."""
    (found,) = [item for item in objects(plan, on) if item["kind"] == kind]
    return found


def endpoint(
    traffic: list[dict[str, Any]],
    on: PlatformSpec | None = None,
    versions: Sequence[VersionPlan] = (),
    **settings: Any,
) -> EndpointPlan:
    given = {"model": "iris", "project": "iris-team", "traffic": traffic, **settings}
    with located(dotted, given):
        return plan_endpoint(parse(ModelEndpointSpec, given), on or platform(), versions)


def image_build(on: PlatformSpec | None = None, **settings: Any) -> ImageBuildPlan:
    given = {
        "model": "iris",
        "version": 1,
        "project": "iris-team",
        "registry": "ghcr.io/team",
        "context": "git://github.com/team/iris.git",
        **settings,
    }
    with located(dotted, given):
        return plan_image_build(parse(ImageBuildSpec, given), on or platform())


def monitoring(*versions: VersionPlan, on: PlatformSpec | None = None, **settings: Any) -> MonitoringPlan:
    """The monitoring of `versions`, of one model in one project; all of one weight."""
    first = versions[0]
    given = {
        "model": first.model,
        "project": first.project,
        "protocol": first.protocol,
        "team": "fraud",
        "versions": [{"version": plan.version, "weight": 100 // len(versions)} for plan in versions],
        **settings,
    }
    with located(dotted, given):
        return plan_monitoring(parse(ModelMonitoringSpec, given), on or platform(), versions)
