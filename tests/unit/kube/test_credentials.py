"""Credentials of every kind, with real exec plugins."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.credentials import CredentialSource
from caraml_pulumi.kube.kubeconfig import ClusterConfig, User


def source(**user: Any) -> CredentialSource:
    return CredentialSource(ClusterConfig("https://server", User(name="me", **user), source="kubeconfig"))


def plugin(directory: Path, script: str, **more: Any) -> dict[str, Any]:
    """An exec plugin that is a shell script, and counts its runs in the file ``runs``."""
    path = directory / "plugin"
    path.write_text(f"#!/bin/sh\necho >> {directory}/runs\n{script}\n")
    path.chmod(0o755)
    return {"command": str(path), "apiVersion": "client.authentication.k8s.io/v1", **more}


def runs(directory: Path) -> int:
    return len((directory / "runs").read_text().splitlines())


def credential(**status: str) -> str:
    return f"echo '{json.dumps({'kind': 'ExecCredential', 'status': status})}'"


def test_a_token_is_a_bearer_token() -> None:
    assert source(token="abc").get().authorization == "Bearer abc"


def test_user_name_and_password_are_basic_auth() -> None:
    assert source(username="u", password="p").get().authorization == f"Basic {base64.b64encode(b'u:p').decode()}"


def test_a_token_file_is_read_again_after_it_was_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old\n")
    credentials = source(token_file=path)
    first = credentials.get()
    path.write_text("new\n")
    assert credentials.get().authorization == "Bearer old"
    assert credentials.forget(first)
    assert credentials.get().authorization == "Bearer new"


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaramlError, match="absent of user 'me'"):
        source(token_file=tmp_path / "absent").get()


def test_an_exec_plugin_is_asked_once_until_its_token_expires(tmp_path: Path) -> None:
    credentials = source(exec=plugin(tmp_path, credential(token="t", expirationTimestamp="2999-01-01T00:00:00Z")))
    assert credentials.get().authorization == "Bearer t"
    assert credentials.get().authorization == "Bearer t"
    assert runs(tmp_path) == 1


def test_an_expired_token_of_an_exec_plugin_is_renewed(tmp_path: Path) -> None:
    credentials = source(exec=plugin(tmp_path, credential(token="t", expirationTimestamp="2000-01-01T00:00:00Z")))
    credentials.get()
    credentials.get()
    assert runs(tmp_path) == 2


def test_an_exec_plugin_gets_its_arguments_environment_and_request(tmp_path: Path) -> None:
    record = f'printf "$KUBERNETES_EXEC_INFO" > {tmp_path}/info'
    script = f"""{record}; printf '{{"status": {{"token": "%s-%s"}}}}' "$1" "$REGION" """
    described = plugin(tmp_path, script, args=["arg"], env=[{"name": "REGION", "value": "eu"}])
    assert source(exec=described).get().authorization == "Bearer arg-eu"
    assert json.loads((tmp_path / "info").read_text())["kind"] == "ExecCredential"


def test_an_exec_plugin_may_give_a_client_certificate(tmp_path: Path) -> None:
    given = source(exec=plugin(tmp_path, credential(clientCertificateData="CERT", clientKeyData="KEY"))).get()
    assert (given.authorization, given.certificate, given.key) == ("", b"CERT", b"KEY")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'please log in' >&2; exit 3", "failed with exit code 3: please log in"),
        ("echo hello", "printed no ExecCredential"),
        ("""echo '{"status": {}}'""", "gave neither a token nor a client certificate"),
    ],
)
def test_what_an_exec_plugin_does_wrong_is_told(tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(CaramlError) as caught:
        source(exec=plugin(tmp_path, script)).get()
    assert message in caught.value.what
    assert caught.value.where == "kubeconfig"


def test_a_missing_exec_plugin_says_how_to_install_it() -> None:
    with pytest.raises(CaramlError) as caught:
        source(exec={"command": "no-such-plugin", "installHint": "apt install no-such-plugin"}).get()
    assert caught.value.fix == "apt install no-such-plugin"


def test_an_old_exec_api_is_refused(tmp_path: Path) -> None:
    described = plugin(tmp_path, "", apiVersion="client.authentication.k8s.io/v1alpha1")
    with pytest.raises(CaramlError, match=r"asks for apiVersion client\.authentication\.k8s\.io/v1alpha1"):
        source(exec=described).get()


def test_tokens_are_not_in_the_representation() -> None:
    assert "abc" not in repr(source(token="abc").get())


def test_the_clock_decides_about_expiry_not_the_number_of_calls(tmp_path: Path) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
    credentials = source(exec=plugin(tmp_path, credential(token="t", expirationTimestamp=soon)))
    for _ in range(5):
        credentials.get()
    assert runs(tmp_path) == 1
    assert os.access(tmp_path / "plugin", os.X_OK)
