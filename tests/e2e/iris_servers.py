"""The sample custom model server of examples/, run as a process on loopback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from caraml_pulumi.cluster.ports import LOOPBACK, free_ports

FLOWER = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class IrisServer:
    """A running server of one version."""

    full_name: str
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        return urllib3.request("GET", self.url + path, retries=False, timeout=10)

    def predict(self, body: object = FLOWER) -> urllib3.BaseHTTPResponse:
        path = f"{self.url}/v1/models/{self.full_name}:predict"
        return urllib3.request("POST", path, json=body, retries=False, timeout=10)


@contextmanager
def iris_server(full_name: str, **environment: str) -> Iterator[IrisServer]:
    """A server of the version `full_name`, ready; ended as Kubernetes ends a container."""
    [port] = free_ports(1)
    given: Mapping[str, str] = {
        "CARAML_MODEL_FULL_NAME": full_name,
        "CARAML_HTTP_PORT": str(port),
        "CARAML_GRPC_PORT": str(port),
        "IRIS_ADDRESS": LOOPBACK,
        **environment,
    }
    command = [sys.executable, "-m", "examples.iris_server"]
    process = subprocess.Popen(command, cwd=REPOSITORY, env={"PATH": os.environ["PATH"], **given})
    server = IrisServer(full_name, port, process)
    try:
        _await_readiness(server)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def _await_readiness(server: IrisServer) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if server.get(f"/v1/models/{server.full_name}").status == 200:
                return
        except urllib3.exceptions.HTTPError:
            assert server.process.poll() is None
            assert time.monotonic() < deadline
        time.sleep(0.05)
