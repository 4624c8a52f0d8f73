"""Pulumi's ResourceMonitor protocol, as a program's SDK calls it.

Methods take one protobuf message each, so that the same object serves a program in this process and, mounted on a gRPC
server, one in another. They are called on worker threads and may block.
"""

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import NoReturn

from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import alias_pb2, callback_pb2, provider_pb2, resource_pb2

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.deployment import Deployment
from caraml_pulumi.engine.goal import AliasSpec, Goal, duration_seconds
from caraml_pulumi.engine.hooks import bound_hooks
from caraml_pulumi.engine.output_capture import outside_program
from caraml_pulumi.engine.property_path import parse_path
from caraml_pulumi.engine.remote import RemoteComponents
from caraml_pulumi.engine.resource import ResourceState, is_urn, make_urn
from caraml_pulumi.engine.serving import Server
from caraml_pulumi.engine.transforms import Transforms
from caraml_pulumi.engine.values import Properties
from caraml_pulumi.errors import CaramlError

_FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
    resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
)
"""What the embedded engine does; the SDK refuses to use any other feature and says that the CLI lacks it."""


def _refuse(request: resource_pb2.RegisterResourceRequest, **options: str) -> None:
    """Refuse the resource options that are set in `request` and that the embedded engine does not do."""
    for field, option in options.items():
        if getattr(request, field):
            raise CaramlError(
                f"the resource option {option} of {request.type} {request.name!r} is not done by the embedded engine",
                fix="leave it out, or use the Pulumi CLI: --engine pulumi",
            )


