from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.engine.secrecy import secret_texts
from caraml_pulumi.engine.values import Secret, plain
from caraml_pulumi.model.spec import dotted
from caraml_pulumi.policy_tests.case import Setup
from caraml_pulumi.policy_tests.manifests import subjects_of, type_token

PROD = Setup("prod", "shop")
names = st.text("abcdefghijklmnopqrstuvwxyz-0123456789", min_size=1)


def manifest(kind: str = "Pod", api_version: str = "v1", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", **metadata}}


@pytest.mark.parametrize(
    ("api_version", "kind", "token"),
    [
        ("v1", "Pod", "kubernetes:core/v1:Pod"),
        ("apps/v1", "Deployment", "kubernetes:apps/v1:Deployment"),
        ("networking.k8s.io/v1", "Ingress", "kubernetes:networking.k8s.io/v1:Ingress"),
        ("serving.knative.dev/v1", "Service", "kubernetes:serving.knative.dev/v1:Service"),
    ],
)
def test_the_type_of_an_object_is_pulumis(api_version: str, kind: str, token: str) -> None:
    assert type_token(api_version, kind) == token


def test_an_object_is_a_resource_of_the_stack_named_by_namespace_and_name() -> None:
    (found,) = subjects_of(manifest(namespace="shop"), PROD, dotted)
    assert found.state.urn == "urn:pulumi:prod::shop::kubernetes:core/v1:Pod::shop/web"
    assert found.state.custom
    assert found.state.inputs == manifest(namespace="shop")
    assert found.title == "v1 Pod shop/web"


def test_lists_in_lists_are_opened_and_their_objects_located() -> None:
    inner = {"apiVersion": "v1", "kind": "PodList", "items": [manifest(name="a"), manifest(name="b")]}
    found = list(subjects_of({"apiVersion": "v1", "kind": "List", "items": [manifest(), inner]}, PROD, dotted))
    assert [one.state.name for one in found] == ["web", "a", "b"]
    assert found[2].locate(("spec",)) == "items[1].items[1].spec"


def test_an_object_whose_name_is_generated_is_named_by_what_it_is_generated_from() -> None:
    document = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "load-"}}
    assert [one.state.name for one in subjects_of(document, PROD, dotted)] == ["load-"]


@given(values=st.dictionaries(names, st.text(min_size=4)), key=st.sampled_from(["data", "stringData"]))
def test_all_values_of_a_secret_and_nothing_else_are_secret(values: dict[str, str], key: str) -> None:
    document = {**manifest("Secret"), key: values, "type": "Opaque"}
    (found,) = subjects_of(document, PROD, dotted)
    assert plain(found.state.inputs) == document
    assert secret_texts([found.state.inputs]) == set(values.values())
    assert found.state.inputs["type"] == "Opaque"


def test_other_objects_have_no_secrets_by_their_kind() -> None:
    (found,) = subjects_of({**manifest("ConfigMap"), "data": {"a": "b"}}, PROD, dotted)
    assert not isinstance(found.state.inputs["data"]["a"], Secret)
