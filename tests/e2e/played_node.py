"""A node whose kubelet is the test: pods on it are as the test says, and their logs are what it writes."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from caraml_pulumi.kube import KubeClient, KubeError

Object = dict[str, Any]
STRATEGIC_MERGE = "application/strategic-merge-patch+json"
MARK = "caraml.test/node"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
POD_IP = "10.65.0.1"
LEASE_SECONDS = 10
LOOK_SECONDS = 0.2


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Log:
    """What a container has said: times and lines; followers are told of new ones."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    written: threading.Condition = field(default_factory=threading.Condition)
    ended: bool = False

    def write(self, *texts: str) -> None:
        """Say more."""
        with self.written:
            self.lines += [(_now(), text) for text in texts]
            self.written.notify_all()

    def after(self, read: int) -> list[tuple[str, str]]:
        """What was said beyond the first `read` lines; waits for it, and is empty once the log has ended."""
        with self.written:
            self.written.wait_for(lambda: len(self.lines) > read or self.ended)
            return self.lines[read:]

    def end(self) -> None:
        """Say nothing any more."""
        with self.written:
            self.ended = True
            self.written.notify_all()


@dataclass
class Played:
    """What becomes of the pods of a model: the status of its containers, and events about them."""

    containers: list[Object]
    phase: str = "Pending"
    ready: bool = False
    events: list[tuple[str, str]] = field(default_factory=list)

    def status(self) -> Object:
        """The status of a pod as the kubelet writes it."""
        state = "True" if self.ready else "False"
        conditions = [{"type": type_, "status": state} for type_ in ("Ready", "ContainersReady")]
        ips = {"podIP": POD_IP, "podIPs": [{"ip": POD_IP}]} if self.ready else {}
        return {"phase": self.phase, "containerStatuses": self.containers, "conditions": conditions, **ips}


