"""Serves a service of Pulumi's protocol to another process, from an object that has its methods."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from caraml_pulumi.engine.run import StoppedError
from caraml_pulumi.errors import CaramlError

if TYPE_CHECKING:
    import grpc

_THREADS: Final = 512
"""Requests at a time: one that makes a component waits for those of its children, so there must be more than levels."""


class Server:
    """The methods of `target` that `service` names, on loopback at `address`, until `close`.

    What a method raises goes to the other process as gRPC's error: it is the caller of `target` who shows it.
    """

    def __init__(self, service: ServiceDescriptor, target: object) -> None:
        import grpc

        handlers = {
            method.name: grpc.unary_unary_rpc_method_handler(
                _answering(target, method.name),
                request_deserializer=GetMessageClass(method.input_type).FromString,
                response_serializer=GetMessageClass(method.output_type).SerializeToString,
            )
            for method in service.methods
        }
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, thread_name_prefix=service.name),
            options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
        )
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def close(self) -> None:
        """Take no more requests."""
        self._server.stop(grace=None)


def _answering(target: object, name: str) -> "Callable[[Message, grpc.ServicerContext], Message]":
    def answer(request: Message, context: "grpc.ServicerContext") -> Message:
        import grpc

        try:
            reply: Message = getattr(target, name)(request)
        except StoppedError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
            raise
        except CaramlError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
            raise
        return reply

    return answer
