"""Names, secrets, ownership, settings and rendering of Kubernetes objects."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from caraml_pulumi.engine.providers.base import Context
from caraml_pulumi.engine.providers.kubernetes import KubernetesProvider
from caraml_pulumi.engine.providers.kubernetes.delete import propagation
from caraml_pulumi.engine.providers.kubernetes.managed_fields import handed_over, is_fresh, is_ours, without_ignored
from caraml_pulumi.engine.providers.kubernetes.objects import api_version_and_kind
from caraml_pulumi.engine.providers.kubernetes.secrets import hide_secrets, with_secrets
from caraml_pulumi.engine.providers.kubernetes.settings import parse_settings
from caraml_pulumi.engine.values import UNKNOWN, Secret
from caraml_pulumi.errors import CaramlError

Object = dict[str, Any]
NOWHERE = json.dumps(
    {
        "current-context": "c",
        "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "namespace": "models"}}],
    }
)


def urn(type_: str, name: str = "res") -> str:
    return f"urn:pulumi:dev::p::kubernetes:{type_}::{name}"


@pytest.fixture
def provider() -> KubernetesProvider:
    return KubernetesProvider({"kubeconfig": Secret(NOWHERE)})


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("core/v1:ConfigMap", ("v1", "ConfigMap")),
        ("apps/v1:Deployment", ("apps/v1", "Deployment")),
        ("example.com/v1:FooPatch", ("example.com/v1", "FooPatch")),
    ],
)
def test_a_type_stands_for_an_api_version_and_kind(type_: str, expected: tuple[str, str]) -> None:
    assert api_version_and_kind(urn(type_)) == expected


@pytest.mark.parametrize(
    "type_", ["core/v1:ConfigMapList", "apps/v1:DeploymentPatch", "helm.sh/v3:Release", "yaml/v2:ConfigGroup"]
)
def test_types_that_are_not_one_object_are_refused_by_name(type_: str) -> None:
    with pytest.raises(CaramlError) as caught:
        api_version_and_kind(urn(type_))
    assert type_ in caught.value.what
    assert caught.value.fix


def test_an_unnamed_object_gets_a_name_and_keeps_it(provider: KubernetesProvider) -> None:
    first = provider.check(urn("core/v1:ConfigMap"), None, {"data": {"a": "1"}})
    name = first["metadata"]["name"]
    assert name.startswith("res-")
    assert len(name) == len("res-") + 8
    assert first["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    assert (first["apiVersion"], first["kind"]) == ("v1", "ConfigMap")
    again = provider.check(urn("core/v1:ConfigMap"), first, {"data": {"a": "2"}})
    assert again["metadata"] == first["metadata"]


def test_the_namespace_of_the_context_is_filled_in_for_namespaced_kinds(provider: KubernetesProvider) -> None:
    named = {"metadata": {"name": "x"}}
    assert provider.check(urn("core/v1:ConfigMap"), None, named)["metadata"]["namespace"] == "models"
    assert "namespace" not in provider.check(urn("core/v1:Namespace"), None, named)["metadata"]
    own = KubernetesProvider({"kubeconfig": NOWHERE, "namespace": "own"})
    assert own.check(urn("core/v1:ConfigMap"), None, named)["metadata"]["namespace"] == "own"


def test_unknown_names_are_left_unknown(provider: KubernetesProvider) -> None:
    checked = provider.check(urn("core/v1:ConfigMap"), None, {"metadata": {"name": UNKNOWN, "namespace": UNKNOWN}})
    assert checked["metadata"] == {"name": UNKNOWN, "namespace": UNKNOWN}
    assert provider.check(urn("core/v1:ConfigMap"), None, {"metadata": UNKNOWN})["metadata"] is UNKNOWN


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"generateName": "x-"}, "generateName is not supported"),
        ({"name": "x", "annotations": {"pulumi.com/timeoutSeconds": "5m"}}, "is '5m'"),
        ({"name": "x", "annotations": {"pulumi.com/waitFor": "Ready"}}, "is 'Ready'"),
        ("x", "is not an object"),
    ],
)
def test_metadata_that_cannot_be_obeyed_is_refused(provider: KubernetesProvider, metadata: Any, message: str) -> None:
    with pytest.raises(CaramlError) as caught:
        provider.check(urn("core/v1:ConfigMap"), None, {"metadata": metadata})
    assert message in caught.value.what


def test_a_preview_goes_on_without_a_cluster_and_warns_once(provider: KubernetesProvider) -> None:
    warnings: list[str] = []
    context = Context(preview=True, warn=warnings.append)
    inputs = provider.check(urn("core/v1:ConfigMap"), None, {"metadata": {"name": "x"}, "data": {"a": "1"}})
    for _ in range(3):
        assert provider.create(urn("core/v1:ConfigMap"), inputs, context).outputs == inputs
    assert len(warnings) == 1
    assert "cannot be reached" in warnings[0]


def test_a_real_operation_without_a_cluster_fails(provider: KubernetesProvider) -> None:
    inputs = provider.check(urn("core/v1:ConfigMap"), None, {"metadata": {"name": "x"}})
    with pytest.raises(CaramlError, match="cannot be reached"):
        provider.create(urn("core/v1:ConfigMap"), inputs, Context())


def test_a_secret_in_a_structure_hides_its_path_and_a_list_as_a_whole() -> None:
    inputs = {"kind": "Pod", "spec": {"a": Secret("x"), "b": "y", "list": [{"c": Secret("z")}, {"d": 1}]}}
    outputs = {"kind": "Pod", "spec": {"a": "x", "b": "y", "list": [{"c": "z"}, {"d": 1}]}, "status": {}}
    marked = with_secrets(outputs, inputs)["spec"]
    assert marked == {"a": Secret("x"), "b": "y", "list": Secret([{"c": "z"}, {"d": 1}])}


def test_errors_that_quote_a_secret_are_told_without_it() -> None:
    error = CaramlError('env value "hunter2" (aHVudGVyMg==) is invalid')
    hide_secrets(error, {"env": Secret({"value": "hunter2"})})
    assert error.what == 'env value "[secret]" ([secret]) is invalid'


def entry(manager: str, operation: str, fields: Object, **more: Any) -> Object:
    return {
        "manager": manager, "operation": operation, "apiVersion": "v1", "time": "t", "fieldsType": "FieldsV1",
        "fieldsV1": fields, **more,
    }  # fmt: skip


def managed(*entries: Object) -> Object:
    return {"metadata": {"name": "x", "managedFields": list(entries)}}


def test_what_the_create_and_kubectl_own_is_handed_to_the_resources_manager() -> None:
    created = entry("pulumi-kubernetes", "Update", {"f:data": {"f:a": {}}})
    edited = entry("kubectl-edit", "Update", {"f:data": {"f:b": {}}})
    controller = entry("kube-controller-manager", "Update", {"f:status": {}}, subresource="status")
    fields = handed_over(managed(created, edited, controller), "pulumi-kubernetes-1a2b3c4d")
    assert fields is not None
    assert [(item["manager"], item["operation"]) for item in fields] == [
        ("pulumi-kubernetes-1a2b3c4d", "Apply"),
        ("kube-controller-manager", "Update"),
    ]
    assert fields[0]["fieldsV1"] == {"f:data": {"f:a": {}, "f:b": {}}}


def test_nothing_is_handed_over_twice() -> None:
    own = entry("pulumi-kubernetes-1a2b3c4d", "Apply", {"f:data": {}})
    assert handed_over(managed(own, entry("istiod", "Update", {})), "pulumi-kubernetes-1a2b3c4d") is None


def test_an_object_is_fresh_until_something_is_applied_to_it() -> None:
    created = managed(entry("pulumi-kubernetes", "Update", {}))
    applied = managed(entry("pulumi-kubernetes-1a2b3c4d", "Apply", {}))
    foreign = managed(entry("kubectl", "Update", {}))
    assert [is_fresh(item) for item in (created, applied, foreign)] == [True, False, False]
    assert [is_ours(item) for item in (created, applied, foreign)] == [True, True, False]


def test_an_ignored_field_that_another_manager_owns_is_left_out_of_the_apply() -> None:
    ours = entry("pulumi-kubernetes-1", "Apply", {"f:spec": {"f:template": {}}})
    theirs = entry("hpa", "Update", {"f:spec": {"f:replicas": {}}})
    live = {**managed(ours, theirs), "spec": {"replicas": 5}}
    wanted = {"spec": {"replicas": 1, "template": {}}}
    assert without_ignored(wanted, live, "pulumi-kubernetes-1", [["spec", "replicas"]]) == {"spec": {"template": {}}}


def test_an_ignored_field_of_our_own_is_applied_as_it_is_live() -> None:
    live = {**managed(entry("pulumi-kubernetes-1", "Apply", {"f:spec": {"f:replicas": {}}})), "spec": {"replicas": 5}}
    wanted = without_ignored({"spec": {"replicas": 1}}, live, "pulumi-kubernetes-1", [["spec", "replicas"]])
    assert wanted == {"spec": {"replicas": 5}}


@pytest.mark.parametrize(
    ("api_version", "kind", "policy"),
    [
        ("v1", "ConfigMap", "Background"),
        ("apps/v1", "Deployment", "Foreground"),
        ("networking.istio.io/v1", "VirtualService", "Background"),
        ("serving.knative.dev/v1", "Service", "Background"),
        ("example.com/v1", "Anything", "Foreground"),
    ],
)
def test_only_what_has_dependents_is_deleted_in_the_foreground(api_version: str, kind: str, policy: str) -> None:
    obj: Object = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}}
    assert propagation(obj) == policy
    obj["metadata"]["annotations"] = {"pulumi.com/deletionPropagationPolicy": "orphan"}
    assert propagation(obj) == "Orphan"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"enableServerSideApply": "false"}, "enableServerSideApply is false"),
        ({"renderYamlToDirectory": "out"}, "does not have the Kubernetes provider's renderYamlToDirectory"),
        ({"deleteUnreachable": "maybe"}, "deleteUnreachable is 'maybe'"),
        ({"context": 3}, "context is 3"),
    ],
)
def test_settings_that_the_engine_does_not_have_are_refused(inputs: Object, message: str) -> None:
    with pytest.raises(CaramlError) as caught:
        parse_settings(inputs)
    assert message in caught.value.what


def test_settings_come_as_texts_objects_or_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_K8S_DELETE_UNREACHABLE", "true")
    settings = parse_settings({"enablePatchForce": "true", "kubeconfig": {"a": 1}, "context": ""})
    assert (settings.patch_force, settings.delete_unreachable, settings.context) == (True, True, None)
    assert settings.kubeconfig == '{"a": 1}'


def test_rendering_writes_numbered_files_without_secrets(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rendering = KubernetesProvider({"kubeconfig": "/absent"}, render=out)
    secret = {"metadata": {"name": "s", "namespace": "models"}, "stringData": Secret({"token": "hunter2"})}
    resources: list[tuple[str, Object]] = [
        ("core/v1:Namespace", {"metadata": {"name": "models"}}),
        ("core/v1:Secret", secret),
    ]
    for type_, inputs in resources:
        made = rendering.create(urn(type_), rendering.check(urn(type_), None, inputs), Context(preview=True))
        assert made.id
    files = sorted(out.iterdir())
    assert [file.name for file in files] == ["0001-v1-namespace-models.yaml", "0002-v1-secret-models-s.yaml"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert files[0].read_text() == "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: models\n"
    text = files[1].read_text()
    assert "hunter2" not in text
    assert "aHVudGVyMg==" not in text
    assert yaml.safe_load(text)["data"] == {"token": "[secret: left out]"}


def test_rendering_refuses_a_directory_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CaramlError, match=r"holds other files: notes\.txt"):
        KubernetesProvider({}, render=tmp_path)
