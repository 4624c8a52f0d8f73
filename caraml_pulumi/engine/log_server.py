"""Serves Pulumi's Engine service to a process of the engine."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2


class LogServer:
    """The `Log` method of the protocol for another process: on loopback, at `address`, until `close`."""

    def __init__(self, log: Callable[[engine_pb2.LogRequest], Empty]) -> None:
        import grpc

        handler = grpc.unary_unary_rpc_method_handler(
            lambda request, context: log(request),
            request_deserializer=engine_pb2.LogRequest.FromString,
            response_serializer=Empty.SerializeToString,
        )
        self._server = grpc.server(ThreadPoolExecutor(1, thread_name_prefix="log"))
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("pulumirpc.Engine", {"Log": handler}),)
        )
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def close(self) -> None:
        """Take no more messages; those that have come are passed on."""
        self._server.stop(grace=1).wait()
