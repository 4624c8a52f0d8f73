"""The cluster of an environment: no other is deployed to."""

from typing import Annotated

from pydantic import Field

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import labels
from caraml_pulumi.model.monitoring import web_address
from caraml_pulumi.model.spec import Spec, rule, within


class ClusterSpec(Spec):
    """The cluster that an environment is deployed to; what is left out may be any."""

    name: Annotated[str, rule(labels.label_value), Field(min_length=1)] | None = None
    """Its name, which the metrics of its models have as their label ``cluster_name`` (Merlin), unless
    `monitoring.clusterName` says another. Default: none."""
    context: Annotated[str, Field(min_length=1)] | None = None
    """The context of the kubeconfig by which alone it may be deployed to. Default: any."""
    server: Annotated[str, rule(web_address)] | None = None
    """The address of its API server, as the kubeconfig has it. Default: any."""


def is_the_cluster(cluster: ClusterSpec, *, environment: str, context: str, server: str) -> None:
    """Refuse a cluster that is not the environment's; `context` and `server` are those that would be deployed to.

    Raises `CaramlError` with the property that differs.
    """
    if cluster.context is not None and cluster.context != context:
        with within("cluster", "context"):
            raise CaramlError(
                f'environment "{environment}" is deployed by the context "{cluster.context}" alone, '
                f'and the context is "{context}"',
                allowed=cluster.context,
                fix=f"choose it: kubectl config use-context {cluster.context}, or "
                f"caraml config set kubernetes:context {cluster.context}",
            )
    if cluster.server is not None and cluster.server != server.rstrip("/"):
        with within("cluster", "server"):
            raise CaramlError(
                f'environment "{environment}" is deployed to {cluster.server} alone, and the API server is {server}',
                allowed=cluster.server,
                fix="name the kubeconfig or the context that leads there: KUBECONFIG, kubernetes:context",
            )
