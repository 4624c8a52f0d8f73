"""Hooks: functions of a program that run before and after an operation on a resource, or when it fails.

As Pulumi defines them: a hook that fails before an operation keeps it from happening; one that fails after it ends the
run, with what was done recorded; a hook that ignores errors warns. In a preview only those run that ask for it.
"""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final, Literal, TypeVar

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import resource_pb2

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.callbacks import Callbacks
from caraml_pulumi.engine.reporter import Reporter
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.secrecy import mask_secrets
from caraml_pulumi.engine.values import Properties
from caraml_pulumi.errors import CaramlError

HookType = Literal[
    "BeforeCreate", "AfterCreate", "BeforeUpdate", "AfterUpdate", "BeforeDelete", "AfterDelete", "OnError"
]
"""When a hook runs, as Pulumi's state has it."""
Operation = Literal["create", "update", "delete"]

_FIELDS: Final[Mapping[HookType, str]] = {
    "BeforeCreate": "before_create",
    "AfterCreate": "after_create",
    "BeforeUpdate": "before_update",
    "AfterUpdate": "after_update",
    "BeforeDelete": "before_delete",
    "AfterDelete": "after_delete",
    "OnError": "on_error",
}
_BEFORE: Final[Mapping[Operation, HookType]] = {
    "create": "BeforeCreate",
    "update": "BeforeUpdate",
    "delete": "BeforeDelete",
}
_AFTER: Final[Mapping[Operation, HookType]] = {
    "create": "AfterCreate",
    "update": "AfterUpdate",
    "delete": "AfterDelete",
}
_ATTEMPTS: Final = 100
"""How often an operation is tried at the most, as in Pulumi."""

Result = TypeVar("Result")
Registration = resource_pb2.RegisterResourceHookRequest | resource_pb2.RegisterErrorHookRequest


def bound_hooks(binding: resource_pb2.RegisterResourceRequest.ResourceHooksBinding) -> dict[str, list[str]]:
    """The names of the hooks of a registration, by when they run."""
    return {type_: list(names) for type_, field in _FIELDS.items() if (names := getattr(binding, field))}


class Hooks:
    """The hooks of a run, by name. Methods may be called on several threads."""

    def __init__(self, callbacks: Callbacks, reporter: Reporter, *, preview: bool) -> None:
        self._callbacks = callbacks
        self._reporter = reporter
        self._preview = preview
        self._hooks: dict[str, Registration] = {}
        self._lock = Lock()

    def register(self, hook: Registration) -> None:
        """Take a hook of the program. Raises `CaramlError` where another one has its name."""
        with self._lock:
            if hook.name in self._hooks:
                raise CaramlError(
                    f"two resource hooks have the name {hook.name!r}",
                    fix="give one of them another name; to use a hook for several resources, make it once",
                )
            self._hooks[hook.name] = hook

    def before(self, operation: Operation, state: ResourceState, old: ResourceState | None = None) -> None:
        """Run the hooks before `operation` on `state`, which must not be begun if this raises.

        `old` is what an update begins from.

        Raises:
            CaramlError: a hook failed, or the program has no hook of that name.
        """
        self._run(_BEFORE[operation], operation, state, old)

    def after(self, operation: Operation, state: ResourceState, old: ResourceState | None = None) -> CaramlError | None:
        """Run the hooks after `operation`, which is done and recorded; returns the failure of one: it ends the run."""
        try:
            self._run(_AFTER[operation], operation, state, old)
        except CaramlError as error:
            return error
        return None

    def retrying(
        self,
        operation: Operation,
        state: ResourceState,
        attempt: Callable[[], Result],
        old: ResourceState | None = None,
    ) -> Result:
        """What `attempt` returns; where it fails, it is made again as long as one of the error hooks wants that.

        Raises:
            CaramlError: as `attempt` does, or a hook failed.
        """
        names = state.resource_hooks.get("OnError", [])
        failures: list[str] = []
        while True:
            try:
                return attempt()
            except CaramlError as error:
                if not names:
                    raise
                failures.insert(0, str(error))
                if len(failures) >= _ATTEMPTS:
                    self._warn(state, f"{operation} was tried {_ATTEMPTS} times, and is not tried again")
                    raise
                wanted = [self._wants_retry(name, operation, state, old, failures) for name in names]
                if not any(wanted):
                    raise
                self._warn(state, f"{operation} failed and is tried again, as a hook asks: {error}")

    def _warn(self, state: ResourceState, message: str) -> None:
        self._reporter.diagnostic("warning", message, state.urn)

    def _run(self, type_: HookType, operation: Operation, state: ResourceState, old: ResourceState | None) -> None:
        for name in state.resource_hooks.get(type_, ()):
            hook = self._named(name, state)
            before = type_.startswith("Before")
            what = f"the hook {name!r} {'before' if before else 'after'} the {operation} of {state.name!r}"
            if not isinstance(hook, resource_pb2.RegisterResourceHookRequest):
                raise CaramlError(f"{what} is an error hook", where=state.urn, fix="bind it to on_error")
            if self._preview and not hook.on_dry_run:
                continue
            request = resource_pb2.ResourceHookRequest(**_subject(operation, state, old))
            if operation != "delete" and not before:
                request.new_outputs.CopyFrom(_struct(state.outputs))
            answer = self._callbacks.call(hook.callback, request, what, secrets=_values(state, old))
            failure = resource_pb2.ResourceHookResponse.FromString(answer).error
            if failure:
                error = CaramlError(f"{what} failed: {mask_secrets(failure, _values(state, old))}", where=state.urn)
                if not hook.ignore_errors:
                    raise error
                self._warn(state, error.what)

    def _wants_retry(
        self, name: str, operation: Operation, state: ResourceState, old: ResourceState | None, failures: list[str]
    ) -> bool:
        hook = self._named(name, state)
        request = resource_pb2.ErrorHookRequest(
            **_subject(operation, state, old), failed_operation=operation, errors=failures
        )
        what = f"the error hook {name!r} of {state.name!r}"
        answer = self._callbacks.call(hook.callback, request, what, secrets=_values(state, old))
        response = resource_pb2.ErrorHookResponse.FromString(answer)
        if response.error:
            raise CaramlError(f"{what} failed: {mask_secrets(response.error, _values(state, old))}", where=state.urn)
        return response.retry

    def _named(self, name: str, state: ResourceState) -> Registration:
        with self._lock:
            hook = self._hooks.get(name)
        if hook is None:
            raise CaramlError(
                f"{state.type} {state.name!r} has the hook {name!r}, which the program does not register",
                where=state.urn,
                fix=f"keep ResourceHook({name!r}, ...) in the program until the resource is gone from the stack",
            )
        return hook


def _subject(operation: Operation, state: ResourceState, old: ResourceState | None) -> dict[str, Any]:
    """What each hook is told: the resource, its inputs before and after, and its outputs before."""
    before = state if operation == "delete" else old
    subject: dict[str, Any] = {"urn": state.urn, "id": state.id, "name": state.name, "type": state.type}
    if before is not None:
        subject |= {"old_inputs": _struct(before.inputs), "old_outputs": _struct(before.outputs)}
    if operation != "delete":
        subject["new_inputs"] = _struct(state.inputs)
    return subject


def _values(*states: ResourceState | None) -> list[Properties]:
    return [values for state in states if state is not None for values in (state.inputs, state.outputs)]


def _struct(properties: Properties) -> Struct:
    return wire.encode(properties, secrets=True, unknowns=True)