class PlayedNode:
    """The node; `plays` has what becomes of the pods of each version, by its full name."""

    def __init__(self, client: KubeClient, name: str, pki: Path) -> None:
        self.name = name
        self.plays: dict[str, Played] = {}
        self.logs: dict[tuple[str, str, str], Log] = {}
        self._client = client
        self._told: set[tuple[str, str]] = set()
        self._over = threading.Event()
        self._server = _log_server(self, pki)
        self._threads = [threading.Thread(target=one) for one in (self._server.serve_forever, self._renew, self._play)]

    @property
    def placement(self) -> dict[str, Any]:
        """What a version is given so that its pods are here; no others are."""
        return {"nodeSelector": {MARK: self.name}, "tolerations": [{"key": MARK, "operator": "Exists"}]}

    def log(self, pod: str, container: str = "model", instance: str = "current") -> Log:
        """The log of a container; `instance` is ``current`` or ``previous``."""
        return self.logs.setdefault((pod, container, instance), Log())

    def start(self) -> None:
        """Register the node and begin to act."""
        labels = {MARK: self.name, "kubernetes.io/hostname": self.name}
        taint = {"key": MARK, "value": self.name, "effect": "NoSchedule"}
        node = {"metadata": {"name": self.name, "labels": labels}, "spec": {"taints": [taint]}}
        self._client.request("POST", "/api/v1/nodes", node)
        amounts = {"cpu": "64", "memory": "64Gi", "pods": "500"}
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._server.server_address[1]}},
            "allocatable": amounts,
            "capacity": amounts,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "played"}],
        }
        path = f"/api/v1/nodes/{self.name}/status"
        self._client.request("PATCH", path, {"status": status}, content_type=STRATEGIC_MERGE)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take the node away."""
        self._over.set()
        for log in self.logs.values():
            log.end()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()
        for path in (f"/api/v1/nodes/{self.name}", f"{LEASES}/{self.name}"):
            with suppress(KubeError):
                self._client.request("DELETE", path)

    def _renew(self) -> None:
        """Keep the node's lease, without which its pods would be taken from it."""
        while True:
            spec = {"holderIdentity": self.name, "leaseDurationSeconds": 40, "renewTime": _now()}
            lease = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": self.name},
                "spec": spec,
            }
            params = {"fieldManager": "kubelet", "force": "true"}
            self._client.request("PATCH", f"{LEASES}/{self.name}", lease, params, "application/apply-patch+yaml")
            if self._over.wait(LEASE_SECONDS):
                return

    def _play(self) -> None:
        params = {"fieldSelector": f"spec.nodeName={self.name}"}
        while not self._over.wait(LOOK_SECONDS):
            for pod in self._client.request("GET", "/api/v1/pods", params=params)["items"]:
                with suppress(KubeError):  # it may be gone by now
                    self._act(pod)

    def _act(self, pod: Object) -> None:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        if "deletionTimestamp" in metadata:
            self._client.request("DELETE", path, {"gracePeriodSeconds": 0})
            return
        played = self.plays.get(metadata["labels"].get("serving.kserve.io/inferenceservice", ""))
        if played is None:
            return
        status = played.status()
        if any(pod["status"].get(key) != value for key, value in status.items() if key != "conditions") or _is_ready(
            pod
        ) != (played.ready):
            self._client.request("PATCH", f"{path}/status", {"status": status}, content_type=STRATEGIC_MERGE)
        for reason, message in played.events:
            if (metadata["uid"], message) not in self._told:
                self._told.add((metadata["uid"], message))
                self._tell(metadata, reason, message)

    def _tell(self, metadata: Object, reason: str, message: str) -> None:
        about = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "namespace": metadata["namespace"]}
        event = {
            "metadata": {"generateName": "played-", "namespace": metadata["namespace"]},
            "involvedObject": {**about, "uid": metadata["uid"]},
            "type": "Warning",
            "reason": reason,
            "message": message,
            "lastTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        self._client.request("POST", f"/api/v1/namespaces/{metadata['namespace']}/events", event)


def _is_ready(pod: Object) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions") or [])


@contextmanager
def played_node(client: KubeClient, name: str, pki: Path) -> Iterator[PlayedNode]:
    """A node that is there while the block lasts; `pki` has the certificate it serves logs with."""
    node = PlayedNode(client, name, pki)
    node.start()
    try:
        yield node
    finally:
        node.stop()


def _log_server(node: PlayedNode, pki: Path) -> ThreadingHTTPServer:
    """What the API server asks a kubelet for logs: ``/containerLogs/{namespace}/{pod}/{container}``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            _, _, _, pod, container = parts.path.split("/")
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            instance = "previous" if query.get("previous") == "true" else "current"
            log = node.logs.get((pod, container, instance))
            if log is None:
                self.send_error(404, f"no log of {pod} {container}")
                return
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with suppress(OSError):
                for line in _chosen(log, query):
                    self._send_part(line.encode())
                self._send_part(b"")

        def _send_part(self, data: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    return server


def _chosen(log: Log, query: dict[str, str]) -> Iterator[str]:
    """The lines that a request is for; with ``follow`` also those that come later."""
    since = query.get("sinceTime", "")
    if seconds := query.get("sinceSeconds"):
        since = (datetime.now(UTC) - timedelta(seconds=int(seconds))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    since = since.removesuffix("Z")  # whole seconds, as the API server passes them on, come before their parts
    with log.written:
        read = len(log.lines)
        lines = [line for line in log.lines if line[0] >= since]
    if "tailLines" in query:
        lines = lines[max(0, len(lines) - int(query["tailLines"])) :]
    stamped = query.get("timestamps") == "true"
    yield from (f"{time_} {text}\n" if stamped else f"{text}\n" for time_, text in lines)
    while query.get("follow") == "true" and (more := log.after(read)):
        read += len(more)
        yield from (f"{time_} {text}\n" if stamped else f"{text}\n" for time_, text in more)


def eventually(check: Callable[[], Any], seconds: float = 90) -> Any:
    """What `check` gives once it is true. Fails with the last answer after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found
