"""What the engine asks of a provider. Methods are called on worker threads, several at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import ClassVar, Literal

from pulumi.runtime.proto import provider_pb2

from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.values import Properties, PropertyValue
from caraml_pulumi.errors import CaramlError

DiffKind = Literal["add", "delete", "update", "add-replace", "delete-replace", "update-replace"]


@dataclass(slots=True)
class Diff:
    """How a resource's new inputs differ from what it is.

    `detailed` maps property paths as Pulumi writes them (``spec.ports[0].port``, ``metadata.labels["a.b/c"]``) to the
    kind of change; `replace_keys` are the top-level properties that force a replacement. `inputs_compared` says that
    the inputs as such were compared, and `detailed` is left out since they tell it.
    """

    changed: bool = False
    replace_keys: list[str] = field(default_factory=list)
    detailed: dict[str, DiffKind] = field(default_factory=dict)
    delete_before_replace: bool = False
    inputs_compared: bool = False

    @property
    def replace(self) -> bool:
        """Whether the resource must be replaced."""
        return bool(self.replace_keys)


@dataclass(slots=True)
class Context:
    """The circumstances of one operation on one resource.

    `report` shows a passing status (``waiting for 1 of 2 replicas``), `warn` a lasting warning. `cancelled` is set when
    the user stops the run: long waits end then with a `CaramlError`. `timeout` is in seconds; None is the kind's
    default. `ignore_changes` are the property paths whose values are somebody else's to set.
    """

    preview: bool = False
    ignore_changes: tuple[str, ...] = ()
    timeout: float | None = None
    cancelled: Event = field(default_factory=Event)
    report: Callable[[str], None] = lambda message: None
    warn: Callable[[str], None] = lambda message: None


@dataclass(slots=True)
class Live:
    """A resource as a provider found or made it. `inputs` is None where the provider keeps those it was given."""

    id: str
    outputs: Properties
    inputs: Properties | None = None


class PartialFailure(CaramlError):
    """The resource exists, and the operation failed all the same (it did not become ready).

    The engine records `live` with the reasons as `init_errors`; the next update tries again.
    """

    def __init__(self, live: Live, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.live = live


class Provider(ABC):
    """One configured provider. Secrets may be anywhere in inputs and outputs, unknowns in inputs at preview.

    `recovers` says whether `recover` can tell what an interrupted create made.
    """

    recovers: ClassVar[bool] = False

    @abstractmethod
    def check(self, urn: str, old_inputs: Properties | None, new_inputs: Properties) -> Properties:
        """The inputs to store and use: defaults filled in, names chosen. Raises `CaramlError` on bad ones."""

    @abstractmethod
    def diff(self, old: ResourceState, new_inputs: Properties, ignore_changes: list[str]) -> Diff:
        """Compare `old` with checked `new_inputs`; applies nothing."""

    @abstractmethod
    def create(self, urn: str, inputs: Properties, context: Context) -> Live:
        """Create the resource, or say at preview what it would be (id ``""`` where not yet known)."""

    @abstractmethod
    def update(self, old: ResourceState, new_inputs: Properties, context: Context) -> Live:
        """Change the resource in place, or say at preview what it would be."""

    @abstractmethod
    def delete(self, old: ResourceState, context: Context) -> None:
        """Delete the resource; one that is gone already is fine."""

    @abstractmethod
    def read(self, urn: str, id_: str, old: ResourceState | None, context: Context) -> Live | None:
        """The resource as it is now, None when it does not exist. `inputs` are given where drift can be told."""

    def look_up(self, urn: str, id_: str, inputs: Properties, context: Context) -> Live | None:
        """A resource that state does not have, None when it does not exist. `inputs` are what the program knows of it.

        Raises `CaramlError` where it cannot be looked up.
        """
        return self.read(urn, id_, None, context)

    def adopt(self, urn: str, id_: str, inputs: Properties, context: Context) -> Live | None:
        """A resource that is to be managed from now on with the program's `inputs`, as it is; None when there is none.

        The inputs that it gives are those that would have made it, so that a diff to the program's tells what managing
        it will change.
        """
        return self.look_up(urn, id_, inputs, context)

    def recover(self, urn: str, inputs: Properties, context: Context) -> Live | None:
        """What a run that was killed while it created the resource has made; None when that is nothing.

        Only what that run made counts, never an object of somebody else. Not called where `recovers` is not set.
        """
        return None

    def invoke(self, token: str, arguments: Properties) -> PropertyValue:
        """Call a function of the provider. Raises `CaramlError`: none of ours has any but those that override this."""
        raise CaramlError(
            f"the embedded engine cannot call {token}",
            fix="install the Pulumi CLI and its plugins, and use --engine pulumi",
        )

    def construct(self, request: provider_pb2.ConstructRequest) -> provider_pb2.ConstructResponse:
        """Make a component of the package. Raises `CaramlError`: none of ours has any but a component package."""
        raise CaramlError(
            f"the embedded engine cannot make {request.type} {request.name!r}: its package has no components there",
            fix="use the Pulumi CLI: --engine pulumi",
        )

    def call(self, request: provider_pb2.CallRequest) -> provider_pb2.CallResponse:
        """Call a method of a component. Raises `CaramlError` as `construct` does."""
        raise CaramlError(
            f"the embedded engine cannot call {request.tok}: its package has no components there",
            fix="use the Pulumi CLI: --engine pulumi",
        )

    def moved(self, old_inputs: Properties) -> bool:
        """Whether a provider with `old_inputs` reached another place: what it manages must then be made anew here."""
        return False

    def close(self) -> None:
        """End connections and processes."""
