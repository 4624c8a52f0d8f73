"""Which server and user a kubeconfig names, and what is said when it cannot be read."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import ClusterUnreachable
from caraml_pulumi.kube.kubeconfig import load_cluster_config


def config(**changes: Any) -> dict[str, Any]:
    """A kubeconfig with one cluster and two contexts; `changes` replace whole sections."""
    return {
        "current-context": "dev",
        "clusters": [{"name": "local", "cluster": {"server": "https://127.0.0.1:6443/"}}],
        "users": [{"name": "me", "user": {"token": "t0ken"}}],
        "contexts": [
            {"name": "dev", "context": {"cluster": "local", "user": "me", "namespace": "models"}},
            {"name": "bare", "context": {"cluster": "local"}},
        ],
        **changes,
    }


def text(**changes: Any) -> str:
    return yaml.safe_dump(config(**changes))


def cluster(**values: Any) -> list[dict[str, Any]]:
    return [{"name": "local", "cluster": {"server": "https://127.0.0.1:6443", **values}}]


def user(**values: Any) -> list[dict[str, Any]]:
    return [{"name": "me", "user": values}]


def test_the_current_context_of_a_kubeconfig_given_as_text() -> None:
    loaded = load_cluster_config(text())
    assert (loaded.server, loaded.context, loaded.namespace) == ("https://127.0.0.1:6443", "dev", "models")
    assert (loaded.user.name, loaded.user.token) == ("me", "t0ken")


def test_another_context_and_cluster_can_be_chosen() -> None:
    other = {"name": "other", "cluster": {"server": "http://10.0.0.1"}}
    loaded = load_cluster_config(text(clusters=[*config()["clusters"], other]), context="bare", cluster="other")
    assert (loaded.server, loaded.namespace, loaded.user.name) == ("http://10.0.0.1", "default", "")


def test_a_kubeconfig_given_by_path_finds_its_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("CA")
    (tmp_path / "token").write_text("from a file")
    path = tmp_path / "config"
    path.write_text(text(clusters=cluster(**{"certificate-authority": "ca.pem"}), users=user(tokenFile="token")))
    loaded = load_cluster_config(str(path))
    assert loaded.ca == b"CA"
    assert loaded.user.token_file == tmp_path / "token"
    assert loaded.source == str(path)


def test_the_files_in_kubeconfig_are_merged_and_the_first_to_set_a_name_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(yaml.safe_dump({"current-context": "bare", "users": user(token="first")}))
    second.write_text(text())
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(first), str(tmp_path / "absent"), str(second)]))
    assert load_cluster_config().context == "bare"
    assert load_cluster_config(context="dev").user.token == "first"


def test_the_default_is_the_config_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(text())
    assert load_cluster_config().context == "dev"


def test_without_any_kubeconfig_no_cluster_is_reachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ClusterUnreachable, match="no Kubernetes cluster is configured"):
        load_cluster_config()


def test_connection_options_are_read() -> None:
    options = {"insecure-skip-tls-verify": True, "tls-server-name": "api", "proxy-url": "http://proxy:3128"}
    loaded = load_cluster_config(text(clusters=cluster(**options)))
    assert (loaded.insecure, loaded.tls_server_name, loaded.proxy_url) == (True, "api", "http://proxy:3128")


def test_certificates_come_from_base64_data() -> None:
    data = {f"client-{part}-data": base64.b64encode(part.encode()).decode() for part in ("certificate", "key")}
    loaded = load_cluster_config(text(users=user(**data)))
    assert (loaded.user.certificate, loaded.user.key) == (b"certificate", b"key")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"current-context": ""}, "names no current-context"),
        ({"current-context": "gone"}, "has no context 'gone'"),
        ({"clusters": []}, "has no cluster 'local'"),
        ({"users": []}, "has no user 'me'"),
        ({"users": {"me": {}}}, "users in the kubeconfig given as text is not a list"),
        ({"users": [{"user": {}}]}, "an entry of users in the kubeconfig given as text has no name"),
        ({"clusters": [{"name": "local", "cluster": {}}]}, "has no usable server: ''"),
        ({"clusters": cluster(**{"certificate-authority-data": "not base64!"})}, "certificate-authority-data"),
        ({"clusters": cluster(**{"certificate-authority": "/absent.pem"})}, "/absent.pem: No such file"),
        ({"users": user(**{"client-certificate-data": "YQ=="})}, "has no client-key"),
        ({"users": user(exec={"args": []})}, "has no command"),
        ({"users": user(**{"auth-provider": {"name": "gcp"}})}, "uses auth-provider"),
    ],
)
def test_each_mistake_is_one_message_that_names_the_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CaramlError) as caught:
        load_cluster_config(text(**changes))
    assert message in caught.value.what


@pytest.mark.parametrize(("content", "message"), [("a: [\n", "not valid YAML"), ("- a\n- b\n", "is not a kubeconfig")])
def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(CaramlError) as caught:
        load_cluster_config(str(path))
    assert message in caught.value.what
    assert str(path) in caught.value.what


def test_a_kubeconfig_that_does_not_exist_is_a_cluster_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterUnreachable, match="the kubeconfig /absent/config does not exist"):
        load_cluster_config("/absent/config")
    monkeypatch.setenv("KUBECONFIG", "/absent/config")
    with pytest.raises(ClusterUnreachable, match="KUBECONFIG names no file that exists: /absent/config"):
        load_cluster_config()


def test_a_kubeconfig_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaramlError, match=f"cannot read kubeconfig {tmp_path}: Is a directory"):
        load_cluster_config(str(tmp_path))


def test_credentials_are_not_in_the_representation() -> None:
    assert "t0ken" not in repr(load_cluster_config(text()))
