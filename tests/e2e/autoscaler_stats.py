"""Load on revisions, told to Knative's autoscaler as its activator tells it: protobuf messages over a websocket."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from websockets.sync.client import ClientConnection, connect

STAT = {
    "pod_name": (1, FieldDescriptorProto.TYPE_STRING),
    "average_concurrent_requests": (2, FieldDescriptorProto.TYPE_DOUBLE),
    "request_count": (4, FieldDescriptorProto.TYPE_DOUBLE),
    "timestamp": (7, FieldDescriptorProto.TYPE_INT64),
}
"""Of knative.dev/serving/pkg/autoscaler/metrics/stat.proto, what is needed here."""


def _wire_stat_messages() -> type:
    file = FileDescriptorProto(name="stat.proto", package="metrics", syntax="proto3")
    stat, one, several = (file.message_type.add(name=name) for name in ("Stat", "One", "WireStatMessages"))
    for name, (number, kind) in STAT.items():
        stat.field.add(name=name, number=number, type=kind)
    for name, number in (("namespace", 1), ("name", 2)):
        one.field.add(name=name, number=number, type=FieldDescriptorProto.TYPE_STRING)
    nested = FieldDescriptorProto.TYPE_MESSAGE
    one.field.add(name="stat", number=3, type=nested, type_name=".metrics.Stat")
    several.field.add(
        name="messages",
        number=1,
        type=nested,
        type_name=".metrics.One",
        label=FieldDescriptorProto.LABEL_REPEATED,
    )
    return message_factory.GetMessages([file])["metrics.WireStatMessages"]


WireStatMessages = _wire_stat_messages()


class Activator:
    """Reports the requests of a namespace's revisions."""

    def __init__(self, connection: ClientConnection, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace
        self._reported = 0

    def report(self, *, concurrency: float = 0, rps: float = 0, revisions: tuple[str, ...]) -> None:
        """Say how many requests each of `revisions` has in flight, and got in the last second.

        Only the first report of a second is sent: the autoscaler would add up several.
        """
        second = int(time.time())
        if second == self._reported:
            return
        self._reported = second
        stat = {
            "pod_name": "activator",
            "average_concurrent_requests": concurrency,
            "request_count": rps,
            "timestamp": second,
        }
        messages = [{"namespace": self._namespace, "name": revision, "stat": stat} for revision in revisions]
        self._connection.send(WireStatMessages(messages=messages).SerializeToString())


@contextmanager
def activator(port: int, namespace: str) -> Iterator[Activator]:
    """An activator that is connected to the autoscaler's statistics server on `port`."""
    # The autoscaler never hangs up, not even when it is asked to: there is nothing to wait for.
    with connect(f"ws://127.0.0.1:{port}", close_timeout=0.1) as connection:
        yield Activator(connection, namespace)
