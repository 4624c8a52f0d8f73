"""Remote components: those that another process makes, which registers them and their children with the monitor."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2, resource_pb2

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.deployment import Deployment
from caraml_pulumi.engine.goal import Goal
from caraml_pulumi.engine.messages import copy_field
from caraml_pulumi.engine.output_values import dependencies_in, with_outputs
from caraml_pulumi.engine.process import Answer
from caraml_pulumi.engine.providers.base import Provider
from caraml_pulumi.engine.run import StoppedError
from caraml_pulumi.errors import CaramlError

_OPTIONS: Final = {
    "type": "type",
    "name": "name",
    "parent": "parent",
    "dependencies": "dependencies",
    "providers": "providers",
    "aliases": "aliases",
    "protect": "protect",
    "retainOnDelete": "retainOnDelete",
    "deletedWith": "deletedWith",
    "replace_with": "replace_with",
    "replacement_trigger": "replacement_trigger",
    "ignoreChanges": "ignoreChanges",
    "replaceOnChanges": "replaceOnChanges",
    "additionalSecretOutputs": "additionalSecretOutputs",
    "customTimeouts": "customTimeouts",
    "hooks": "resource_hooks",
}
"""What a program asks for a component with, and the names that the question to the package has for it."""


class RemoteComponents:
    """Asks the packages of `deployment` for components. `endpoint` gives the address of the monitor.

    `config` and `secret_keys` are the stack's configuration, which components read as those of the program do.
    """

    def __init__(
        self, deployment: Deployment, config: Mapping[str, str], secret_keys: list[str], endpoint: Callable[[], str]
    ) -> None:
        self._deployment = deployment
        self._config = config
        self._secret_keys = secret_keys
        self._endpoint = endpoint

    def construct(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        """Have the component made that `request` asks for.

        Raises:
            StoppedError: it could not be, because of what one of its children has already shown.
            CaramlError: it could not be: its inputs are wrong, or its code raised an exception.
        """
        dependencies = {key: list(value.urns) for key, value in request.propertyDependencies.items()}
        asked = provider_pb2.ConstructRequest(**self._circumstances())
        for name, theirs in _OPTIONS.items():
            copy_field(request, name, asked, theirs)
        if request.deleteBeforeReplaceDefined:
            asked.deleteBeforeReplace = request.deleteBeforeReplace
        asked.inputs.CopyFrom(with_outputs(request.object))
        for key, urns in dependencies.items():
            asked.inputDependencies[key].urns.extend(urns)
        answer = self._asked(lambda: self._provider(request.type, request.provider, request.version).construct(asked))
        response = resource_pb2.RegisterResourceResponse(urn=answer.urn, object=_plain(answer.state))
        for key, value in answer.state.fields.items():
            needed = {*answer.stateDependencies[key].urns, *dependencies_in(value)}
            response.propertyDependencies[key].urns.extend(sorted(needed))
        return response

    def call(self, request: resource_pb2.ResourceCallRequest) -> provider_pb2.CallResponse:
        """Call the method of a component. Raises as `construct` does."""
        dependencies = {key: list(value.urns) for key, value in request.argDependencies.items()}
        asked = provider_pb2.CallRequest(**self._circumstances(), tok=request.tok, args=with_outputs(request.args))
        for key, needed in dependencies.items():
            asked.argDependencies[key].urns.extend(needed)
        answer = self._asked(lambda: self._provider(request.tok, request.provider, request.version).call(asked))
        result = getattr(answer, "return")
        for key, value in result.fields.items():
            urns = answer.returnDependencies[key].urns
            urns.extend(sorted(set(dependencies_in(value)) - set(urns)))
        result.CopyFrom(_plain(result))
        return answer

    def _circumstances(self) -> dict[str, Any]:
        """What a package is told of the run."""
        run = self._deployment.run
        return {
            "project": run.project,
            "stack": run.stack,
            "organization": "organization",
            "config": self._config,
            "configSecretKeys": self._secret_keys,
            "dryRun": run.preview,
            "parallel": run.parallel,
            "monitorEndpoint": self._endpoint(),
            "accepts_output_values": True,
        }

    def _provider(self, token: str, provider: str, version: str) -> Provider:
        return self._deployment.provider(Goal(token, "", custom=False, inputs={}, provider=provider, version=version))

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        """What `ask` returns; where it failed because the run was stopped, that is what is raised."""
        try:
            return ask()
        except CaramlError as error:
            failure = error
        raise StoppedError if self._deployment.run.stopped else failure


def _plain(struct: Struct) -> Struct:
    """`struct` with secrets and unknowns in place of output values, which the SDK takes from no monitor."""
    return wire.encode(wire.decode(struct), secrets=True, unknowns=True)
