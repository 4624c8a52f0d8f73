"""Component packages: components and functions of another process, which registers back what it makes of them."""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from pulumi.runtime.proto import engine_pb2, errors_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.log_server import LogServer
from caraml_pulumi.engine.process import Answer, Once, SideProcess, last_user_frame
from caraml_pulumi.engine.providers.base import Context, Diff, Live, Provider
from caraml_pulumi.engine.providers.package import Package
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.values import Properties, PropertyValue
from caraml_pulumi.errors import CaramlError, CaramlErrors

if TYPE_CHECKING:
    import grpc

_CONFIGURE_TIMEOUT: Final = 30.0
_DETAILS: Final = "grpc-status-details-bin"
_PREFIX: Final = re.compile(r"^Unexpected <class '[^']*'>: ")
_FRAMES: Final = re.compile(r":?\n\s*File \".*", re.DOTALL)


class HostedProvider(Provider):
    """The package `name`: one process for all its components in a run, started here.

    `on_line` gets what its code prints, `log` what it sends to the Engine service; `environment` are more environment
    variables of it.

    Every method raises `CaramlError` with the message of an exception in the package's code and where it was raised.
    """

    def __init__(
        self,
        name: str,
        package: Package,
        inputs: Properties,
        *,
        on_line: Callable[[str], None] = lambda line: None,
        log: Callable[[engine_pb2.LogRequest], Empty] = lambda request: Empty(),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._name = name
        self._inputs = {key: value for key, value in inputs.items() if key not in ("__internal", "version")}
        self._log = log
        self._log_server = LogServer(self._logged)
        self._process = SideProcess(
            f"the component package {name!r}",
            package.module,
            [*package.arguments, self._log_server.address],
            directory=package.directory,
            environment=dict(environment or {}),
            python=package.python,
            search=[package.directory],
            on_line=on_line,
        )
        self._connect = Once(self._configured)

    def construct(self, request: provider_pb2.ConstructRequest) -> provider_pb2.ConstructResponse:
        """Make a component; what its inputs break is one error for each, with the property's path."""
        doing = f"constructing {request.type} {request.name!r}"
        subject = f'{request.type.rpartition(":")[2]} "{request.name}"'
        inputs = wire.decode(request.inputs)
        answer: provider_pb2.ConstructResponse = self._ask(self._connect().Construct, request, doing, subject, inputs)
        return answer

    def call(self, request: provider_pb2.CallRequest) -> provider_pb2.CallResponse:
        """Call a method of a component."""
        arguments = wire.decode(request.args)
        response: provider_pb2.CallResponse = self._ask(
            self._connect().Call, request, f"calling {request.tok}", request.tok, arguments
        )
        _refuse(request.tok, response.failures)
        return response

    def invoke(self, token: str, arguments: Properties) -> PropertyValue:
        """Call a function of the package."""
        request = provider_pb2.InvokeRequest(tok=token, args=wire.encode(arguments, secrets=False, unknowns=True))
        response = self._ask(self._connect().Invoke, request, f"calling {token}", token, arguments)
        _refuse(token, response.failures)
        return wire.decode(getattr(response, "return"))

    def check(self, urn: str, old_inputs: Properties | None, new_inputs: Properties) -> Properties:
        """Refuse: the package has components, which it registers itself."""
        raise self._no_resources(urn)

    def diff(self, old: ResourceState, new_inputs: Properties, ignore_changes: list[str]) -> Diff:
        """Refuse as `check` does."""
        raise self._no_resources(old.urn)

    def create(self, urn: str, inputs: Properties, context: Context) -> Live:
        """Refuse as `check` does."""
        raise self._no_resources(urn)

    def update(self, old: ResourceState, new_inputs: Properties, context: Context) -> Live:
        """Refuse as `check` does."""
        raise self._no_resources(old.urn)

    def delete(self, old: ResourceState, context: Context) -> None:
        """Refuse as `check` does."""
        raise self._no_resources(old.urn)

    def read(self, urn: str, id_: str, old: ResourceState | None, context: Context) -> Live | None:
        """Refuse as `check` does."""
        raise self._no_resources(urn)

    def close(self) -> None:
        """End the process."""
        self._process.close()
        self._log_server.close()

    def _no_resources(self, urn: str) -> CaramlError:
        return CaramlError(
            f"the embedded engine has only components of the package {self._name!r}, and no resources",
            where=urn,
            fix="use the Pulumi CLI: --engine pulumi",
        )

    def _logged(self, request: engine_pb2.LogRequest) -> Empty:
        request.message = self._process.masked(request.message)
        return self._log(request)

    def _configured(self) -> provider_pb2_grpc.ResourceProviderStub:
        stub = provider_pb2_grpc.ResourceProviderStub(self._process.channel())
        request = provider_pb2.ConfigureRequest(
            args=wire.encode(self._inputs, secrets=True, unknowns=False), acceptSecrets=True, acceptResources=True
        )
        self._process.ask(stub.Configure, request, "taking the configuration", timeout=_CONFIGURE_TIMEOUT)
        return stub

    def _ask(
        self, call: Callable[..., Answer], request: Message, doing: str, subject: str, secrets: Properties
    ) -> Answer:
        """The answer; where the package found something wrong with the inputs, each is an error with its path."""
        import grpc

        found: list[CaramlError] = []

        def asked(request: Message, timeout: float | None) -> Answer:
            try:
                return call(request, timeout=timeout)
            except grpc.RpcError as error:
                found.extend(_input_errors(error, subject) or self._exception(error, doing))
                raise

        try:
            return self._process.ask(asked, request, doing, secrets=[secrets])
        except CaramlError:
            if not found:
                raise
            for item in found:
                item.what = self._process.masked(item.what)
            raise found[0] if len(found) == 1 else CaramlErrors(found) from None

    def _exception(self, error: "grpc.RpcError", doing: str) -> list[CaramlError]:
        """An exception in the package's code, which its server sends with the frames that it went through."""
        import grpc

        details = error.details() or ""
        if error.code() is not grpc.StatusCode.UNKNOWN or not details:
            return []
        said = _FRAMES.sub("", _PREFIX.sub("", details)).strip()
        if not _FRAMES.search(details):
            return [CaramlError(said)]  # a RunError of Pulumi: a message for people
        said = said.replace("\n", "\n    ")
        what = f"the component package {self._name!r} failed while {doing}\n    {said}"
        return [CaramlError(what, where=last_user_frame(details))]


def _refuse(token: str, failures: Sequence[provider_pb2.CheckFailure]) -> None:
    if failures:
        raise CaramlErrors([CaramlError(item.reason, where=_path(token, item.property)) for item in failures])


def _input_errors(error: "grpc.RpcError", subject: str) -> list[CaramlError]:
    """What gRPC's details of `error` say of the inputs of `subject`: Pulumi's ``InputPropertiesError``."""
    trailing = [item.value for item in error.trailing_metadata() or () if item.key == _DETAILS]
    if not trailing:
        return []
    status = status_pb2.Status.FromString(trailing[0])
    found = []
    for detail in status.details:
        packed, properties = AnyMessage(), errors_pb2.InputPropertiesError()
        packed.CopyFrom(detail)
        with contextlib.suppress(ValueError):
            packed.Unpack(properties)
        found += [CaramlError(item.reason, where=_path(subject, item.property_path)) for item in properties.errors]
    return found or [CaramlError(status.message, where=subject)]


def _path(subject: str, path: str) -> str:
    return f"{subject}: {path}" if path else subject
