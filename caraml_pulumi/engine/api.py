"""What the command line asks of an engine; the embedded one and the Pulumi CLI both answer it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from caraml_pulumi.engine.events import EventSink
from caraml_pulumi.engine.selection import Selection
from caraml_pulumi.engine.state.project import Project
from caraml_pulumi.errors import CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.engine.policies import Rule

DEFAULT_PARALLEL = 32


@dataclass(frozen=True, slots=True)
class Target:
    """A stack of a project in a backend."""

    project: Project
    stack: str
    backend_url: str


ChangeRule = Callable[[str, Mapping[str, Any], Mapping[str, Any]], None]
"""Judges a change of a resource, given its type, old inputs and new ones; raises `CaramlError` if it is not allowed."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to run an operation.

    `render` is a directory that gets the manifests as YAML instead of a cluster. `change_rules` judge each resource
    that exists and is registered again; a change that one of them refuses ends the operation before it is made.
    `selection` leaves out resources; the default is all of them.

    A create that was interrupted, and of which the provider cannot tell what it made, stays on record:
    `clear_pending_creates` forgets it, `import_pending_creates` names by URN the ids of what it made.
    """

    parallel: int = DEFAULT_PARALLEL
    message: str = ""
    policy_packs: tuple[Path, ...] = ()
    policy_pack_configs: tuple[Path, ...] = ()
    refresh: bool = False
    render: Path | None = None
    change_rules: tuple[ChangeRule, ...] = ()
    selection: Selection = field(default_factory=Selection)
    clear_pending_creates: bool = False
    import_pending_creates: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """How an operation ended.

    `changes` counts resources by op (``same``, ``create``, ...), the default providers left out as Pulumi does.
    `outputs` are the stack's, secrets as ``[secret]``. `rules` are those of the policy packs that were asked, by the
    packs' names; the Pulumi CLI does not tell.
    """

    changes: Mapping[str, int] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    error: CaramlError | None = None
    duration: float = 0.0
    rules: "Mapping[str, Sequence[Rule]]" = field(default_factory=dict)

    @property
    def has_changes(self) -> bool:
        """Whether anything was, or would be, changed."""
        return any(count for op, count in self.changes.items() if op not in ("same", "read"))


class Engine(Protocol):
    """Operations on a stack. Each sends events while it runs, and returns an `Outcome` (its `error` set if it failed).

    A `CaramlError` is raised only for what goes wrong before the operation starts (no such stack, a wrong passphrase, a
    lock that is held).
    """

    name: str

    def preview(self, target: Target, options: Options, sink: EventSink) -> Outcome:
        """Plan the changes that `up` would make."""

    def up(self, target: Target, options: Options, sink: EventSink) -> Outcome:
        """Make the changes. The caller has shown the preview."""

    def refresh(self, target: Target, options: Options, sink: EventSink, *, preview: bool) -> Outcome:
        """Bring the state up to what is really there; with `preview`, only say what would change in it."""

    def destroy(self, target: Target, options: Options, sink: EventSink, *, preview: bool) -> Outcome:
        """Delete everything in the stack; with `preview`, only say what would go."""

    def cancel(self) -> None:
        """Ask a running operation to stop: what is in progress ends, nothing more is begun. Called from any thread."""
