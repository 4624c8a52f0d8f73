"""The API server behind one kept-alive connection pool."""

import json
import re
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from caraml_pulumi.kube.connection import connection_pool
from caraml_pulumi.kube.credentials import Credentials, CredentialSource
from caraml_pulumi.kube.discovery import Discovery
from caraml_pulumi.kube.errors import ClusterUnreachable, KubeError
from caraml_pulumi.kube.kubeconfig import ClusterConfig, load_cluster_config

APPLY_PATCH: Final = "application/apply-patch+yaml"
MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 60.0
CONNECT_ATTEMPTS: Final = 3
BUSY_ATTEMPTS: Final = 10
"""How often a request is sent again that the server refused with 429 or a Retry-After."""
LONGEST_PAUSE: Final = 30.0
_REPEATABLE: Final = ("GET", "PUT", "DELETE")
_LASTING: Final = (SSLError, NameResolutionError, ProxyError)
_NEVER_SENT: Final = (NewConnectionError, ConnectTimeoutError)

_WARNING: Final = re.compile(r'\b299 \S+ "((?:[^"\\]|\\.)*)"')

Json = Any
"""A JSON value; recursive, hence Any."""


class KubeClient:
    """A client of one cluster, safe to use from several threads. `config` says which server and user."""

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        self.discovery = Discovery(lambda path: self.request("GET", path))
        self._credentials = CredentialSource(config)
        self._lock = Lock()
        self._pool: urllib3.HTTPConnectionPool | None = None
        self._pool_certificate = b""
        self._prefix = urlsplit(config.server).path

    @classmethod
    def from_kubeconfig(cls, path_or_text: str | None = None, context: str | None = None) -> "KubeClient":
        """A client for `context` of a kubeconfig given by path or as text; connects when first used.

        None takes ``KUBECONFIG``, ``~/.kube/config`` or the pod's service account, and the current context.
        """
        return cls(load_cluster_config(path_or_text, context))

    def path(self, api_version: str, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        """The path of a collection, or of the object `name` in it. Raises `NoSuchKind`."""
        return self.discovery.resource(api_version, kind).path(namespace, name)

    def request(
        self,
        method: str,
        path: str,
        body: Json = None,
        params: Mapping[str, str] | None = None,
        content_type: str | None = None,
        timeout: float | None = None,
        on_warning: Callable[[str], None] | None = None,
    ) -> Json:
        """Send `body` as JSON, return the parsed answer.

        `timeout` is in seconds (default 60). `on_warning` gets the server's warnings (deprecated version, unknown
        field). Raises `KubeError` for an answer with a failure, `ClusterUnreachable` when there is none.
        """
        url = self._prefix + path + (f"?{urlencode(params)}" if params else "")
        payload = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        headers = {"Accept": "application/json", "User-Agent": "caraml-pulumi"}
        if payload is not None:
            headers["Content-Type"] = content_type or "application/json"
        repeatable = method in _REPEATABLE or content_type == APPLY_PATCH or bool(params and "dryRun" in params)
        credentials = self._credentials.get()
        renewed = False
        for attempt in range(BUSY_ATTEMPTS + 1):
            if credentials.authorization:
                headers["Authorization"] = credentials.authorization
            answer = self._send(method, url, payload, headers, timeout, repeatable, credentials)
            if answer.status < 400:
                if on_warning is not None:
                    _pass_warnings(answer.headers.getlist("Warning"), on_warning)
                return json.loads(answer.data) if answer.data else None
            if answer.status == 401 and not renewed and self._credentials.forget(credentials):
                credentials, renewed = self._credentials.get(), True
                continue
            pause = _retry_after(answer)
            if pause is None or attempt == BUSY_ATTEMPTS:
                break
            time.sleep(pause)
        raise KubeError(answer.status, _status(answer), server=self.config.server, user=self._who())

    def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.close()

    def _who(self) -> str:
        user = self.config.user.name
        return f"user {user!r} in {self.config.source}" if user else ""

    def _send(
        self,
        method: str,
        url: str,
        payload: bytes | None,
        headers: dict[str, str],
        timeout: float | None,
        repeatable: bool,
        credentials: Credentials,
    ) -> urllib3.BaseHTTPResponse:
        pool = self._connections(credentials)
        limit = urllib3.Timeout(connect=CONNECT_SECONDS, read=timeout or READ_SECONDS)
        attempt = 0
        while True:
            attempt += 1
            try:
                return pool.urlopen(method, url, payload, headers, retries=False, timeout=limit, redirect=False)
            except HTTPError as error:
                cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
                sent = not isinstance(cause, _NEVER_SENT + _LASTING)
                if attempt == CONNECT_ATTEMPTS or isinstance(cause, _LASTING) or (sent and not repeatable):
                    raise self._unreachable(cause, sent and method != "GET") from error
            time.sleep(0.1 * 3 ** (attempt - 1))

    def _unreachable(self, error: Exception, outcome_unknown: bool) -> ClusterUnreachable:
        # urllib3 puts the pool or connection object before the reason: keep the reason
        reason = str(error).rsplit(">: ", 1)[-1].rsplit("): ", 1)[-1]
        fix = "start the cluster (caraml cluster up for a local one), or correct the server in the kubeconfig"
        if isinstance(error, SSLError):
            fix = "correct certificate-authority or tls-server-name of the cluster in the kubeconfig"
        reason = reason.removeprefix("Failed to establish a new connection: ")
        server = f"the Kubernetes API server {self.config.server}"
        return ClusterUnreachable(
            f"{server} broke off before it answered: {reason}"
            if outcome_unknown
            else f"{server} cannot be reached: {reason}",
            where=self.config.source,
            fix=fix,
            outcome_unknown=outcome_unknown,
        )

    def _connections(self, credentials: Credentials) -> urllib3.HTTPConnectionPool:
        pool = self._pool
        if pool is not None and credentials.certificate == self._pool_certificate:
            return pool
        with self._lock:
            if self._pool is None or credentials.certificate != self._pool_certificate:
                self._pool = connection_pool(self.config, credentials)
                self._pool_certificate = credentials.certificate
            return self._pool


def _retry_after(answer: urllib3.BaseHTTPResponse) -> float | None:
    """Seconds to wait before the request is sent again; None when that is of no use."""
    asked = answer.headers.get("Retry-After", "")
    if answer.status == 429 or (answer.status >= 500 and asked):
        return min(float(asked) if asked.isdigit() else 1.0, LONGEST_PAUSE)
    return None


def _status(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    """The Status object of a failure; proxies and load balancers answer with other things."""
    try:
        parsed = json.loads(answer.data)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        return parsed
    text = " ".join(answer.data.decode(errors="replace").split())[:200]
    return {"message": f"HTTP status {answer.status} {answer.reason or ''}: {text}".rstrip(": ")}


def _pass_warnings(headers: list[str], on_warning: Callable[[str], None]) -> None:
    for header in headers:
        for quoted in _WARNING.findall(header):
            on_warning(re.sub(r"\\(.)", r"\1", quoted))
