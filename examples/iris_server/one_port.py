"""gRPC and HTTP on one port: Knative opens no second one, and Prometheus asks for metrics over HTTP.

Every gRPC connection begins with HTTP/2's preface ``PRI * HTTP/2.0``, and there is no HTTP method PRI. So the first
four bytes, which are looked at and left in place, tell who shall have the connection.
"""

import contextlib
import socket
import socketserver
from http.server import BaseHTTPRequestHandler
from threading import Thread

PREFACE = b"PRI "


class OnePortServer(socketserver.ThreadingTCPServer):
    """Answers HTTP/1 itself, and forwards HTTP/2 to a gRPC server on a Unix socket."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], grpc_socket: str) -> None:
        self._grpc_socket = grpc_socket
        super().__init__(address, handler)

    def finish_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Serve a connection until it ends; each has a thread of its own."""
        assert isinstance(request, socket.socket)  # noqa: S101 - as TCP has it
        with contextlib.suppress(ConnectionError):
            first = request.recv(len(PREFACE), socket.MSG_PEEK | socket.MSG_WAITALL)
            if first == PREFACE:
                self._forward(request)
            elif first:
                super().finish_request(request, client_address)

    def _forward(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(self._grpc_socket)
            answers = Thread(target=_pump, args=(server, client), daemon=True)
            answers.start()
            _pump(client, server)
            answers.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Send on what comes from `source`, and its end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
