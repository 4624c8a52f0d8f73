"""The Kubernetes provider against a real API server: create, change, drift, conflicts, deletion."""

import time

import pytest

from caraml_pulumi.engine.providers.kubernetes import KubernetesProvider
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.values import UNKNOWN, Secret
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeError

from .conftest import LocalCluster
from .kubernetes_stack import Object, Stack, deployment

pytestmark = pytest.mark.e2e


@pytest.fixture
def stack(cluster: LocalCluster, namespace: str) -> Stack:
    return Stack(KubernetesProvider({"kubeconfig": str(cluster.kubeconfig)}), namespace, cluster.client)


def managers(obj: Object) -> set[tuple[str, str]]:
    entries = obj["metadata"]["managedFields"]
    return {(item["manager"], item["operation"]) for item in entries if not item.get("subresource")}


def test_a_deployment_is_created_ready_changed_under_its_own_manager_and_deleted(stack: Stack) -> None:
    made = stack.create("apps/v1:Deployment", deployment(stack))
    assert made.id == f"{stack.namespace}/iris"
    assert made.outputs["status"]["availableReplicas"] == 2
    assert managers(stack.live(made)) == {("pulumi-kubernetes", "Update")}
    manager = made.outputs["__fieldManager"]

    changed = stack.update(made, deployment(stack, "a:2"))
    assert changed.outputs["spec"]["template"]["spec"]["containers"][0]["image"] == "a:2"
    assert changed.outputs["status"]["updatedReplicas"] == 2
    assert managers(stack.live(changed)) == {(manager, "Apply")}
    assert changed.outputs["__fieldManager"] == manager
    assert not stack.diff(changed, deployment(stack, "a:2")).changed

    stack.provider.delete(changed, stack.context())
    with pytest.raises(KubeError, match="not found"):
        stack.live(changed)
    stack.provider.delete(changed, stack.context())


def test_other_spellings_of_the_same_object_are_no_change(stack: Stack) -> None:
    spelled = deployment(stack, resources={"requests": {"cpu": "1000m", "memory": "1024Mi"}}, tty=False, args=[])
    made = stack.create("apps/v1:Deployment", spelled)
    assert not stack.diff(made, spelled).changed
    same = deployment(stack, resources={"requests": {"cpu": 1, "memory": "1Gi"}})
    assert not stack.diff(made, same).changed
    other = deployment(stack, resources={"requests": {"cpu": "1001m", "memory": "1Gi"}}, tty=False)
    cpu = "spec.template.spec.containers[0].resources.requests.cpu"
    assert stack.diff(made, other).detailed == {cpu: "update"}


def test_previews_ask_the_server_and_change_nothing(stack: Stack) -> None:
    shown = stack.create("apps/v1:Deployment", deployment(stack), preview=True)
    assert shown.id == ""
    assert shown.outputs["spec"]["progressDeadlineSeconds"] == 600
    assert "status" not in shown.outputs
    made = stack.create("apps/v1:Deployment", deployment(stack))
    before = stack.live(made)
    shown = stack.update(made, deployment(stack, "a:2"), preview=True)
    assert shown.outputs["spec"]["template"]["spec"]["containers"][0]["image"] == "a:2"
    assert stack.live(made)["metadata"]["generation"] == before["metadata"]["generation"]


def test_a_preview_of_what_is_invalid_fails(stack: Stack) -> None:
    with pytest.raises(CaramlError) as caught:
        stack.create("apps/v1:Deployment", deployment(stack, replicas=-1), preview=True)
    assert "spec.replicas" in caught.value.what
    assert caught.value.where == f"Deployment {stack.namespace}/iris"


def test_previews_of_what_cannot_be_known_yet_show_the_inputs(stack: Stack) -> None:
    unknown = {**stack.metadata("a"), "data": {"a": UNKNOWN}}
    assert stack.create("core/v1:ConfigMap", unknown, preview=True).outputs["data"] == {"a": UNKNOWN}
    elsewhere = {"metadata": {"name": "a", "namespace": "not-made-yet"}, "data": {"a": "1"}}
    assert stack.create("core/v1:ConfigMap", elsewhere, preview=True).outputs["data"] == {"a": "1"}
    kind = {**stack.metadata("a"), "spec": {"a": 1}}
    assert stack.create("not.installed.example.com/v1:Kind", kind, preview=True).outputs["spec"] == {"a": 1}


def test_secret_data_is_secret_in_inputs_and_outputs_and_reaches_the_cluster(stack: Stack) -> None:
    made = stack.create("core/v1:Secret", {**stack.metadata("s"), "stringData": Secret({"token": "hunter2"})})
    data = Secret({"token": "aHVudGVyMg=="})
    assert made.inputs["data"] == made.outputs["data"] == made.outputs["__inputs"]["data"] == data
    assert stack.live(made)["data"] == {"token": "aHVudGVyMg=="}


