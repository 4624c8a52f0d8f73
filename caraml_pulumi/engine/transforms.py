"""Transforms: functions of a program that change what it registers, and what it asks of providers' functions.

A registration goes through its own transforms, then those of its ancestors, the nearest first, then those of the stack,
as Pulumi has it.
"""

from collections import defaultdict
from collections.abc import Iterable
from threading import Lock
from typing import Final

from google.protobuf.message import Message
from pulumi.runtime.proto import callback_pb2, resource_pb2

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.callbacks import Callbacks
from caraml_pulumi.engine.messages import copy_field
from caraml_pulumi.engine.output_values import dependencies_in, with_outputs

_OPTIONS: Final = {
    "depends_on": "dependencies",
    "protect": "protect",
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
    "version": "version",
    "aliases": "aliases",
    "provider": "provider",
    "custom_timeouts": "customTimeouts",
    "plugin_download_url": "pluginDownloadURL",
    "retain_on_delete": "retainOnDelete",
    "deleted_with": "deletedWith",
    "delete_before_replace": "deleteBeforeReplace",
    "additional_secret_outputs": "additionalSecretOutputs",
    "providers": "providers",
    "plugin_checksums": "pluginChecksums",
    "hooks": "hooks",
    "import": "importId",
    "hide_diff": "hideDiffs",
    "replace_with": "replace_with",
    "replacement_trigger": "replacement_trigger",
}
"""The options as a transform gets them, with the names that a registration has for them."""
_INVOKE_OPTIONS: Final = {
    "provider": "provider",
    "version": "version",
    "plugin_download_url": "pluginDownloadURL",
    "plugin_checksums": "pluginChecksums",
}


class Transforms:
    """The transforms of a run. Methods may be called on several threads."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._stack: list[callback_pb2.Callback] = []
        self._invokes: list[callback_pb2.Callback] = []
        self._own: dict[str, list[callback_pb2.Callback]] = {}
        self._parents: dict[str, str] = {}
        self._remote: defaultdict[tuple[str, str, str], list[callback_pb2.Callback]] = defaultdict(list)
        self._lock = Lock()

    def register(self, transform: callback_pb2.Callback) -> None:
        """From now on `transform` changes every registration in the stack."""
        with self._lock:
            self._stack.append(transform)

    def register_invoke(self, transform: callback_pb2.Callback) -> None:
        """From now on `transform` changes every call of a provider's function."""
        with self._lock:
            self._invokes.append(transform)

    def remember(self, urn: str, request: resource_pb2.RegisterResourceRequest) -> None:
        """What `request` asked for is `urn`: its transforms are for its children too."""
        with self._lock:
            self._parents[urn] = request.parent
            if request.transforms:
                self._own[urn] = list(request.transforms)

    def apply(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceRequest:
        """`request` as the transforms leave it.

        Raises:
            CaramlError: a transform failed; with its own message and line.
        """
        transforms = self._of(request)
        if not transforms:
            return request
        dependencies = {key: list(value.urns) for key, value in request.propertyDependencies.items()}
        properties = with_outputs(request.object, dependencies)
        options = _options_of(request)
        for transform in transforms:
            asked = resource_pb2.TransformRequest(
                type=request.type,
                name=request.name,
                custom=request.custom,
                parent=request.parent,
                properties=properties,
                options=options,
            )
            what = f"a transform of {request.type} {request.name!r}"
            answer = resource_pb2.TransformResponse.FromString(
                self._callbacks.call(transform, asked, what, secrets=[wire.decode(properties)])
            )
            properties = answer.properties if answer.HasField("properties") else properties
            options = answer.options if answer.HasField("options") else options
        result = resource_pb2.RegisterResourceRequest()
        result.CopyFrom(request)
        result.object.CopyFrom(properties)
        _write(options, result, _OPTIONS)
        result.deleteBeforeReplaceDefined = options.HasField("delete_before_replace")
        result.ClearField("aliasURNs")
        _depend(result, dependencies)
        return result

    def apply_to_invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeRequest:
        """The call of a function as the stack's transforms of calls leave it. Raises `CaramlError` as `apply` does."""
        with self._lock:
            transforms = list(self._invokes)
        if not transforms:
            return request
        result = resource_pb2.ResourceInvokeRequest()
        result.CopyFrom(request)
        for transform in transforms:
            asked = resource_pb2.TransformInvokeRequest(token=result.tok, args=with_outputs(result.args))
            asked.options.SetInParent()
            for name, theirs in _INVOKE_OPTIONS.items():
                copy_field(result, theirs, asked.options, name)
            what = f"a transform of the call of {request.tok}"
            answer = resource_pb2.TransformInvokeResponse.FromString(
                self._callbacks.call(transform, asked, what, secrets=[wire.decode(result.args)])
            )
            if answer.HasField("args"):
                result.args.CopyFrom(answer.args)
            if answer.HasField("options"):
                _write(answer.options, result, _INVOKE_OPTIONS)
        return result

    def _of(self, request: resource_pb2.RegisterResourceRequest) -> list[callback_pb2.Callback]:
        """The transforms of `request`, in their order.

        What a component of another process registers as itself has those that it was asked for with.
        """
        key = (request.parent, request.type, request.name)
        with self._lock:
            own = list(request.transforms)
            if request.remote and own:
                self._remote[key] = own
            elif key in self._remote:
                own = self._remote.pop(key)
                request.transforms.extend(own)
            inherited: list[callback_pb2.Callback] = []
            ancestor = request.parent
            while ancestor:
                inherited += self._own.get(ancestor, ())
                ancestor = self._parents.get(ancestor, "")
            return [*own, *inherited, *self._stack]


def _options_of(request: resource_pb2.RegisterResourceRequest) -> resource_pb2.TransformResourceOptions:
    options = resource_pb2.TransformResourceOptions()
    for name, theirs in _OPTIONS.items():
        if name != "delete_before_replace" or request.deleteBeforeReplaceDefined or request.deleteBeforeReplace:
            copy_field(request, theirs, options, name)
    for urn in request.aliasURNs:
        options.aliases.add().urn = urn
    return options


def _write(options: Message, result: Message, names: dict[str, str]) -> None:
    for name, theirs in names.items():
        result.ClearField(theirs)
        copy_field(options, name, result, theirs)


def _depend(request: resource_pb2.RegisterResourceRequest, before: dict[str, list[str]]) -> None:
    """Let `request` depend on what its properties' output values do.

    What a property depended on `before` stays: the SDK's answer has values where there were output values.
    """
    request.ClearField("propertyDependencies")
    everything: set[str] = {*request.dependencies}
    for key, value in request.object.fields.items():
        urns: Iterable[str] = {*before.get(key, ()), *dependencies_in(value)}
        request.propertyDependencies[key].urns.extend(sorted(urns))
        everything.update(urns)
    request.ClearField("dependencies")
    request.dependencies.extend(sorted(everything))
