"""Programs to record: a project, two versions of a model and their endpoint."""

from collections.abc import Callable
from typing import Any

import pulumi

from caraml_pulumi import AutoscalingPolicy, CustomModelVersion, DeploymentMode, ModelEndpoint, ModelProject
from caraml_pulumi.testing import Recording, record

CONFIG = {"caraml:platform": {"domain": "models.example.com"}}
KNATIVE = "kubernetes:serving.knative.dev/v1:Service"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SERVICE = "kubernetes:core/v1:Service"
AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
ROUTE = "kubernetes:networking.istio.io/v1:VirtualService"
NAMESPACE = "kubernetes:core/v1:Namespace"
VERSION = "caraml:index:CustomModelVersion"
ENDPOINT = "caraml:index:ModelEndpoint"


def iris() -> None:
    project = ModelProject("iris-team", team="fraud", stream="risk")
    first = CustomModelVersion(
        "iris-1",
        model="iris",
        version=1,
        project=project,
        image="ghcr.io/team/iris:1",
        autoscaling_policy=AutoscalingPolicy.concurrency(2),
    )
    second = CustomModelVersion(
        "iris-2",
        model="iris",
        version=2,
        project=project,
        image="ghcr.io/team/iris:2",
        deployment_mode=DeploymentMode.RAW_DEPLOYMENT,
    )
    endpoint = ModelEndpoint("iris", traffic={first: 90, second: 10})
    pulumi.export("url", endpoint.url)


def one_version(preview: bool = False, **settings: Any) -> Recording:
    given: dict[str, Any] = {"model": "iris", "version": 1, "project": "iris-team", "image": "ghcr.io/team/iris:1"}
    return recorded(lambda: CustomModelVersion("iris-1", **{**given, **settings}), preview=preview)


def recorded(program: Callable[[], Any], *, preview: bool = False, live: dict[str, Any] | None = None) -> Recording:
    return record(program, config=CONFIG, preview=preview, live=live)