def test_drift_by_kubectl_is_seen_by_a_read_and_repaired_by_an_update(stack: Stack) -> None:
    made = stack.create("apps/v1:Deployment", deployment(stack))
    made = stack.update(made, deployment(stack, "a:2"))
    stack.edit(made, {"spec": {"replicas": 1}, "metadata": {"labels": {"theirs": "kept"}}}, "kubectl-edit")
    assert not stack.diff(made, deployment(stack, "a:2")).changed

    found = stack.provider.read(made.urn, made.id, made, stack.context())
    assert found is not None
    assert found.inputs is not None
    assert found.inputs["spec"]["replicas"] == 1
    assert "labels" not in found.inputs["metadata"]
    drifted = ResourceState(made.urn, made.type, True, made.id, found.inputs, found.outputs)
    assert stack.diff(drifted, deployment(stack, "a:2")).detailed == {"spec.replicas": "update"}
    stack.update(drifted, deployment(stack, "a:2"), preview=True)
    repaired = stack.update(drifted, deployment(stack, "a:2"))
    assert stack.live(repaired)["spec"]["replicas"] == 2


def test_what_was_deleted_outside_is_read_as_gone_and_made_again_by_an_update(stack: Stack) -> None:
    made = stack.create("apps/v1:Deployment", deployment(stack))
    stack.client.request("DELETE", stack.client.path("apps/v1", "Deployment", stack.namespace, "iris"))
    while stack.provider.read(made.urn, made.id, made, stack.context()) is not None:
        time.sleep(0.05)
    again = stack.update(made, deployment(stack, "a:2"))
    assert stack.live(again)["metadata"]["uid"] != made.outputs["metadata"]["uid"]
    assert stack.warnings == [
        f"Deployment {stack.namespace}/iris was deleted outside of this stack and is created again"
    ]


def test_a_conflict_names_the_other_manager_the_field_and_the_ways_out(stack: Stack) -> None:
    made = stack.update(stack.create("apps/v1:Deployment", deployment(stack)), deployment(stack, "a:2"))
    stack.edit(made, {"spec": {"replicas": 3}}, "autoscaler")
    for preview in (True, False):
        with pytest.raises(CaramlError) as caught:
            stack.update(made, deployment(stack, "a:3"), preview=preview)
        assert "spec.replicas (of autoscaler)" in caught.value.what
        assert 'ignore_changes=["spec.replicas"]' in caught.value.fix
        assert 'pulumi.com/patchForce: "true"' in caught.value.fix
    assert stack.live(made)["spec"]["replicas"] == 3


def test_ignored_changes_leave_a_field_to_the_manager_that_set_it(stack: Stack) -> None:
    made = stack.update(stack.create("apps/v1:Deployment", deployment(stack)), deployment(stack, "a:2"))
    stack.edit(made, {"spec": {"replicas": 3}}, "autoscaler")
    stack.update(made, deployment(stack, "a:3"), preview=True, ignore_changes=("spec.replicas",))
    changed = stack.update(made, deployment(stack, "a:3"), ignore_changes=("spec.replicas",))
    live = stack.live(changed)
    assert live["spec"]["replicas"] == 3
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "a:3"


def test_the_annotation_patch_force_takes_a_field_back(stack: Stack) -> None:
    made = stack.create("core/v1:ConfigMap", {**stack.metadata("c", labels={"a": "1"}), "data": {"a": "1"}})
    made = stack.update(made, {**stack.metadata("c", labels={"a": "2"}), "data": {"a": "1"}})
    stack.edit(made, {"metadata": {"labels": {"a": "theirs"}}}, "somebody")
    forced = stack.metadata("c", labels={"a": "3"}, annotations={"pulumi.com/patchForce": "true"})
    assert stack.live(stack.update(made, {**forced, "data": {"a": "1"}}))["metadata"]["labels"] == {"a": "3"}


def test_an_object_of_somebody_else_is_not_taken_over(stack: Stack) -> None:
    path = stack.client.path("v1", "ConfigMap", stack.namespace)
    body = {"metadata": {"name": "c"}, "data": {"a": "theirs"}}
    stack.client.request("POST", path, body, {"fieldManager": "kubectl-create"})
    inputs = {**stack.metadata("c"), "data": {"a": "ours"}}
    for preview in (True, False):
        with pytest.raises(CaramlError, match="exists already, and this stack did not create it") as caught:
            stack.create("core/v1:ConfigMap", inputs, preview=preview)
        assert f'import_="{stack.namespace}/c"' in caught.value.fix
        assert f"kubectl delete configmap c -n {stack.namespace}" in caught.value.fix
    urn = "urn:pulumi:dev::p::kubernetes:core/v1:ConfigMap::res"
    checked = stack.provider.check(urn, None, inputs)
    assert stack.provider.recover(urn, checked, stack.context()) is None


