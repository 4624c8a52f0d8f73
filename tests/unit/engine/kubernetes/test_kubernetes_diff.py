"""What counts as a change of a Kubernetes object, and what replaces it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.engine.providers.base import Diff
from caraml_pulumi.engine.providers.kubernetes.diff import diff
from caraml_pulumi.engine.providers.kubernetes.normalise import normalise
from caraml_pulumi.engine.providers.kubernetes.objects import to_object
from caraml_pulumi.engine.providers.kubernetes.prune import prune, with_empties
from caraml_pulumi.engine.providers.kubernetes.replace import fixed_properties
from caraml_pulumi.engine.values import UNKNOWN, Secret
from caraml_pulumi.errors import CaramlError

Object = dict[str, Any]


def deployment(image: str = "a:1", namespace: str = "n", **spec: Any) -> Object:
    container = {"name": "model", "image": image, "resources": {"requests": {"cpu": "1"}}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "iris", "namespace": namespace, "labels": {"a.b/c": "1"}},
        "spec": {
            "selector": {"matchLabels": {"app": "iris"}},
            "template": {"spec": {"containers": [container]}},
            **spec,
        },
    }


def config_map(data: Object, **more: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}, "data": data, **more}


def live(inputs: Object, **more: Any) -> Object:
    """State of `inputs`, with what a cluster adds."""
    metadata = {**inputs["metadata"], "uid": "u", "resourceVersion": "7"}
    return {**inputs, **more, "metadata": metadata, "status": {"phase": "x"}, "__inputs": inputs}


def compare(outputs: Object, new: Object, ignore: list[str] | None = None, **options: Any) -> Diff:
    fixed = fixed_properties(to_object(new), **options)
    return diff(outputs, new, ignore or [], fixed, None)


def test_what_the_cluster_added_is_no_change() -> None:
    assert not compare(live(deployment()), deployment()).changed


def test_a_changed_image_is_an_update_at_its_path() -> None:
    found = compare(live(deployment()), deployment("a:2"))
    assert found.detailed == {"spec.template.spec.containers[0].image": "update"}
    assert not found.replace


def test_keys_with_dots_are_quoted_in_paths() -> None:
    new = deployment()
    new["metadata"]["labels"] = {"a.b/c": "2"}
    assert compare(live(deployment()), new).detailed == {'metadata.labels["a.b/c"]': "update"}


def test_another_selector_replaces_a_deployment_in_its_place() -> None:
    new = deployment()
    new["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    found = compare(live(deployment()), new)
    assert found.detailed == {"spec.selector.matchLabels.app": "update-replace"}
    assert found.replace_keys == ["spec"]
    assert found.delete_before_replace


def test_another_namespace_replaces_without_deleting_first() -> None:
    found = compare(live(deployment()), deployment(namespace="other"))
    assert found.detailed == {"metadata.namespace": "update-replace"}
    assert not found.delete_before_replace


def test_an_autonamed_object_is_replaced_before_it_is_deleted() -> None:
    named = config_map({"a": "1"})
    named["metadata"]["annotations"] = {"pulumi.com/autonamed": "true"}
    found = compare(live(named), {**named, "data": {"a": "2"}})
    assert found.replace
    assert not found.delete_before_replace


def test_new_data_replaces_a_config_map_unless_they_are_mutable() -> None:
    old = live(config_map({"a": "1"}))
    assert compare(old, config_map({"a": "2"})).replace
    assert not compare(old, config_map({"a": "2"}), mutable_config_maps=True).replace
    frozen = config_map({"a": "1"}, immutable=True)
    assert compare(live(frozen), {**frozen, "data": {"a": "2"}}, mutable_config_maps=True).replace


def test_taking_all_data_out_replaces_a_config_map() -> None:
    new = config_map({"a": "1"})
    del new["data"]
    assert compare(live(config_map({"a": "1"})), new).detailed == {"data": "delete-replace"}


def test_the_data_of_secrets_is_compared_by_value() -> None:
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}}
    old = live({**secret, "data": Secret({"t": "YQ=="})})
    assert not compare(old, {**secret, "data": Secret({"t": "YQ=="})}).changed
    assert compare(old, {**secret, "data": Secret({"t": "Yg=="})}).detailed == {"data.t": "update-replace"}
    assert compare(old, {**secret, "stringData": {"t": UNKNOWN}}).detailed == {"data.t": "update-replace"}


def test_unknown_metadata_may_be_another_name_and_replaces() -> None:
    assert compare(live(config_map({"a": "1"})), {**config_map({"a": "1"}), "metadata": UNKNOWN}).replace


def test_an_unknown_value_is_an_update() -> None:
    found = compare(live(deployment()), deployment(replicas=UNKNOWN))
    assert found.detailed == {"spec.replicas": "add"}


def test_the_default_namespace_may_be_left_out() -> None:
    old = live(config_map({"a": "1"}))
    old["metadata"]["namespace"] = "default"
    new = config_map({"a": "1"})
    del new["metadata"]["namespace"]
    assert not compare(old, new).changed


def test_a_namespace_given_to_a_cluster_wide_kind_is_no_change() -> None:
    gateway = {"apiVersion": "x.example.com/v1", "kind": "GatewayClass", "metadata": {"name": "g"}, "spec": {}}
    assert not compare(live(gateway), {**gateway, "metadata": {"name": "g", "namespace": "default"}}).changed


@pytest.mark.parametrize("path", ["spec.replicas", "spec", "*.replicas", "spec.*"])
def test_ignored_paths_are_no_change(path: str) -> None:
    assert not compare(live(deployment(replicas=1)), deployment(replicas=3), [path]).changed


def test_a_path_to_ignore_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(CaramlError, match=r"ignore_changes names 'spec\['"):
        compare(live(deployment(replicas=1)), deployment(replicas=3), ["spec["])


def test_a_dry_run_tells_another_spelling_from_a_change() -> None:
    stored = live(deployment(replicas=1))
    spelled = deployment("a:2", replicas=1, paused=False)

    def applied(obj: Object) -> Object:
        result = deployment("a:2", replicas=1)
        return {**result, "metadata": stored["metadata"]}

    plain = diff(stored, spelled, [], [], None)
    assert set(plain.detailed) == {"spec.paused", "spec.template.spec.containers[0].image"}
    assert set(diff(stored, spelled, [], [], applied).detailed) == {"spec.template.spec.containers[0].image"}


def test_a_property_taken_out_counts_whatever_a_dry_run_says() -> None:
    stored = live(deployment(replicas=3))
    assert diff(stored, deployment(), [], [], lambda obj: stored).detailed == {"spec.replicas": "delete"}


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ({"limits": {"cpu": "1000m", "memory": "2048Mi"}}, {"limits": {"cpu": "1", "memory": "2Gi"}}),
        ({"resources": {"limits": {"cpu": 0.5}}}, {"resources": {"limits": {"cpu": "500m"}}}),
        ({"args": [], "env": [{"name": "A", "value": ""}]}, {"env": [{"name": "A"}]}),
        ({"args": [""]}, {"args": [""]}),
        ({"nodeSelector": {}, "emptyDir": {}, "podSelector": {}}, {"emptyDir": {}, "podSelector": {}}),
        ({"storageClassName": ""}, {"storageClassName": ""}),
        ({"hard": {"pods": 4}}, {"hard": {"pods": "4"}}),
        ({"resources": {"limits": {"cpu": "no quantity"}}}, {"resources": {"limits": {"cpu": "no quantity"}}}),
    ],
)
def test_built_in_objects_get_the_form_the_api_server_stores(given: Object, canonical: Object) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": ""}}}
    assert normalise({**pod, "spec": given}) == {**pod, "spec": canonical}


def test_custom_objects_are_left_as_they_are() -> None:
    custom = {"apiVersion": "x.example.com/v1", "kind": "Foo", "metadata": {"name": "f"}, "spec": {"limits": {"a": 1}}}
    assert normalise(custom) == custom


def test_texts_in_a_config_map_are_never_touched() -> None:
    assert normalise(config_map({"empty": "", "limits": "1000m"})) == config_map({"empty": "", "limits": "1000m"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "limits", "labels", "env", "value", "data"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(json_values)
def test_normalising_twice_is_normalising_once(spec: Any) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    assert normalise(normalise(pod)) == normalise(pod)


@given(st.dictionaries(st.sampled_from("abc"), json_values), st.dictionaries(st.sampled_from("abc"), json_values))
def test_a_pruned_object_has_no_field_that_its_shape_lacks(found: Object, shape: Object) -> None:
    assert set(prune(found, shape)) == set(found) & set(shape)
    assert prune(found, found) == found


def test_an_empty_value_that_the_cluster_leaves_out_is_no_drift() -> None:
    inputs = {"spec": {"replicas": 2, "paused": False, "args": [], "list": [{"tty": False, "name": "m"}]}, "gone": 1}
    live = {"spec": {"replicas": 3, "list": [{"name": "m"}]}}
    found = with_empties(prune(live, inputs), inputs)
    assert found == {"spec": {"replicas": 3, "paused": False, "args": [], "list": [{"tty": False, "name": "m"}]}}
