"""Every shape of a version that somebody else made as we would have is imported without a difference."""

from typing import Any

import pytest

from caraml_pulumi.engine.providers.kubernetes import KubernetesProvider
from caraml_pulumi.engine.resource import ResourceState
from tests.e2e.conftest import LocalCluster
from tests.e2e.kubernetes_stack import Object, Stack
from tests.e2e.test_version_shapes import MODES, ON, SHAPES, planned, request
from tests.unit.model.builders import objects

pytestmark = pytest.mark.e2e


def differences(stack: Stack, manifest: Object) -> dict[str, Any]:
    """What importing the object of `manifest` and then applying it would change."""
    group = manifest["apiVersion"] if "/" in manifest["apiVersion"] else f"core/{manifest['apiVersion']}"
    type_ = f"kubernetes:{group}:{manifest['kind']}"
    urn = f"urn:pulumi:dev::p::{type_}::{manifest['metadata']['name']}"
    id_ = f"{stack.namespace}/{manifest['metadata']['name']}"
    live = stack.provider.adopt(urn, id_, manifest, stack.context())
    assert live is not None
    assert live.inputs is not None
    imported = ResourceState(urn, type_, True, live.id, live.inputs, live.outputs)
    return {f"{manifest['kind']} {path}": kind for path, kind in stack.diff(imported, manifest).detailed.items()}


@pytest.mark.parametrize("mode", MODES)
def test_a_shape_is_imported_without_a_difference(cluster: LocalCluster, namespace: str, mode: str) -> None:
    stack = Stack(KubernetesProvider({"kubeconfig": str(cluster.kubeconfig)}), namespace, cluster.client)
    found: dict[str, Any] = {}
    for number, (name, settings) in enumerate(SHAPES.items(), 1):
        for manifest in objects(planned(namespace, {**settings, "deploymentMode": mode, "version": number}), ON):
            request(cluster.client, manifest, fieldManager="kubectl-create")
            found |= {f"{name}: {place}": kind for place, kind in differences(stack, manifest).items()}
    assert found == {}
