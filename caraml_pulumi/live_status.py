"""A passing status for a resource of a Python dynamic provider, such as how far an upload is.

Pulumi's dynamic providers have no word for it: their methods learn neither the resource's URN nor the engine. Both are
there all the same in the process that runs them, and this is the one place that knows where.
"""

import sys
from collections.abc import Callable
from threading import RLock
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pulumi.runtime.proto import engine_pb2_grpc

_SERVER: Final = "pulumi.dynamic"
"""The module whose process runs dynamic providers. Both engines give it the address of Pulumi's Engine service."""
_REQUESTS: Final = "pulumi.provider_pb2"
"""The module of the requests that it answers."""


def live_status() -> Callable[[str], None]:
    """What shows a passing status on the row of the resource whose ``create``, ``update`` or other method calls this.

    Call this once, on the thread on which Pulumi calls the method, and the function it returns from any thread and as
    often as there is news: it does not wait, and while one message is on its way the latest of those after it counts.
    A message is shown while the operation lasts and kept nowhere. It must hold no secret.

    Outside the process of a dynamic provider (in a unit test, say) the function does nothing.

    Example:
        def create(self, props):
            status = live_status()
            for number, part in enumerate(parts):
                status(f"{number} of {len(parts)} parts sent")
    """
    urn, address = _urn_in_progress(sys._getframe(1)), _engine_address()
    if not urn or not address:
        return lambda message: None
    import grpc
    from pulumi.runtime.proto import engine_pb2_grpc

    channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])
    return _Sender(engine_pb2_grpc.EngineStub(channel), urn)


def _engine_address() -> str:
    """The address of the engine, which is the server's only argument; empty in any other process."""
    module = getattr(sys.modules["__main__"], "__spec__", None)
    is_server = module is not None and module.name.removesuffix(".__main__") == _SERVER
    return sys.argv[1] if is_server and len(sys.argv) > 1 else ""


def _urn_in_progress(frame: FrameType | None) -> str:
    """The URN in the request that the server is answering in `frame` or below it; empty when it answers none."""
    while frame is not None:
        request = frame.f_locals.get("request")
        if type(request).__module__ == _REQUESTS:
            return str(getattr(request, "urn", ""))
        frame = frame.f_back
    return ""


class _Sender:
    """Sends the latest message, one at a time."""

    def __init__(self, engine: "engine_pb2_grpc.EngineStub", urn: str) -> None:
        self._engine = engine
        self._urn = urn
        self._lock = RLock()
        self._sending = False
        self._latest = ""

    def __call__(self, message: str) -> None:
        with self._lock:
            self._latest = message
            if not self._sending:
                self._send()

    def _send(self) -> None:
        from pulumi.runtime.proto import engine_pb2

        request = engine_pb2.LogRequest(severity=engine_pb2.INFO, urn=self._urn, message=self._latest, ephemeral=True)
        self._latest, self._sending = "", True
        self._engine.Log.future(request).add_done_callback(self._sent)

    def _sent(self, _answer: object) -> None:
        with self._lock:
            self._sending = False
            if self._latest:
                self._send()
