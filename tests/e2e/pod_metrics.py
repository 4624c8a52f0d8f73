"""What pods use, told to Kubernetes' autoscaler where it looks for it: the API metrics.k8s.io.

A cluster's metrics-server serves that API from what its kubelets measure. Here its kind is a custom resource, so that
the API server keeps what a test says. The autoscaler does not see the difference.
"""

import datetime

from caraml_pulumi.cluster import manifests
from caraml_pulumi.kube.client import APPLY_PATCH, KubeClient

API_VERSION = "metrics.k8s.io/v1beta1"
APPLY = {"fieldManager": "metrics", "force": "true"}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "pods.metrics.k8s.io",
        "annotations": {"api-approved.kubernetes.io": "unapproved, stands in for the metrics server"},
    },
    "spec": {
        "group": "metrics.k8s.io",
        "scope": "Namespaced",
        "names": {"kind": "PodMetrics", "plural": "pods", "singular": "pod"},
        "versions": [
            {
                "name": "v1beta1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def define(client: KubeClient) -> None:
    """Have the API served."""
    manifests.create(client, [DEFINITION])
    manifests.wait_established(client, [DEFINITION])


def report(client: KubeClient, namespace: str, *, cpu_millicores: float = 0, memory_mebibytes: float = 0) -> None:
    """Say what all running pods of a namespace use together; each uses as much as the others."""
    pods = client.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    running = [pod for pod in pods if pod["status"].get("phase") == "Running"]
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for pod in running:
        containers = pod["spec"]["containers"]
        share = len(running) * len(containers)
        usage = {
            "cpu": f"{round(cpu_millicores * 1e6 / share)}n",
            "memory": f"{round(memory_mebibytes * 1024 / share)}Ki",
        }
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        owner = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}
        measured = {
            "apiVersion": API_VERSION,
            "kind": "PodMetrics",
            "metadata": {"name": name, "labels": pod["metadata"]["labels"], "ownerReferences": [owner]},
            "timestamp": now,
            "window": "1s",
            "containers": [{"name": container["name"], "usage": usage} for container in containers],
        }
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/pods/{name}"
        client.request("PATCH", path, body=measured, params=APPLY, content_type=APPLY_PATCH)