def test_with_upsert_existing_objects_a_create_changes_what_is_there_but_not_other_managers_fields(
    stack: Stack, cluster: LocalCluster
) -> None:
    upserting = {"kubeconfig": str(cluster.kubeconfig), "upsertExistingObjects": True}
    upserts = Stack(KubernetesProvider(upserting), stack.namespace, stack.client)
    path = stack.client.path("v1", "ConfigMap", stack.namespace)
    body = {"metadata": {"name": "c"}, "data": {"a": "theirs", "b": "theirs"}}
    theirs: Object = stack.client.request("POST", path, body, {"fieldManager": "merlin"})

    added = upserts.create("core/v1:ConfigMap", {**stack.metadata("c"), "data": {"a": "theirs", "c": "ours"}})
    assert stack.live(added)["data"] == {"a": "theirs", "b": "theirs", "c": "ours"}
    assert stack.live(added)["metadata"]["uid"] == theirs["metadata"]["uid"]

    conflicting = {**stack.metadata("c"), "data": {"b": "ours"}}
    for preview in (True, False):
        with pytest.raises(CaramlError, match=r"another field manager owns: data\.b \(of merlin\)"):
            upserts.create("core/v1:ConfigMap", conflicting, preview=preview)
    forced = {**conflicting, **stack.metadata("c", annotations={"pulumi.com/patchForce": "true"})}
    taken = upserts.create("core/v1:ConfigMap", forced)
    assert stack.live(taken)["data"]["b"] == "ours"
    assert not upserts.diff(taken, forced).changed


def test_what_an_interrupted_create_made_is_recovered(stack: Stack) -> None:
    made = stack.create("core/v1:ConfigMap", {**stack.metadata("c"), "data": {"a": "1"}})
    found = stack.provider.recover(made.urn, made.inputs, stack.context())
    assert found is not None
    assert found.id == made.id
    assert found.outputs["metadata"]["uid"] == made.outputs["metadata"]["uid"]


def test_a_definition_is_served_when_its_create_returns_and_is_replaced_whole(stack: Stack) -> None:
    group = f"{stack.namespace}.example.com"
    properties: Object = {"spec": {"type": "object", "x_kubernetes_preserve_unknown_fields": True}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
    names = {"plural": "gauges", "singular": "gauge", "kind": "Gauge"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": versions}
    definition = {"metadata": {"name": f"gauges.{group}"}, "spec": spec}
    type_ = "apiextensions.k8s.io/v1:CustomResourceDefinition"
    made = stack.create(type_, definition)
    try:
        gauge = stack.create(f"{group}/v1:Gauge", {**stack.metadata("g"), "spec": {"value": 7}})
        assert gauge.outputs["spec"] == {"value": 7}
        assert stack.update(gauge, {**stack.metadata("g"), "spec": {"value": 8}}).outputs["spec"] == {"value": 8}
        properties["status"] = {"type": "object"}
        shown = stack.update(made, definition, preview=True)
        assert "status" in shown.outputs["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        changed = stack.update(made, definition)
        stored = changed.outputs["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        assert stored == {
            "spec": {"type": "object", "x_kubernetes_preserve_unknown_fields": True},
            "status": {"type": "object"},
        }
        assert not stack.diff(changed, definition).changed
    finally:
        stack.provider.delete(made, stack.context())


def test_a_user_without_rights_is_told_so_at_preview_and_for_all_objects_alike(
    cluster: LocalCluster, namespace: str
) -> None:
    provider = KubernetesProvider({"kubeconfig": str(cluster.dev_kubeconfig)})
    rightless = Stack(provider, namespace, cluster.client)
    told = set()
    for name in ("a", "b"):
        for preview in (True, False):
            with pytest.raises(CaramlError) as caught:
                rightless.create("core/v1:ConfigMap", rightless.metadata(name), preview=preview)
            told.add(str(caught.value))
    [message] = told
    assert 'cannot create resource "configmaps" in API group "" in the namespace' in message
    assert "ask an administrator" in message


def test_an_unknown_field_is_a_warning_of_the_server(stack: Stack) -> None:
    stack.create("core/v1:ConfigMap", {**stack.metadata("c"), "dta": {"a": "1"}})
    assert stack.warnings == ['unknown field "dta"']


def test_an_object_is_imported_with_the_fields_that_a_program_would_set(stack: Stack) -> None:
    made = stack.create("apps/v1:Deployment", deployment(stack))
    found = stack.provider.read(made.urn, made.id, None, stack.context())
    assert found is not None
    assert found.inputs is not None
    assert found.inputs["spec"]["replicas"] == 2
    assert "status" not in found.inputs
    assert "uid" not in found.inputs["metadata"]
    assert stack.provider.read(made.urn, f"{stack.namespace}/absent", None, stack.context()) is None
