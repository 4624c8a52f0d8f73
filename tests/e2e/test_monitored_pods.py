"""The names and ports by which pods are watched are those that Knative and Kubernetes really give them."""

import re
from typing import Any

import pytest

from caraml_pulumi.kube.client import APPLY_PATCH, KubeClient
from caraml_pulumi.manifests.monitoring.pod_monitors import pod_monitors
from caraml_pulumi.model.watched import pod_names, revision_names, watched_version
from tests.e2e.autoscaled import eventually
from tests.e2e.conftest import LocalCluster
from tests.unit.model.builders import monitoring, objects, version

pytestmark = pytest.mark.e2e


def apply(client: KubeClient, manifest: Any) -> None:
    metadata = manifest["metadata"]
    path = client.path(manifest["apiVersion"], manifest["kind"], metadata["namespace"], metadata["name"])
    client.request("PATCH", path, manifest, {"fieldManager": "test", "force": "true"}, APPLY_PATCH)


@pytest.mark.parametrize("mode", ["SERVERLESS", "RAW_DEPLOYMENT"])
@pytest.mark.parametrize(
    "named", [{}, {"model": "forecast-of-iris-in-may"}, {"revision": 12}], ids=["short", "long", "r"]
)
def test_monitors_find_the_pods_that_there_are(
    cluster: LocalCluster, namespace: str, mode: str, named: dict[str, Any]
) -> None:
    transformer = {"image": "registry.local/team/transformer:1"}
    plan = version(
        project=namespace,
        image="registry.local/team/iris:1",
        deploymentMode=mode,
        transformer=transformer,
        resourceRequest={"minReplica": 1},
        **named,
    )
    for manifest in objects(plan):
        if manifest["kind"] in ("Service", "Deployment"):
            apply(cluster.client, manifest)
    watched = watched_version(plan)
    for component, monitor in zip(watched.components, pod_monitors(monitoring(plan)), strict=True):
        labels = ",".join(f"{name}={value}" for name, value in monitor["spec"]["selector"]["matchLabels"].items())
        pods: list[Any] = []

        def are_there(labels: str = labels, pods: list[Any] = pods) -> bool:
            path = f"/api/v1/namespaces/{namespace}/pods"
            pods[:] = cluster.client.request("GET", path, params={"labelSelector": labels})["items"]
            return bool(pods)

        eventually(are_there, 60)
        for pod in pods:
            assert re.fullmatch(pod_names(watched, component), pod["metadata"]["name"]), pod["metadata"]["name"]
            ports = {port.get("name") for container in pod["spec"]["containers"] for port in container.get("ports", [])}
            assert {endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]} <= ports
        if mode == "SERVERLESS" and component == watched.entry:
            revision = pods[0]["metadata"]["labels"]["serving.knative.dev/revision"]
            assert re.fullmatch(revision_names(watched), revision)
