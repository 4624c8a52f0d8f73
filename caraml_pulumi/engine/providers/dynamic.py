"""Dynamic providers: resources whose operations are Python code of the program, run by Pulumi's own server for them.

The server knows neither secrets nor resource references. So secrets go to it as plain values, and what was secret in a
resource's inputs is made secret again in what comes back; above all ``__provider``, the pickled code.
"""

from collections.abc import Callable, Mapping
from typing import Final

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import engine_pb2, provider_pb2, provider_pb2_grpc

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.log_server import LogServer
from caraml_pulumi.engine.process import Answer, Once, SideProcess
from caraml_pulumi.engine.providers.base import Context, Diff, Live, Provider
from caraml_pulumi.engine.resource import ResourceState, urn_name
from caraml_pulumi.engine.secrecy import keep_secrets, mask_secrets
from caraml_pulumi.engine.state.project import Project
from caraml_pulumi.engine.values import Properties, PropertyValue, Secret, same
from caraml_pulumi.errors import CaramlError, CaramlErrors

_CONFIGURE_TIMEOUT: Final = 30.0


class DynamicProvider(Provider):
    """The package ``pulumi-python``: one server process for all dynamic providers of a run, started here.

    `config` is the stack's whole configuration by full key. `on_line` gets what the user's code prints, `log` what it
    sends to the Engine service, whose address is the server's only argument. Creations and updates are not sent at
    preview: the server cannot preview, so all outputs are unknown then.

    Every method raises `CaramlError` with the message of an exception in the user's code and where it was raised.
    """

    def __init__(
        self,
        project: Project,
        config: Mapping[str, str | Secret],
        *,
        on_line: Callable[[str], None] = lambda line: None,
        log: Callable[[engine_pb2.LogRequest], Empty] = lambda request: Empty(),
    ) -> None:
        directory = project.main.parent
        self._config = dict(config)
        self._log = log
        self._log_server = LogServer(self._logged)
        self._process = SideProcess(
            "the dynamic provider",
            "pulumi.dynamic",
            [self._log_server.address],
            directory=directory,
            environment={"PULUMI_PROJECT": project.name},
            search=[directory],
            on_line=on_line,
            secrets=list(config.values()),
        )
        self._connect = Once(self._configured)

    @property
    def pid(self) -> int:
        """The id of the server's process."""
        return self._process.pid

    def check(self, urn: str, old_inputs: Properties | None, new_inputs: Properties) -> Properties:
        """The inputs as the user's ``check`` returns them; its failures are raised together."""
        request = provider_pb2.CheckRequest(
            urn=urn, olds=_struct(old_inputs or {}), news=_struct(new_inputs), name=urn_name(urn)
        )
        response = self._ask(self._connect().Check, request, "checking", urn, new_inputs)
        if response.failures:
            raise CaramlErrors(
                [
                    CaramlError(
                        mask_secrets(failure.reason, [new_inputs]),
                        where=f"{urn_name(urn)}.{failure.property}" if failure.property else urn_name(urn),
                    )
                    for failure in response.failures
                ]
            )
        return _properties(response.inputs, new_inputs)

    def diff(self, old: ResourceState, new_inputs: Properties, ignore_changes: list[str]) -> Diff:
        """What the user's ``diff`` says; if it does not say, any changed input is a change."""
        request = provider_pb2.DiffRequest(
            id=old.id,
            urn=old.urn,
            olds=_struct(old.outputs),
            news=_struct(new_inputs),
            old_inputs=_struct(old.inputs),
            ignoreChanges=ignore_changes,
        )
        response = self._ask(self._connect().Diff, request, "comparing", old.urn, old.outputs, new_inputs)
        replaces = list(response.replaces)
        said = response.changes
        changed = not same(old.inputs, new_inputs) if said == response.DIFF_UNKNOWN else said == response.DIFF_SOME
        return Diff(
            changed=changed or bool(replaces),
            replace_keys=replaces,
            delete_before_replace=response.deleteBeforeReplace,
            inputs_compared=said == response.DIFF_UNKNOWN,
        )

    def create(self, urn: str, inputs: Properties, context: Context) -> Live:
        """Run the user's ``create``."""
        if context.preview:
            return Live("", {})
        request = provider_pb2.CreateRequest(urn=urn, properties=_struct(inputs), timeout=context.timeout or 0)
        response = self._ask(self._connect().Create, request, "creating", urn, inputs, timeout=context.timeout)
        if not response.id:
            raise CaramlError(f"the dynamic provider of {urn_name(urn)!r} gave no id to what it created", where=urn)
        return Live(response.id, _properties(response.properties, inputs))

    def update(self, old: ResourceState, new_inputs: Properties, context: Context) -> Live:
        """Run the user's ``update``."""
        if context.preview:
            return Live(old.id, {})
        request = provider_pb2.UpdateRequest(
            id=old.id,
            urn=old.urn,
            olds=_struct(old.outputs),
            news=_struct(new_inputs),
            old_inputs=_struct(old.inputs),
            ignoreChanges=context.ignore_changes,
            timeout=context.timeout or 0,
        )
        response = self._ask(
            self._connect().Update, request, "updating", old.urn, old.outputs, new_inputs, timeout=context.timeout
        )
        return Live(old.id, _properties(response.properties, new_inputs))

    def delete(self, old: ResourceState, context: Context) -> None:
        """Run the user's ``delete``."""
        request = provider_pb2.DeleteRequest(
            id=old.id, urn=old.urn, properties=_struct(old.outputs), timeout=context.timeout or 0
        )
        self._ask(self._connect().Delete, request, "deleting", old.urn, old.outputs, timeout=context.timeout)

    def read(self, urn: str, id_: str, old: ResourceState | None, context: Context) -> Live | None:
        """Run the user's ``read``; an empty id from it means that the resource is gone.

        Raises:
            CaramlError: also without `old`: the code to run is in the resource's state.
        """
        if old is None:
            raise CaramlError(f"the dynamic resource {urn_name(urn)!r} cannot be read by its id alone", where=urn)
        return self._read(urn, id_, old.outputs, old.inputs)

    def look_up(self, urn: str, id_: str, inputs: Properties, context: Context) -> Live | None:
        """Run the user's ``read``, which is in the program's `inputs`; it gets these as the properties it knows."""
        return self._read(urn, id_, inputs, inputs)

    def _read(self, urn: str, id_: str, outputs: Properties, inputs: Properties) -> Live | None:
        request = provider_pb2.ReadRequest(id=id_, urn=urn, properties=_struct(outputs), inputs=_struct(inputs))
        response = self._ask(self._connect().Read, request, "reading", urn, outputs)
        if not response.id:
            return None
        read = _properties(response.inputs, inputs) if response.HasField("inputs") else None
        return Live(response.id, _properties(response.properties, outputs), read)

    def close(self) -> None:
        """End the server."""
        self._process.close()
        self._log_server.close()

    def _logged(self, request: engine_pb2.LogRequest) -> Empty:
        request.message = self._process.masked(request.message)
        return self._log(request)

    def _configured(self) -> provider_pb2_grpc.ResourceProviderStub:
        """The connection, after the server has been told the configuration, for the user's ``configure``."""
        stub = provider_pb2_grpc.ResourceProviderStub(self._process.channel())
        request = provider_pb2.ConfigureRequest(args=_struct(self._config), acceptSecrets=False)
        self._process.ask(stub.Configure, request, "taking the configuration", timeout=_CONFIGURE_TIMEOUT)
        return stub

    def _ask(
        self,
        call: Callable[..., Answer],
        request: Message,
        doing: str,
        urn: str,
        *secrets: Properties,
        timeout: float | None = None,
    ) -> Answer:
        return self._process.ask(call, request, f"{doing} {urn_name(urn)!r}", timeout=timeout, secrets=secrets)


def _struct(properties: Mapping[str, PropertyValue]) -> Struct:
    return wire.encode(dict(properties), secrets=False, unknowns=True, references=False)


def _properties(struct: Struct, sent: Properties) -> Properties:
    """What came back, with what was secret in what was `sent` secret again."""
    properties: Properties = keep_secrets(sent, wire.decode(struct))
    return properties
