"""A server that stands for a version of a model: it answers on the contract's paths alone, and keeps what came."""

import itertools
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import grpc
from caraml.upi.v1.upi_pb2 import ModelMetadata, PredictValuesRequest, PredictValuesResponse, ResponseMetadata
from caraml.upi.v1.upi_pb2_grpc import (
    UniversalPredictionServiceServicer,
    add_UniversalPredictionServiceServicer_to_server,
)

from caraml_pulumi.model.modes import Protocol
from caraml_pulumi.model.version_plan import health_path, predict_path

_numbers = itertools.count()


def _address(process: int, number: int) -> str:
    return f"127.{process // 256 % 127 + 128}.{process % 256}.{number % 254 + 1}"


@dataclass
class Received:
    """A request as it arrived; the names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass(eq=False)
class ModelServer:
    """A running server of one version."""

    full_name: str
    protocol: Protocol
    address: str = field(default_factory=lambda: _address(os.getpid(), next(_numbers)))
    """An address of loopback that no other server has: istiod tells workloads apart by theirs."""
    port: int = 0
    received: list[Received] = field(default_factory=list)
    failures: int = 0
    """How many more predictions are answered with 503, or UNAVAILABLE."""
    delay_seconds: float = 0
    """How long a prediction takes."""

    def answer(self, request: Received) -> tuple[int, dict[str, str]]:
        """The status and the document for `request`."""
        known = {
            ("GET", "/"),
            ("GET", health_path(self.full_name)),
            ("POST", predict_path(self.protocol, self.full_name)),
        }
        self.received.append(request)
        if (request.method, request.path) not in known:
            return 404, {"error": f"{self.full_name} has nothing at {request.path}"}
        time.sleep(self.delay_seconds)
        if self.failures > 0:
            self.failures -= 1
            return 503, {"error": f"{self.full_name} is out of order"}
        return 200, {"model": self.full_name}


@contextmanager
def model_server(full_name: str, protocol: Protocol = Protocol.HTTP_JSON) -> Iterator[ModelServer]:
    """A server of the version `full_name` on loopback."""
    server = ModelServer(full_name, protocol)
    with _grpc(server) if protocol is Protocol.UPI_V1 else _http(server):
        yield server


@contextmanager
def _http(model: ModelServer) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, document = model.answer(Received(self.command, self.path, headers, body))
            answer = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            with suppress(ConnectionError):  # the proxy did not wait
                self.wfile.write(answer)

        do_POST = do_PUT = do_OPTIONS = do_GET

        def log_message(self, format: str, *values: object) -> None:
            """Nothing: what came is kept."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server((model.address, 0), Handler) as server:
        model.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield
        server.shutdown()
        thread.join()


@contextmanager
def _grpc(model: ModelServer) -> Iterator[None]:
    class Service(UniversalPredictionServiceServicer):  # type: ignore[misc]  # generated without types
        def PredictValues(self, _request: PredictValuesRequest, context: grpc.ServicerContext) -> PredictValuesResponse:
            metadata = {str(name): str(value) for name, value in context.invocation_metadata()}
            model.received.append(Received("POST", "PredictValues", metadata))
            time.sleep(model.delay_seconds)
            if model.failures > 0:
                model.failures -= 1
                context.abort(grpc.StatusCode.UNAVAILABLE, f"{model.full_name} is out of order")
            return PredictValuesResponse(metadata=ResponseMetadata(models=[ModelMetadata(name=model.full_name)]))

    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    add_UniversalPredictionServiceServicer_to_server(Service(), server)
    model.port = server.add_insecure_port(f"{model.address}:0")
    server.start()
    yield
    server.stop(grace=0).wait()
