"""Sends requests over one kept-alive connection pool, and explains why there is no answer."""

import time
from threading import Lock
from typing import Final

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
from caraml_pulumi.kube.credentials import Credentials
from caraml_pulumi.kube.errors import ClusterUnreachable
from caraml_pulumi.kube.kubeconfig import ClusterConfig

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 60.0
CONNECT_ATTEMPTS: Final = 3
_LASTING: Final = (SSLError, NameResolutionError, ProxyError)
_NEVER_SENT: Final = (NewConnectionError, ConnectTimeoutError)


class Transport:
    """The connections to one API server; safe to use from several threads."""

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config
        self._lock = Lock()
        self._pool: urllib3.HTTPConnectionPool | None = None
        self._pool_certificate = b""

    def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.close()

    def send(
        self,
        method: str,
        url: str,
        payload: bytes | None,
        headers: dict[str, str],
        timeout: float | None,
        repeatable: bool,
        credentials: Credentials,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """The server's answer, whatever its status; `repeatable` requests are sent again when a connection breaks.

        `timeout` is in seconds (default 60). The body of a `stream` is read by the caller as it comes, and the time
        between two parts of it is not limited. Raises `ClusterUnreachable` when there is no answer.
        """
        pool = self._connections(credentials)
        limit = urllib3.Timeout(connect=CONNECT_SECONDS, read=None if stream else timeout or READ_SECONDS)
        attempt = 0
        while True:
            attempt += 1
            try:
                return pool.urlopen(
                    method,
                    url,
                    payload,
                    headers,
                    retries=False,
                    timeout=limit,
                    redirect=False,
                    preload_content=not stream,
                )
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
        server = f"the Kubernetes API server {self._config.server}"
        return ClusterUnreachable(
            f"{server} broke off before it answered: {reason}"
            if outcome_unknown
            else f"{server} cannot be reached: {reason}",
            where=self._config.source,
            fix=fix,
            outcome_unknown=outcome_unknown,
        )

    def _connections(self, credentials: Credentials) -> urllib3.HTTPConnectionPool:
        pool = self._pool
        if pool is not None and credentials.certificate == self._pool_certificate:
            return pool
        with self._lock:
            if self._pool is None or credentials.certificate != self._pool_certificate:
                self._pool = connection_pool(self._config, credentials)
                self._pool_certificate = credentials.certificate
            return self._pool
