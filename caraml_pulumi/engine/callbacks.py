"""Calls functions of a running program: its transforms and hooks, served by the SDK with Pulumi's Callbacks protocol.

The program's own event loop serves them, so they must be called on another thread, and before the program has ended.
"""

import os
import re
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message
from pulumi.runtime.proto import callback_pb2

from caraml_pulumi.engine.process import last_user_frame
from caraml_pulumi.engine.secrecy import mask_secrets
from caraml_pulumi.engine.values import PropertyValue
from caraml_pulumi.errors import CaramlError

if TYPE_CHECKING:
    import grpc

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
"""A program that ends closes its connections, which gRPC would write to stderr as information."""

_PREFIX: Final = re.compile(r"^Invoke callback \S+ error: ")
_TRACEBACK: Final = re.compile(r":?\n\s*File \".*", re.DOTALL)


class Callbacks:
    """The connections to those who serve callbacks, made when first needed; `close` ends them."""

    def __init__(self) -> None:
        self._channels: dict[str, grpc.Channel] = {}
        self._lock = Lock()

    def call(
        self, callback: callback_pb2.Callback, request: Message, what: str, *, secrets: Sequence[PropertyValue] = ()
    ) -> bytes:
        """The serialized answer of `callback` to `request`; `what` names it in messages.

        What is secret in `secrets` is masked in the message of an exception.

        Raises:
            CaramlError: the function raised an exception, or the program that serves it has ended.
        """
        import grpc
        from pulumi.runtime.proto import callback_pb2_grpc

        stub = callback_pb2_grpc.CallbacksStub(self._channel(callback.target))
        try:
            answer = stub.Invoke(
                callback_pb2.CallbackInvokeRequest(token=callback.token, request=request.SerializeToString())
            )
        except grpc.RpcError as error:
            details = mask_secrets(error.details() or "", secrets)
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise CaramlError(f"{what} cannot be called: the program that has it does not answer") from None
            said = _TRACEBACK.sub("", _PREFIX.sub("", details)).strip()
            raise CaramlError(f"{what} failed: {said or 'no message'}", where=last_user_frame(details)) from None
        return bytes(answer.response)

    def _channel(self, target: str) -> "grpc.Channel":
        import grpc

        with self._lock:
            if target not in self._channels:
                self._channels[target] = grpc.insecure_channel(
                    target,
                    options=[
                        ("grpc.enable_http_proxy", 0),  # a proxy of the environment is not for loopback
                        ("grpc.max_receive_message_length", -1),
                        ("grpc.max_send_message_length", -1),
                    ],
                )
            return self._channels[target]

    def close(self) -> None:
        """End the connections."""
        with self._lock:
            for channel in self._channels.values():
                channel.close()
            self._channels.clear()
