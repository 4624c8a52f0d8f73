"""Where the objects of an environment would go, looked at before anything of it is registered."""

import os

import pulumi

from caraml_pulumi.kube.errors import ClusterUnreachable
from caraml_pulumi.kube.kubeconfig import load_cluster_config
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.target_cluster import is_the_cluster


def is_on_its_cluster(platform: PlatformSpec) -> None:
    """Refuse to deploy an environment to another cluster than its own: `cluster` of the platform.

    The cluster is that of the stack's Kubernetes provider: ``kubernetes:kubeconfig``, ``kubernetes:context`` and
    ``kubernetes:cluster`` of the configuration, else what stands in for them. Nothing is asked where YAML is rendered,
    where no cluster is configured at all, and in a pod, which has no context and belongs to the cluster that it is in.

    Raises:
        CaramlError: the context or the API server is another, or the kubeconfig cannot be read.
    """
    expected, config = platform.cluster, pulumi.Config("kubernetes")
    if (expected.context, expected.server) == (None, None) or config.get("renderYamlToDirectory"):
        return
    try:
        found = load_cluster_config(
            config.get("kubeconfig"),
            config.get("context") or os.environ.get("PULUMI_K8S_CONTEXT"),
            config.get("cluster") or os.environ.get("PULUMI_K8S_CLUSTER"),
        )
    except ClusterUnreachable:
        return
    if found.context:
        is_the_cluster(expected, environment=platform.environment, context=found.context, server=found.server)
