"""A stand-in for Istio's ingress gateway that counts as Istio does, and a real Prometheus that watches it.

The gateway divides requests by the weights of our VirtualServices, which it reads from the API server again and again,
follows both hops, and sends each request to the sample server of the version it came to. What it exports has the names
and labels of Istio's standard metrics. Real routing is proven elsewhere; here the numbers count.
"""

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server

from caraml_pulumi.cluster.ports import LOOPBACK, free_ports
from caraml_pulumi.kube.client import KubeClient
from tests.e2e.iris_servers import FLOWER, IrisServer
from tools.debian import program

LABELS = ["reporter", "destination_service_name", "destination_service_namespace", "request_protocol", "response_code"]
REQUESTS_PER_SECOND = 40
MILLISECONDS = (1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)


class WatchedGateway:
    """Sends requests at a steady pace to the endpoint of the model `model` in `namespace`."""

    def __init__(self, client: KubeClient, namespace: str, model: str, servers: Mapping[str, IrisServer]) -> None:
        self._url = f"/apis/networking.istio.io/v1/namespaces/{namespace}/virtualservices"
        self._client = client
        self._namespace = namespace
        self._model = model
        self._servers = servers
        self._due: dict[str, float] = {}
        self._ended = threading.Event()
        self.registry = CollectorRegistry()
        self._requests = Counter("istio_requests", "Requests.", LABELS, registry=self.registry)
        self._milliseconds = Histogram(
            "istio_request_duration_milliseconds", "Time.", LABELS, registry=self.registry, buckets=MILLISECONDS
        )

    def shares(self) -> dict[str, int]:
        """The weight of each host that the endpoint divides requests over."""
        route = self._client.request("GET", f"{self._url}/{self._model}")["spec"]["http"][-1]["route"]
        return {each["headers"]["request"]["set"]["Host"]: each.get("weight", 100) for each in route}

    def run(self) -> None:
        """Send requests until `end`."""
        read_at = 0.0
        shares: dict[str, int] = {}
        while not self._ended.wait(1 / REQUESTS_PER_SECOND):
            if time.monotonic() - read_at > 0.2:
                shares, read_at = self.shares(), time.monotonic()
                routes = self._client.request("GET", self._url)["items"]
            self._send(self._next(shares), routes)

    def end(self) -> None:
        self._ended.set()

    def _next(self, shares: Mapping[str, int]) -> str:
        """The host that is furthest behind its share: exact, where chance would need thousands of requests."""
        due = {host: self._due.get(host, 0) + weight for host, weight in shares.items()}
        chosen = max(due, key=lambda host: (shares[host] > 0, due[host]))
        self._due = {**due, chosen: due[chosen] - 100}
        return chosen

    def _send(self, host: str, routes: list[dict[str, Any]]) -> None:
        [version] = [route["spec"] for route in routes if host in route["spec"]["hosts"]]
        hop = next(one for one in version["http"] if one["name"] == "endpoint")
        service = hop["route"][0]["headers"]["request"]["set"]["Host"].split(".")[0]
        path = hop["rewrite"]["uri"]
        server = self._servers[path.removeprefix("/v1/models/").removesuffix(":predict")]
        start = time.monotonic()
        response = urllib3.request("POST", server.url + path, json=FLOWER, retries=False, timeout=10)
        labels = ("source", service, self._namespace, "http", str(response.status))
        self._requests.labels(*labels).inc()
        self._milliseconds.labels(*labels).observe(1000 * (time.monotonic() - start))


@contextmanager
def traffic(gateway: WatchedGateway) -> Iterator[int]:
    """Requests flow; the port of the gateway's metrics."""
    [port] = free_ports(1)
    server, serving = start_http_server(port, LOOPBACK, gateway.registry)
    sending = threading.Thread(target=gateway.run)
    sending.start()
    try:
        yield port
    finally:
        gateway.end()
        sending.join()
        server.shutdown()
        serving.join()
        server.server_close()


@dataclass(frozen=True)
class Watcher:
    """A running Prometheus."""

    url: str

    def get(self, path: str, **fields: str) -> Any:
        return urllib3.request("GET", f"{self.url}/api/v1/{path}", fields=fields, timeout=10).json()["data"]


@contextmanager
def prometheus(
    directory: Path,
    targets: Mapping[str, int],
    rules: list[dict[str, Any]],
    labels: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[Watcher]:
    """A Prometheus that scrapes `targets`, by job, each second, and evaluates `rules`, groups of PrometheusRules.

    `labels` are those that the series of a job get.
    """
    [port] = free_ports(1)
    jobs = [
        {
            "job_name": job,
            "static_configs": [{"targets": [f"{LOOPBACK}:{target}"], "labels": dict((labels or {}).get(job, {}))}],
        }
        for job, target in targets.items()
    ]
    settings = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (directory / "rules.yml").write_text(yaml.safe_dump({"groups": rules}))
    (directory / "prometheus.yml").write_text(
        yaml.safe_dump({"global": settings, "rule_files": ["rules.yml"], "scrape_configs": jobs})
    )
    command = [
        str(program("prometheus")),
        f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data",
        f"--web.listen-address={LOOPBACK}:{port}",
    ]
    with (directory / "prometheus.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    watcher = Watcher(f"http://{LOOPBACK}:{port}")
    try:
        _await_answer(watcher, process, directory / "prometheus.log")
        yield watcher
    finally:
        process.terminate()
        process.wait(30)


def _await_answer(watcher: Watcher, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if urllib3.request("GET", f"{watcher.url}/-/ready", retries=False, timeout=5).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
        time.sleep(0.05)


def rule_groups(client: KubeClient, namespace: str) -> list[dict[str, Any]]:
    """The groups of all PrometheusRules in a namespace."""
    url = f"/apis/monitoring.coreos.com/v1/namespaces/{namespace}/prometheusrules"
    groups = [group for item in client.request("GET", url)["items"] for group in item["spec"]["groups"]]
    copied: list[dict[str, Any]] = json.loads(json.dumps(groups))
    return copied
