"""A version that another program deploys, read from the cluster."""

from typing import Any

import pulumi

from caraml_pulumi.component import provider_version, readable
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.endpoint_plan import EndpointPlan, Share
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.readiness import version_is_ready

_TYPES = {
    DeploymentMode.SERVERLESS: "kubernetes:serving.knative.dev/v1:Service",
    DeploymentMode.RAW_DEPLOYMENT: "kubernetes:apps/v1:Deployment",
}


class _Live(pulumi.CustomResource):
    """An object as the cluster has it."""

    metadata: pulumi.Output[Any]
    status: pulumi.Output[Any]

    def __init__(self, type_: str, name: str, identity: str, opts: pulumi.ResourceOptions) -> None:
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=identity))
        super().__init__(type_, name, {"metadata": None, "status": None}, opts)


def gate_on_ready(
    endpoint: EndpointPlan, shares: list[Share], parent: pulumi.Resource, depends_on: list[pulumi.Resource]
) -> pulumi.Output[Any] | None:
    """An Output that is there when all versions in `shares` are ready, and fails if one is not; nothing for none.

    Versions that are deployed together with the endpoint, in `depends_on`, are looked at when the update gets there;
    others at preview as well.
    """
    if not shares or (depends_on and pulumi.runtime.is_dry_run()):
        return None
    return pulumi.Output.all(*[_ready(endpoint, share, parent, depends_on) for share in shares])


def _ready(
    endpoint: EndpointPlan, share: Share, parent: pulumi.Resource, depends_on: list[pulumi.Resource]
) -> pulumi.Output[Any]:
    live = _Live(
        _TYPES[share.mode],
        share.workload,
        f"{endpoint.project}/{share.workload}",
        pulumi.ResourceOptions(parent=parent, depends_on=depends_on, version=provider_version()),
    )

    def check(found: dict[str, Any]) -> bool:
        with readable():
            if not found["metadata"]:
                raise CaramlError(f"version {share.full_name} is not deployed in {endpoint.project}")
            version_is_ready(share.full_name, share.mode, found)
        return True

    return pulumi.Output.all(metadata=live.metadata, status=live.status).apply(check)
