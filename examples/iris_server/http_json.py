"""HTTP_JSON: liveness, readiness, predictions and metrics, as the contract of custom models has them."""

import json
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from .predictor import Failure, InvalidRequest, Predictor
from .request_metrics import HttpMetrics

JSON = "application/json"


def handler(predictor: Predictor) -> type[BaseHTTPRequestHandler]:
    """The class that answers the requests of a connection with `predictor`."""
    model = f"/v1/models/{predictor.settings.full_name}"
    metrics = HttpMetrics(predictor.registry)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self.path == "/":
                self._answer(HTTPStatus.OK, {"status": "alive"})
            elif self.path == model:
                self._answer(HTTPStatus.OK, {"name": predictor.settings.full_name, "ready": True})
            elif self.path == "/metrics":
                self._send(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(predictor.registry))
            else:
                self._answer(HTTPStatus.NOT_FOUND, {"error": f"there is nothing at {self.path}"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if self.path != f"{model}:predict":
                self._answer(HTTPStatus.NOT_FOUND, {"error": f"predictions are at {model}:predict"})
                return
            try:
                kinds = predictor.predict("HTTP_JSON", _flowers(body))
            except InvalidRequest as error:
                self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
            except Failure as error:
                self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": str(error)})
            else:
                self._answer(HTTPStatus.OK, {"predictions": kinds, "model": predictor.settings.full_name})

        def parse_request(self) -> bool:
            self._start = time.perf_counter()
            return super().parse_request()

        def log_message(self, format: str, *values: object) -> None:
            """Nothing: each request counts in the metrics."""

        def _answer(self, status: HTTPStatus, document: dict[str, Any]) -> None:
            self._send(status, JSON, json.dumps(document).encode())

        def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            metrics.answered(self.command, status, time.perf_counter() - self._start)

    return Handler


def _flowers(body: bytes) -> list[list[object]]:
    """The flowers in ``{"instances": [[5.1, 3.5, 1.4, 0.2]]}``."""
    try:
        flowers = json.loads(body)["instances"]
    except (ValueError, KeyError, TypeError):
        raise InvalidRequest('send {"instances": [[5.1, 3.5, 1.4, 0.2]]}') from None
    if not isinstance(flowers, list) or not all(isinstance(flower, list) for flower in flowers):
        raise InvalidRequest("instances is a list of flowers, each a list of numbers")
    return flowers
