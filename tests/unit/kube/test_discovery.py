"""Kinds are asked for once per group version, and again only when one was not found."""

import pytest

from caraml_pulumi.kube import KubeError, NoSuchKind

from .servers import Answer, Asked, client_of, serving

CORE = {
    "resources": [
        {"name": "configmaps", "kind": "ConfigMap", "namespaced": True},
        {"name": "namespaces", "kind": "Namespace", "namespaced": False},
        {"name": "namespaces/status", "kind": "Namespace", "namespaced": False},
    ]
}
APPS = {
    "resources": [
        {"name": "deployments", "kind": "Deployment", "namespaced": True},
        {"name": "deployments/scale", "kind": "Scale", "namespaced": True},
    ]
}


def cluster(asked: Asked) -> Answer:
    known = {"/api/v1": CORE, "/apis/apps/v1": APPS}
    return Answer(200, known[asked.path]) if asked.path in known else Answer(404, {"message": "not found"})


def test_paths_of_core_and_grouped_kinds() -> None:
    with serving(cluster) as (url, _):
        client = client_of(url)
        assert client.path("v1", "ConfigMap", "models", "a") == "/api/v1/namespaces/models/configmaps/a"
        assert client.path("v1", "Namespace", "ignored", "models") == "/api/v1/namespaces/models"
        assert client.path("apps/v1", "Deployment", "models") == "/apis/apps/v1/namespaces/models/deployments"


def test_a_group_version_is_asked_for_once() -> None:
    with serving(cluster) as (url, asked):
        client = client_of(url)
        for _ in range(3):
            client.path("v1", "ConfigMap", "a")
            client.path("v1", "Namespace")
    assert [request.path for request in asked] == ["/api/v1"]


def test_a_kind_that_was_installed_meanwhile_is_found() -> None:
    installed: list[bool] = []

    def answer(asked: Asked) -> Answer:
        return Answer(200, APPS) if installed else Answer(404, {"message": "not found"})

    with serving(answer) as (url, _):
        client = client_of(url)
        with pytest.raises(NoSuchKind, match="no kind Deployment in apps/v1"):
            client.path("apps/v1", "Deployment")
        installed.append(True)
        assert client.path("apps/v1", "Deployment") == "/apis/apps/v1/deployments"


@pytest.mark.parametrize(
    ("api_version", "kind", "setting"),
    [
        ("monitoring.coreos.com/v1", "PrometheusRule", "monitoring.enabled"),
        ("networking.istio.io/v1", "VirtualService", "routing.backend"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", "routing.backend"),
        ("serving.knative.dev/v1", "Service", "deploymentMode"),
        ("example.com/v1", "Thing", "CustomResourceDefinition"),
    ],
)
def test_a_missing_kind_is_told_with_the_setting_that_does_without_it(
    api_version: str, kind: str, setting: str
) -> None:
    with serving(cluster) as (url, _), pytest.raises(NoSuchKind) as error:
        client_of(url).path(api_version, kind)
    assert setting in error.value.fix


def test_a_subresource_is_no_kind() -> None:
    with serving(cluster) as (url, _), pytest.raises(NoSuchKind):
        client_of(url).path("apps/v1", "Scale")


def test_a_server_error_is_not_taken_for_a_missing_kind() -> None:
    with serving(lambda asked: Answer(500, {"message": "boom"})) as (url, _), pytest.raises(KubeError, match="boom"):
        client_of(url).path("v1", "Pod")
