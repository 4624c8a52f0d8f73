"""A small Kubernetes client: kubeconfig, one kept-alive connection pool, discovery.

client = KubeClient.from_kubeconfig()
client.request("GET", client.path("v1", "ConfigMap", "default", "settings"))
"""

from caraml_pulumi.kube.client import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, KubeClient
from caraml_pulumi.kube.discovery import ApiResource, NoSuchKind
from caraml_pulumi.kube.errors import ClusterUnreachable, KubeError

__all__ = [
    "APPLY_PATCH",
    "JSON_PATCH",
    "MERGE_PATCH",
    "ApiResource",
    "ClusterUnreachable",
    "KubeClient",
    "KubeError",
    "NoSuchKind",
]
