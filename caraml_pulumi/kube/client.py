"""The API server behind one kept-alive connection pool."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from caraml_pulumi.kube.credentials import CredentialSource
from caraml_pulumi.kube.discovery import Discovery
from caraml_pulumi.kube.errors import ClusterUnreachable, KubeError
from caraml_pulumi.kube.kubeconfig import ClusterConfig, load_cluster_config

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from caraml_pulumi.kube.transport import Transport

APPLY_PATCH: Final = "application/apply-patch+yaml"
MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"

BUSY_ATTEMPTS: Final = 10
"""How often a request is sent again that the server refused with 429 or a Retry-After."""
LONGEST_PAUSE: Final = 30.0
_REPEATABLE: Final = ("GET", "PUT", "DELETE")

_ESCAPED_PAIR: Final = re.compile(r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")
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
        self._opened: Transport | None = None
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
        payload = None if body is None else json_and_yaml(body)
        headers = {} if payload is None else {"Content-Type": content_type or "application/json"}
        repeatable = method in _REPEATABLE or content_type == APPLY_PATCH or bool(params and "dryRun" in params)
        answer = self._exchange(
            method, path, params, payload, headers, timeout=timeout, repeatable=repeatable, stream=False
        )
        if on_warning is not None:
            _pass_warnings(answer.headers.getlist("Warning"), on_warning)
        return json.loads(answer.data) if answer.data else None

    @contextmanager
    def stream(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[Iterator[bytes]]:
        """The parts of the answer to a GET as they come, for as long as the server sends them.

        Each stream takes one of the client's connections. Raises as `request` does; a connection that breaks later ends
        the parts with a `ClusterUnreachable`.
        """
        answer = self._exchange("GET", path, params, None, {}, timeout=None, repeatable=True, stream=True)
        try:
            yield self._parts(answer)
        finally:
            answer.close()

    def _parts(self, answer: "BaseHTTPResponse") -> Iterator[bytes]:
        from urllib3.exceptions import HTTPError

        try:
            yield from answer.stream(decode_content=True)
        except HTTPError as error:
            server = f"the Kubernetes API server {self.config.server}"
            raise ClusterUnreachable(f"{server} broke off: {error}", where=self.config.source) from error

    def _exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        payload: bytes | None,
        headers: dict[str, str],
        *,
        timeout: float | None,
        repeatable: bool,
        stream: bool,
    ) -> "BaseHTTPResponse":
        """The server's answer, which is no failure; asks again with new credentials, or when the server is busy."""
        url = self._prefix + path + (f"?{urlencode(params)}" if params else "")
        headers = {"Accept": "*/*" if stream else "application/json", "User-Agent": "caraml-pulumi", **headers}
        credentials = self._credentials.get()
        renewed = False
        for attempt in range(BUSY_ATTEMPTS + 1):
            if credentials.authorization:
                headers["Authorization"] = credentials.authorization
            answer = self._transport.send(method, url, payload, headers, timeout, repeatable, credentials, stream)
            if answer.status < 400:
                return answer
            details = _status(answer)  # reading it frees the connection of a stream
            if answer.status == 401 and not renewed and self._credentials.forget(credentials):
                credentials, renewed = self._credentials.get(), True
                continue
            pause = _retry_after(answer)
            if pause is None or attempt == BUSY_ATTEMPTS:
                break
            time.sleep(pause)
        raise KubeError(answer.status, details, server=self.config.server, user=self._who())

    def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _transport(self) -> "Transport":
        """Made at the first request: a preview without changes sends none, and need not load an HTTP library."""
        with self._lock:
            if self._opened is None:
                from caraml_pulumi.kube.transport import Transport

                self._opened = Transport(self.config)
            return self._opened

    def _who(self) -> str:
        user = self.config.user.name
        return f"user {user!r} in {self.config.source}" if user else ""


def json_and_yaml(body: Json) -> bytes:
    """`body` as JSON that reads the same as YAML, which is what the API server takes an applied object for.

    YAML has no escapes in pairs, so a character beyond 16 bits, such as an emoji, is written as it is.
    """
    text = json.dumps(body, separators=(",", ":"))
    return _ESCAPED_PAIR.sub(lambda pair: str(json.loads(f'"{pair[0]}"')), text).encode()


def _retry_after(answer: "BaseHTTPResponse") -> float | None:
    """Seconds to wait before the request is sent again; None when that is of no use."""
    asked = answer.headers.get("Retry-After", "")
    if answer.status == 429 or (answer.status >= 500 and asked):
        return min(float(asked) if asked.isdigit() else 1.0, LONGEST_PAUSE)
    return None


def _status(answer: "BaseHTTPResponse") -> dict[str, Any]:
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