class Monitor:
    """What a running program registers goes to `deployment`.

    `at_end` is called when the program has registered everything, and waits for the run to end: its hooks can still be
    called then.
    """

    def __init__(
        self,
        deployment: Deployment,
        config: Mapping[str, str],
        secret_keys: list[str],
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._deployment = deployment
        self._config = config
        self._secret_keys = secret_keys
        self._at_end = at_end
        self._transforms = Transforms(deployment.run.callbacks)
        self._remote = RemoteComponents(deployment, config, secret_keys, self._endpoint)
        self._server: Server | None = None
        self._lock = Lock()

    def GetDeploymentInfo(self, request: Empty, context: object = None) -> resource_pb2.DeploymentInfo:
        """The stack, its configuration, and the features that a program may use."""
        run = self._deployment.run
        return resource_pb2.DeploymentInfo(
            project=run.project,
            stack=run.stack,
            organization="organization",
            config=self._config,
            configSecretKeys=self._secret_keys,
            dryRun=run.preview,
            parallel=run.parallel,
            supportedFeatures=_FEATURES,
        )

    @outside_program
    def RegisterResource(
        self, request: resource_pb2.RegisterResourceRequest, context: object = None
    ) -> resource_pb2.RegisterResourceResponse:
        """Bring a resource about."""
        run = self._deployment.run
        with self._deployment.reporting(make_urn(run.stack, run.project, request.type, request.name, request.parent)):
            request = self._transforms.apply(request)
            if request.remote:
                return self._remote.construct(request)
            state = self._deployment.register(_goal(request))
        self._transforms.remember(state.urn, request)
        response = resource_pb2.RegisterResourceResponse(
            urn=state.urn, id=state.id, unknown=state.urn in self._deployment.run.scope.skipped
        )
        if state.custom:
            response.object.CopyFrom(_encode(_public(state)))
        return response

    @outside_program
    def RegisterResourceOutputs(
        self, request: resource_pb2.RegisterResourceOutputsRequest, context: object = None
    ) -> Empty:
        """Take a component's outputs."""
        self._deployment.components.register_outputs(request.urn, wire.decode(request.outputs))
        return Empty()

    @outside_program
    def ReadResource(
        self, request: resource_pb2.ReadResourceRequest, context: object = None
    ) -> resource_pb2.ReadResourceResponse:
        """Read a resource that the stack does not own."""
        state = self._deployment.read(
            Goal(
                request.type,
                request.name,
                custom=True,
                inputs=wire.decode(request.properties),
                parent=request.parent,
                provider=request.provider,
                version=request.version,
                dependencies=list(request.dependencies),
                additional_secret_outputs=list(request.additionalSecretOutputs),
            ),
            request.id,
        )
        return resource_pb2.ReadResourceResponse(urn=state.urn, id=state.id, properties=_encode(state.outputs))

    @outside_program
    def Invoke(
        self, request: resource_pb2.ResourceInvokeRequest, context: object = None
    ) -> resource_pb2.ResourceInvokeResponse:
        """Call a provider's function."""
        request = self._transforms.apply_to_invoke(request)
        result = self._deployment.invoke(request.tok, wire.decode(request.args), request.provider, request.version)
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(_encode(result))
        return response

    @outside_program
    def Call(self, request: resource_pb2.ResourceCallRequest, context: object = None) -> provider_pb2.CallResponse:
        """Call a method of a component of another process."""
        with self._deployment.reporting(""):
            return self._remote.call(request)

    def close(self) -> None:
        """Serve components of other processes no more."""
        with self._lock:
            if self._server is not None:
                self._server.close()

    def _endpoint(self) -> str:
        """Where other processes reach this monitor."""
        with self._lock:
            if self._server is None:
                self._server = Server(resource_pb2.DESCRIPTOR.services_by_name["ResourceMonitor"], self)
            return self._server.address

    def RegisterStackTransform(self, request: callback_pb2.Callback, context: object = None) -> Empty:
        """Take a function of the program that changes what is registered from now on."""
        self._transforms.register(request)
        return Empty()

    def RegisterStackInvokeTransform(self, request: callback_pb2.Callback, context: object = None) -> Empty:
        """Take a function of the program that changes the calls of providers' functions from now on."""
        self._transforms.register_invoke(request)
        return Empty()

    def RegisterResourceHook(self, request: resource_pb2.RegisterResourceHookRequest, context: object = None) -> Empty:
        """Take a function of the program that runs before or after an operation."""
        self._deployment.run.hooks.register(request)
        return Empty()

    def RegisterErrorHook(self, request: resource_pb2.RegisterErrorHookRequest, context: object = None) -> Empty:
        """Take a function of the program that says whether an operation that failed is tried again."""
        self._deployment.run.hooks.register(request)
        return Empty()

    @outside_program
    def SignalAndWaitForShutdown(self, request: Empty, context: object = None) -> Empty:
        """The program has registered everything; what follows may call it back, so it waits."""
        self._at_end()
        return Empty()

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse a method of the protocol that the embedded engine does not have, by its name."""
        if not name[:1].isupper():
            raise AttributeError(name)
        raise CaramlError(f"the embedded engine does not do {name}", fix="use the Pulumi CLI: --engine pulumi")


def _public(state: ResourceState) -> Properties:
    """The outputs that a program can read: not a provider's own notes, which double the size of a large object."""
    return {key: value for key, value in state.outputs.items() if not key.startswith("__") or key in state.inputs}


def _encode(properties: Properties) -> Struct:
    return wire.encode(properties, secrets=True, unknowns=True)


def _goal(request: resource_pb2.RegisterResourceRequest) -> Goal:
    _refuse(
        request,
        packageRef="of a parameterized package",
        state_migrations="state_migrations",
        envVarMappings="env_var_mappings",
    )
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        inputs=wire.decode(request.object),
        parent=request.parent,
        provider=request.provider,
        version=request.version,
        dependencies=list(request.dependencies),
        property_dependencies={key: sorted(value.urns) for key, value in request.propertyDependencies.items()},
        ignore_changes=_paths(request, "ignore_changes", request.ignoreChanges),
        replace_on_changes=_paths(request, "replace_on_changes", request.replaceOnChanges),
        replace_with=sorted(request.replace_with),
        deleted_with=request.deletedWith,
        replacement_trigger=wire.decode_value(request.replacement_trigger),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        aliases=[_alias(alias) for alias in request.aliases],
        import_id=request.importId,
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        custom_timeouts=_timeouts(request),
        hooks=bound_hooks(request.hooks),
    )


def _paths(request: resource_pb2.RegisterResourceRequest, option: str, texts: Iterable[str]) -> list[str]:
    paths = list(texts)
    for path in paths:
        try:
            parse_path(path)
        except ValueError as error:
            raise CaramlError(
                f"{option} of {request.type} {request.name!r}: {error}",
                allowed='property paths such as spec.replicas, spec.ports[0].port, metadata.labels["a.b/c"], data.*',
            ) from None
    return paths


def _alias(alias: alias_pb2.Alias) -> AliasSpec:
    if alias.WhichOneof("alias") == "urn":
        if not is_urn(alias.urn):
            raise CaramlError(
                f"the alias {alias.urn!r} is not a URN",
                allowed="a URN, or pulumi.Alias(name=..., type_=..., parent=...)",
            )
        return AliasSpec(urn=alias.urn)
    spec = alias.spec
    return AliasSpec(
        name=spec.name,
        type=spec.type,
        stack=spec.stack,
        project=spec.project,
        parent=spec.parentUrn,
        no_parent=spec.noParent,
    )


def _timeouts(request: resource_pb2.RegisterResourceRequest) -> dict[str, float]:
    given = request.customTimeouts
    texts = {"create": given.create, "update": given.update, "delete": given.delete}
    try:
        return {name: duration_seconds(text) for name, text in texts.items() if text}
    except ValueError as error:
        raise CaramlError(f"custom_timeouts of {request.type} {request.name!r}: {error}") from None
