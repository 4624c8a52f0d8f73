"""Tests of stacks and components without a cluster: run a program, and look at what it registered.

def test_a_version_is_a_knative_service() -> None:
    recording = record(lambda: CustomModelVersion("iris-1", model="iris", ...))
    assert recording.one("kubernetes:serving.knative.dev/v1:Service").inputs["metadata"]["name"] == "iris-1"
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2

from caraml_pulumi.engine.values import Properties
from caraml_pulumi.engine.wire import decode

STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(slots=True)
class Registration:
    """A resource that a program registered. Secrets among the inputs are `Secret`s, unknown values `UNKNOWN`."""

    type: str
    name: str
    urn: str
    parent: str
    custom: bool
    inputs: Properties
    dependencies: frozenset[str]
    """URNs of what the resource waits for."""
    provider: str = ""
    protect: bool = False
    import_id: str = ""
    """The identity of what exists already and is taken over."""
    outputs: Properties = field(default_factory=dict)
    """What a component registered as its outputs."""


@dataclass(slots=True)
class Recording:
    """All that a program registered, in order."""

    registrations: list[Registration] = field(default_factory=list)
    project: str = "project"
    stack: str = "dev"
    config: Mapping[str, str] = field(default_factory=dict)
    """The stack's configuration, as the program got it."""

    def of_type(self, type_: str) -> list[Registration]:
        """The registrations of a type token."""
        return [registration for registration in self.registrations if registration.type == type_]

    def one(self, type_: str, name: str | None = None) -> Registration:
        """The only registration of a type token (and logical name). Fails, listing what there is, if it is not one."""
        found = [item for item in self.of_type(type_) if name is None or item.name == name]
        if len(found) != 1:
            there = ", ".join(f"{item.type} {item.name}" for item in self.registrations) or "nothing"
            raise AssertionError(f"{len(found)} registrations of {type_} {name or ''}; registered: {there}")
        return found[0]

    def children_of(self, urn: str) -> list[Registration]:
        """The registrations whose parent is `urn`."""
        return [registration for registration in self.registrations if registration.parent == urn]


class RecordingMonitor(MockMonitor):
    """A resource monitor that records. Each resource's outputs are its inputs; nothing is created."""

    def __init__(self, recording: Recording, live: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        super().__init__(_NoMocks())
        self.recording = recording
        self._live = live or {}

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        """Answer with the object that there is."""
        urn = self.make_urn("" if STACK_TYPE in request.parent else request.parent, request.type, request.name)
        if request.id not in self._live:
            raise AssertionError(f'{request.type} "{request.id}" is not among the live objects of the test')
        return resource_pb2.ReadResourceResponse(urn=urn, properties=_struct(self._live[request.id]))

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        """Record a registration and answer with its inputs."""
        urn = self.make_urn("" if STACK_TYPE in request.parent else request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        self.recording.registrations.append(
            Registration(
                type=request.type,
                name=request.name,
                urn=urn,
                parent=request.parent,
                custom=request.custom,
                inputs=decode(request.object),
                dependencies=frozenset(request.dependencies),
                provider=request.provider,
                protect=request.protect,
                import_id=request.importId,
            )
        )
        identity = f"{request.name}-id" if request.custom and not pulumi.runtime.is_dry_run() else ""
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=request.object)

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:
        """Record a component's outputs."""
        for registration in self.recording.registrations:
            if registration.urn == request.urn:
                registration.outputs = decode(request.outputs)
        return empty_pb2.Empty()


def _struct(live: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(live)
    return struct


class _NoMocks(pulumi.runtime.Mocks):
    """Functions of providers answer with their arguments."""

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
        return args.args, None

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", args.inputs


def record(
    program: Callable[[], Any],
    *,
    project: str = "project",
    stack: str = "dev",
    config: Mapping[str, Any] | None = None,
    preview: bool = False,
    live: Mapping[str, Mapping[str, Any]] | None = None,
) -> Recording:
    """Run `program` as Pulumi would and return what it registered.

    `config` holds the stack's configuration by full key (``caraml:platform``); values that are not texts are structured
    configuration. `live` holds the objects that the program reads from the cluster, by their ids: ``namespace/name``.
    With `preview`, identities are unknown, as they are before anything is created. What the program, or a function
    applied to an Output, raises is raised here.
    """
    loop = asyncio.new_event_loop()
    # The first failure is raised; asyncio would also print each Output that it made fail.
    loop.set_exception_handler(lambda _loop, _context: None)
    asyncio.set_event_loop(loop)
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in (config or {}).items()}
    monitor = RecordingMonitor(Recording(project=project, stack=stack, config=texts), live)
    pulumi.runtime.set_all_config(texts)
    pulumi.runtime.set_mocks(_NoMocks(), project=project, stack=stack, preview=preview, monitor=monitor)
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return monitor.recording


def unknown() -> pulumi.Output[Any]:
    """An Output that a preview does not know. Make it inside the program that is recorded."""
    return pulumi.Output(set(), _resolved(None), _resolved(False))


def _resolved(value: object) -> "asyncio.Future[Any]":
    future: asyncio.Future[Any] = asyncio.get_event_loop().create_future()
    future.set_result(value)
    return future
