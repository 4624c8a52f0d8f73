"""Which inputs stand for an object that exists already."""

from pathlib import Path
from typing import Any

from caraml_pulumi.engine.providers.base import Context
from caraml_pulumi.engine.providers.kubernetes import KubernetesProvider
from caraml_pulumi.engine.providers.kubernetes.adopt import adopted_inputs

Object = dict[str, Any]

LIVE: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "iris",
        "namespace": "models",
        "uid": "1-2-3",
        "resourceVersion": "7",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "team": "fraud"},
        "managedFields": [],
    },
    "spec": {
        "replicas": 2,
        "progressDeadlineSeconds": 600,
        "containers": [
            {"name": "sidecar", "image": "proxy"},
            {"name": "model", "image": "a:1", "tty": True, "args": ["x", "y"]},
        ],
    },
    "status": {"replicas": 2},
}
MINE: Object = {
    "f:metadata": {
        "f:annotations": {".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {}, "f:team": {}},
    },
    "f:spec": {
        "f:progressDeadlineSeconds": {},
        "f:containers": {'k:{"name":"model"}': {".": {}, "f:image": {}, "f:name": {}, "f:args": {'v:"y"': {}}}},
    },
}
WANTED: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "iris", "namespace": "models"},
    "spec": {},
}


def test_what_would_stay_anyhow_is_no_input_and_what_would_go_is_one() -> None:
    assert adopted_inputs(LIVE, WANTED, MINE, None) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "iris", "namespace": "models", "annotations": {"team": "fraud"}},
        "spec": {
            "progressDeadlineSeconds": 600,
            "containers": [{"name": "model", "image": "a:1", "args": ["y"]}],
        },
    }


def test_what_nobody_hands_over_is_an_input_only_where_the_program_sets_it() -> None:
    wanted = {**WANTED, "spec": {"replicas": 5}}
    adopted = adopted_inputs(LIVE, wanted, {}, None)
    assert adopted["spec"] == {"replicas": 2}
    assert adopted["metadata"] == {"name": "iris", "namespace": "models"}


def test_what_the_api_server_fills_in_again_would_not_go() -> None:
    wanted = {**WANTED, "spec": {"containers": [{"name": "model", "image": "a:1"}]}}
    replaced = {"spec": {"progressDeadlineSeconds": 600, "containers": [{"name": "model", "image": "a:1"}]}}
    adopted = adopted_inputs(
        {**LIVE, "spec": {**LIVE["spec"], "containers": LIVE["spec"]["containers"][1:]}}, wanted, MINE, replaced
    )
    assert adopted["spec"] == {"containers": [{"name": "model", "image": "a:1", "args": ["y"]}]}
    other = {"spec": {**replaced["spec"], "progressDeadlineSeconds": 60}}
    assert adopted_inputs(LIVE, wanted, MINE, other)["spec"]["progressDeadlineSeconds"] == 600


def test_an_object_without_a_namespace_has_none() -> None:
    live = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "models", "uid": "1"},
        "spec": {"finalizers": []},
    }
    wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "models"}}
    assert adopted_inputs(live, wanted, {}, None) == wanted


def test_rendering_writes_what_is_to_be_imported_without_asking_a_cluster(tmp_path: Path) -> None:
    rendering = KubernetesProvider({"kubeconfig": "/absent"}, render=tmp_path / "out")
    urn = "urn:pulumi:dev::p::kubernetes:core/v1:ConfigMap::settings"
    inputs = {"metadata": {"name": "settings", "namespace": "models"}, "data": {"a": "1"}}
    adopted = rendering.adopt(urn, "models/settings", inputs, Context(preview=True))
    assert adopted is not None
    assert adopted.id == "models/settings"
    (file,) = (tmp_path / "out").rglob("*.yaml")
    assert "name: settings" in file.read_text()
