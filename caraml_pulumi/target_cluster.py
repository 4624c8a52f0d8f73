"""Where the objects of an environment would go, looked at before anything of it is registered."""

import os
from collections.abc import Callable

import pulumi

from caraml_pulumi.kube.errors import ClusterUnreachable
from caraml_pulumi.kube.kubeconfig import load_cluster_config
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.spec import Locate, located
from caraml_pulumi.model.target_cluster import ClusterSpec, is_the_cluster


def is_on_its_cluster(platform: PlatformSpec, locate: Locate) -> None:
    """Refuse to deploy an environment to another cluster than its own: `cluster` of the platform.

    Raises:
        CaramlError: as `leads_to_its_cluster` does.
    """
    leads_to_its_cluster(platform.cluster, platform.environment, pulumi.Config("kubernetes").get, locate)


def leads_to_its_cluster(
    expected: ClusterSpec, environment: str, setting: Callable[[str], str | None], locate: Locate
) -> None:
    """Refuse settings of the Kubernetes provider that lead to another cluster than `expected`.

    `setting` gives ``kubernetes:kubeconfig``, ``kubernetes:context`` and ``kubernetes:cluster`` of the stack's
    configuration by their names; what stands in for those it does not have counts as well. Nothing is asked where YAML
    is rendered, where no cluster is configured at all, and in a pod, which has no context and belongs to the cluster
    that it is in. `locate` says where a property of the platform is.

    Raises:
        CaramlError: the context or the API server is another, or the kubeconfig cannot be read.
    """
    if (expected.context, expected.server) == (None, None) or setting("renderYamlToDirectory"):
        return
    try:
        found = load_cluster_config(
            setting("kubeconfig"),
            setting("context") or os.environ.get("PULUMI_K8S_CONTEXT"),
            setting("cluster") or os.environ.get("PULUMI_K8S_CLUSTER"),
        )
    except ClusterUnreachable:
        return
    if not found.context:
        return
    with located(locate):
        is_the_cluster(expected, environment=environment, context=found.context, server=found.server)
