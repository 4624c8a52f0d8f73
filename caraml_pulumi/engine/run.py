"""What the parts of one operation share."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Event, Lock
from typing import TYPE_CHECKING

from caraml_pulumi.engine.callbacks import Callbacks
from caraml_pulumi.engine.hooks import Hooks, Operation
from caraml_pulumi.engine.ledger import Ledger
from caraml_pulumi.engine.providers.base import Context, PartialFailure
from caraml_pulumi.engine.providers.registry import ProviderRegistry
from caraml_pulumi.engine.reporter import Reporter, Step
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.selection import Scope, Selection
from caraml_pulumi.engine.state.snapshot import OperationType
from caraml_pulumi.errors import INTERRUPTED, CaramlError, CaramlErrors

if TYPE_CHECKING:
    from caraml_pulumi.engine.policies import Rule


class StoppedError(CaramlError):
    """Something else failed, or the user stopped the run: nothing new is begun. Never shown on its own."""

    def __init__(self) -> None:
        super().__init__("the run was stopped", exit_code=INTERRUPTED)


@dataclass(slots=True)
class Run:
    """One preview, update, refresh or destroy under way.

    `parallel` bounds the operations at one time. The first failure, or `cancelled`, lets those in progress end and
    begins no more.
    """

    stack: str
    project: str
    preview: bool
    ledger: Ledger
    reporter: Reporter
    providers: ProviderRegistry
    cancelled: Event
    parallel: int
    errors: list[CaramlError] = field(default_factory=list)
    packs: dict[str, str] = field(default_factory=dict)
    """The policy packs that judge this run, and their versions."""
    rules: "dict[str, list[Rule]]" = field(default_factory=dict)
    """What these say of their rules."""
    fault: Exception | None = None
    """A bug of ours, or of a provider, that ended the run."""
    replaced: set[str] = field(default_factory=set)
    """The URNs of what this run replaces: what is to be replaced with one of these is, too."""
    deleted: set[str] = field(default_factory=set)
    """The URNs of what this run deletes: they take along what is to be deleted with them."""
    replacing: Lock = field(default_factory=Lock)
    """Held while what depends on a resource is deleted before it: two of them may have dependents in common."""
    selection: Selection = field(default_factory=Selection)
    scope: Scope = field(init=False)
    callbacks: Callbacks = field(default_factory=Callbacks)
    hooks: Hooks = field(init=False)
    _slots: BoundedSemaphore = field(init=False)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.scope = Scope(self.selection, self.ledger.base.resources)
        self._slots = BoundedSemaphore(self.parallel)
        self.hooks = Hooks(self.callbacks, self.reporter, preview=self.preview)

    @property
    def stopped(self) -> bool:
        """Whether nothing new may begin."""
        return bool(self.errors) or self.cancelled.is_set()

    def fail(self, error: CaramlError) -> None:
        """Remember `error` as one that ends the run."""
        with self._lock:
            self.errors.append(error)

    def after(self, operation: Operation, state: ResourceState, old: ResourceState | None = None) -> None:
        """Run the hooks after an operation that is done: a failure begins nothing new, and is raised nowhere."""
        error = self.hooks.after(operation, state, old)
        if error is not None:
            self.fail(error)
            self.reporter.diagnostic("error", str(error), state.urn)

    def error(self) -> CaramlError | None:
        """What went wrong, all of it; None when nothing did."""
        shown = [error for error in self.errors if not isinstance(error, StoppedError)]
        if not shown and self.cancelled.is_set():
            return CaramlError("stopped on request; what was done is recorded", exit_code=INTERRUPTED)
        return shown[0] if len(shown) == 1 else CaramlErrors(shown) if shown else None

    def context(self, urn: str, timeout: float | None, ignore_changes: Iterable[str] = ()) -> Context:
        """The circumstances of an operation on `urn`."""
        return Context(
            preview=self.preview,
            timeout=timeout,
            cancelled=self.cancelled,
            ignore_changes=tuple(ignore_changes),
            report=lambda message: self.reporter.diagnostic("info", message, urn, ephemeral=True),
            warn=lambda message: self.reporter.diagnostic("warning", message, urn),
        )

    @contextmanager
    def operation(self, step: Step, type_: OperationType, resource: ResourceState) -> Iterator[None]:
        """Run a provider's operation: bounded, journaled, and its failure shown once.

        Raises:
            StoppedError: nothing new may begin.
            CaramlError: the operation failed.
        """
        with self._slots:
            if self.stopped:
                raise StoppedError
            self.reporter.started(step)
            number = None
            try:
                number = None if self.preview else self.ledger.begin(type_, resource)
                yield
            except CaramlError as error:
                self.fail(error)
                self.reporter.failed(step, error)
                if number is not None and not _unclear(error):
                    self.ledger.end(number)
                raise
            if number is not None:
                self.ledger.end(number)


def _unclear(error: CaramlError) -> bool:
    """Whether the operation may have been carried out although it failed: the connection broke before the answer."""
    return bool(getattr(error, "outcome_unknown", False)) and not isinstance(error, PartialFailure)
