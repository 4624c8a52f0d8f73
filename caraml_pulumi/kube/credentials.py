"""Who we are to the API server: static tokens, token files, basic auth, client certificates, exec plugins."""

import base64
import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.kubeconfig import ClusterConfig

EXEC_TIMEOUT: Final = 60.0
"""Seconds that an exec plugin may take; some open a browser."""
TOKEN_FILE_SECONDS: Final = 60.0
"""How long a token file's content is used before it is read again: projected tokens are rotated."""
_EXEC_GROUP: Final = "client.authentication.k8s.io/"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The Authorization header and the client certificate (PEM) to present; empty where there is none."""

    authorization: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)


class CredentialSource:
    """The current credentials of a kubeconfig user; safe to ask from several threads."""

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config
        self._lock = Lock()
        self._current: Credentials | None = None
        self._expires = float("inf")

    def get(self) -> Credentials:
        """The credentials, renewed when they have expired. Raises `CaramlError`."""
        current = self._current
        if current is not None and time.time() < self._expires:
            return current
        with self._lock:
            if self._current is None or time.time() >= self._expires:
                self._current, self._expires = self._obtain()
            return self._current

    def forget(self, refused: Credentials) -> bool:
        """Drop `refused` after a 401; whether asking again can give others."""
        user = self._config.user
        renewable = user.exec is not None or user.token_file is not None
        with self._lock:
            if renewable and self._current is refused:
                self._current = None
        return renewable

    def _obtain(self) -> tuple[Credentials, float]:
        user = self._config.user
        if user.exec is not None:
            return _run_plugin(user.exec, self._config)
        pair = (user.certificate, user.key)
        if user.token_file is not None:
            try:
                token = user.token_file.read_text().strip()
            except OSError as error:
                raise CaramlError(
                    f"cannot read tokenFile {user.token_file} of user {user.name!r}: {error.strerror}",
                    where=self._config.source,
                ) from error
            return Credentials(f"Bearer {token}", *pair), time.time() + TOKEN_FILE_SECONDS
        if user.token:
            return Credentials(f"Bearer {user.token}", *pair), float("inf")
        if user.username:
            basic = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
            return Credentials(f"Basic {basic}", *pair), float("inf")
        return Credentials("", *pair), float("inf")


def _run_plugin(plugin: dict[str, Any], config: ClusterConfig) -> tuple[Credentials, float]:
    """Run an exec plugin as client-go does: ``KUBERNETES_EXEC_INFO`` in, an ExecCredential on stdout out."""
    command, where = str(plugin["command"]), config.source
    version = str(plugin.get("apiVersion") or f"{_EXEC_GROUP}v1")
    if version not in (f"{_EXEC_GROUP}v1", f"{_EXEC_GROUP}v1beta1"):
        raise CaramlError(
            f"the exec plugin {command} asks for apiVersion {version}",
            where=where,
            allowed=f"{_EXEC_GROUP}v1, {_EXEC_GROUP}v1beta1",
        )
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = {
            "server": config.server,
            "certificate-authority-data": base64.b64encode(config.ca).decode(),
            "insecure-skip-tls-verify": config.insecure,
        }
    request = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    extra = {str(item["name"]): str(item.get("value", "")) for item in plugin.get("env") or []}
    program = str(config.directory / command) if config.directory and "/" in command else command
    try:
        done = subprocess.run(
            [program, *map(str, plugin.get("args") or [])],
            env={**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(request)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=EXEC_TIMEOUT,
            check=False,
        )
    except FileNotFoundError as error:
        hint = str(plugin.get("installHint") or f"install {command} and put it on PATH")
        raise CaramlError(f"the exec plugin {command} is not installed", where=where, fix=hint.strip()) from error
    except subprocess.TimeoutExpired as error:
        raise CaramlError(
            f"the exec plugin {command} gave no credentials in {EXEC_TIMEOUT:.0f} s", where=where
        ) from error
    except OSError as error:
        raise CaramlError(f"cannot run the exec plugin {command}: {error.strerror}", where=where) from error
    if done.returncode != 0:
        said = done.stderr.strip()[-500:] or "it said nothing"
        raise CaramlError(f"the exec plugin {command} failed with exit code {done.returncode}: {said}", where=where)
    return _plugin_credentials(command, done.stdout, where)


def _plugin_credentials(command: str, output: str, where: str) -> tuple[Credentials, float]:
    try:
        status = json.loads(output)["status"]
        expires = _timestamp(status.get("expirationTimestamp"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CaramlError(f"the exec plugin {command} printed no ExecCredential", where=where) from error
    token, certificate = status.get("token"), status.get("clientCertificateData")
    if not token and not certificate:
        raise CaramlError(f"the exec plugin {command} gave neither a token nor a client certificate", where=where)
    key = str(status.get("clientKeyData") or "").encode()
    return Credentials(f"Bearer {token}" if token else "", str(certificate or "").encode(), key), expires


def _timestamp(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else float("inf")
