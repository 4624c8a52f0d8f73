"""The Kubernetes provider checks, stores and compares resources as the recorded pulumi-kubernetes did."""

import json
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.engine.providers.kubernetes import KubernetesProvider
from caraml_pulumi.engine.providers.kubernetes.diff import diff
from caraml_pulumi.engine.providers.kubernetes.objects import to_object
from caraml_pulumi.engine.providers.kubernetes.replace import fixed_properties
from caraml_pulumi.engine.providers.kubernetes.state import outputs_of
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.state.secrets import PassphraseCrypter, recorded_provider, salt_of_provider
from caraml_pulumi.engine.state.snapshot import snapshot_from_json
from caraml_pulumi.engine.values import Properties, Secret

RECORDINGS = Path(__file__).parent / "recordings"
KUBECONFIG = json.dumps(
    {
        "current-context": "c",
        "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "c", "context": {"cluster": "k"}}],
    }
)
STEPS = [
    "basic/1-create",
    "basic/2-update",
    "basic/4-refresh",
    "basic/5-drift",
    "workload/1-create",
    "workload/2-update",
]


def recorded(step: str) -> dict[str, ResourceState]:
    """The Kubernetes resources of a recorded checkpoint, by URN."""
    document = json.loads((RECORDINGS / f"{step}.checkpoint.json").read_text())
    provider = recorded_provider(document)
    assert provider
    crypter = PassphraseCrypter.from_salt(salt_of_provider(provider), "conformance")
    resources = snapshot_from_json(document, crypter).resources
    return {resource.urn: resource for resource in resources if resource.type.startswith("kubernetes:")}


def planned(step: str) -> dict[str, tuple[str, dict[str, str]]]:
    """What the recorded preview would do with each resource that does not stay the same, and its detailed diff."""
    steps = json.loads((RECORDINGS / f"{step}.preview.json").read_text())["steps"]
    return {
        item["urn"]: (item["op"], {path: entry["kind"] for path, entry in (item.get("detailedDiff") or {}).items()})
        for item in steps
        if ":kubernetes:" in item["urn"].replace("$", ":") and "pulumi:providers" not in item["urn"]
    }


@pytest.fixture
def provider() -> KubernetesProvider:
    return KubernetesProvider({"kubeconfig": KUBECONFIG})


@pytest.mark.parametrize("step", STEPS)
def test_checked_inputs_of_a_recording_are_left_as_they_are(step: str, provider: KubernetesProvider) -> None:
    for urn, resource in recorded(step).items():
        assert provider.check(urn, resource.inputs, resource.inputs) == resource.inputs


@pytest.mark.parametrize("step", STEPS)
def test_outputs_are_stored_as_in_the_recording(step: str) -> None:
    for resource in recorded(step).values():
        stored = resource.outputs
        live, manager = to_object(stored), stored["__fieldManager"]
        assert outputs_of(live, stored_inputs(resource), manager, stored["__initialApiVersion"]) == stored


def stored_inputs(resource: ResourceState) -> Properties:
    """The inputs that the outputs were made from: the resource's own, but for what a refresh changed."""
    inputs: Properties = resource.outputs["__inputs"]
    return inputs


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("basic/1-create", "basic/2-update"),
        ("basic/2-update", "basic/3-same"),
        ("basic/4-refresh", "basic/5-drift"),
        ("workload/1-create", "workload/2-update"),
        ("workload/2-update", "workload/3-delete"),
    ],
)
def test_differences_are_those_of_the_recorded_preview(before: str, after: str) -> None:
    old, new, plan = recorded(before), recorded(after), planned(after)
    for urn in old.keys() & new.keys():
        operation, detailed = plan.get(urn, ("same", {}))
        found = diff(old[urn].outputs, new[urn].inputs, [], fixed_properties(to_object(new[urn].inputs)), None)
        assert found.detailed == detailed
        assert found.changed == (operation != "same")
        assert found.replace == (operation == "replace")
        assert found.delete_before_replace == found.replace
    assert set(plan) <= set(old) | set(new)


def test_string_data_of_a_secret_becomes_secret_data(provider: KubernetesProvider) -> None:
    [urn] = [urn for urn in recorded("basic/1-create") if "v1:Secret::" in urn]
    program: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "token", "namespace": "conf-fraud"},
        "stringData": {"token": Secret("s3cret")},
    }
    checked = provider.check(urn, None, program)
    assert checked == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "token", "namespace": "conf-fraud"},
        "data": Secret({"token": "czNjcmV0"}),
    }
