"""Serve until SIGTERM: ``python -m iris_server``."""

import signal
import tempfile
from pathlib import Path
from threading import Thread

from .http_json import handler
from .one_port import OnePortServer
from .predictor import Predictor
from .settings import read_settings
from .upi import grpc_server

GRACE_SECONDS = 10


def main() -> None:
    """Serve the model on its port, over HTTP and gRPC."""
    settings = read_settings()
    predictor = Predictor(settings)
    with tempfile.TemporaryDirectory() as directory:
        grpc_socket = str(Path(directory) / "grpc.sock")
        upi = grpc_server(predictor, f"unix:{grpc_socket}")
        upi.start()
        with OnePortServer((settings.address, settings.port), handler(predictor), grpc_socket) as server:
            signal.signal(signal.SIGTERM, lambda _number, _frame: Thread(target=server.shutdown).start())
            print(f"{settings.full_name} answers on port {settings.port}", flush=True)
            server.serve_forever(poll_interval=0.1)
        upi.stop(GRACE_SECONDS).wait()


if __name__ == "__main__":
    main()
