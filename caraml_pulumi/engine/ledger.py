"""The state of a stack while it changes.

Every change is written to a journal before the next one depends on it, so that a run that is killed loses nothing: the
next one reads the checkpoint, replays the journal over it, and knows which operations had begun and not ended.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from caraml_pulumi.engine.resource import ResourceState, needs
from caraml_pulumi.engine.state.snapshot import OperationType, PendingOperation, Snapshot, new_manifest

Record = dict[str, Any]
"""One line of the journal: ``{"do": "begin"|"end"|"put"|"mark"|"remove"|"rename", ...}``."""


@dataclass(slots=True)
class Ledger:
    """Resources as they are: those this run has dealt with, in the order it did, then those it has yet to reach.

    `write` appends a record to the journal, `flush` waits until the journal is on the disk; `encode` makes the JSON of
    a resource, its secrets encrypted. A preview has none of them. `unresolved` are operations of earlier runs that had
    begun and not ended, and of which nobody knows what became; a creation is one no more when the resource is created
    after all. All methods may be called from several threads.
    """

    base: Snapshot
    write: Callable[[Record], None] | None = None
    encode: Callable[[ResourceState], Record] = lambda resource: {}
    flush: Callable[[], None] = lambda: None
    changed: bool = False
    unresolved: list[PendingOperation] = field(init=False)
    _done: dict[str, ResourceState] = field(default_factory=dict)
    _rest: dict[tuple[str, str, bool], ResourceState] = field(default_factory=dict)
    _pending: dict[int, PendingOperation] = field(default_factory=dict)
    _next: int = 0
    _lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        self._rest = {_key(resource): resource for resource in self.base.resources}
        self.unresolved = list(self.base.pending_operations)

    def _record(self, record: Record) -> None:
        self.changed = True
        if self.write is not None:
            self.write(record)

    def begin(self, type_: OperationType, resource: ResourceState) -> int:
        """An operation on `resource` begins; the number ends it.

        That it begins is on the disk before it does; how it ends may be found out later.
        """
        with self._lock:
            self._next += 1
            number = self._next
            self._pending[number] = PendingOperation(type_, resource)
            if self.write is not None:
                self._record({"do": "begin", "id": number, "type": type_, "resource": self.encode(resource)})
        self.flush()
        return number

    def end(self, number: int) -> None:
        """The operation `number` ended, well or badly; what it did is recorded by the other methods first."""
        with self._lock:
            del self._pending[number]
            self._record({"do": "end", "id": number})

    def put(self, resource: ResourceState, *, same: bool = False) -> None:
        """`resource` is now so. `same` leaves it out of the journal: the checkpoint has it."""
        with self._lock:
            self._rest.pop(_live(resource.urn), None)
            self._done[resource.urn] = resource
            self._resolve_creation_of(resource.urn)
            if not same:
                self._record({"do": "put", "resource": self.encode(resource)} if self.write else {})

    def _resolve_creation_of(self, urn: str) -> None:
        under_way = (operation.resource.urn for operation in self._pending.values() if operation.type == "creating")
        if self.unresolved and urn in under_way:
            self.unresolved = [item for item in self.unresolved if (item.type, item.resource.urn) != ("creating", urn)]

    def mark_for_deletion(self, resource: ResourceState) -> None:
        """A replacement of `resource` exists; the resource itself is still to be deleted."""
        with self._lock:
            self._rest.pop(_key(resource), None)
            resource.delete = True
            self._rest[_key(resource)] = resource
            self._record({"do": "mark", "urn": resource.urn, "as": "delete"})

    def mark_pending_replacement(self, resource: ResourceState) -> None:
        """`resource` was deleted so that its replacement can be made; it stays in state until then."""
        with self._lock:
            resource.pending_replacement = True
            self._record({"do": "mark", "urn": resource.urn, "as": "pending_replacement"})

    def remove(self, resource: ResourceState) -> None:
        """`resource` is gone."""
        with self._lock:
            self._rest.pop(_key(resource), None)
            if self._done.get(resource.urn) is resource:
                del self._done[resource.urn]
            identity = {"urn": resource.urn, "id": resource.id, "provider": resource.provider}
            self._record({"do": "remove", **identity, "delete": resource.delete})

    def find(self, urn: str, id_: str, *, deleted: bool, provider: str = "") -> ResourceState:
        """The resource of that identity; `id_` and `provider` tell apart what is to be deleted. Raises KeyError."""
        with self._lock:
            if deleted:
                return self._rest[urn, f"{provider}::{id_}", True]
            return self._done.get(urn) or self._rest[_live(urn)]

    def provider(self, urn: str, id_: str) -> ResourceState:
        """The provider resource of that URN: the replaced one if `id_` is its, else the one of now. Raises KeyError."""
        with self._lock:
            return self._rest.get((urn, f"::{id_}", True)) or self.find(urn, "", deleted=False)

    def rename(self, old: str, new: str) -> None:
        """What state knew as `old` is `new` by an alias: references to it follow."""
        with self._lock:
            for item in self._rest.values():
                _rename(item, old, new)
            self._rest = {_key(item): item for item in self._rest.values()}
            self._record({"do": "rename", "old": old, "new": new})

    def close(self) -> Snapshot:
        """Everything as it stands at the end of a run.

        Threads that a second Ctrl-C left behind may still be at work: what they record from now on goes nowhere, and
        their operations are pending in the snapshot, so that the next run asks what became of them.
        """
        with self._lock:
            self.write, self.flush = None, lambda: None
            return self.snapshot()

    def snapshot(self) -> Snapshot:
        """Everything as it stands. References to what is gone, such as what a refresh did not find, are left out."""
        with self._lock:
            resources = [*self._done.values(), *self._rest.values()]
            held = {resource.urn for resource in resources}
            for resource in resources:
                if not needs(resource) <= held:
                    _forget_all_but(resource, held)
            return Snapshot(
                resources=in_dependency_order(resources),
                pending_operations=[*self.unresolved, *self._pending.values()],
                secrets_provider=self.base.secrets_provider,
                manifest=new_manifest(),
                metadata=self.base.metadata,
                extra=self.base.extra,
            )


def _live(urn: str) -> tuple[str, str, bool]:
    return urn, "", False


def _key(resource: ResourceState) -> tuple[str, str, bool]:
    return (resource.urn, f"{resource.provider}::{resource.id}", True) if resource.delete else _live(resource.urn)


def _rename(resource: ResourceState, old: str, new: str) -> None:
    def fix(urn: str) -> str:
        return new if urn == old else urn

    provider, _, id_ = resource.provider.rpartition("::")
    resource.urn = fix(resource.urn)
    resource.parent = fix(resource.parent)
    resource.provider = f"{new}::{id_}" if provider == old else resource.provider
    resource.deleted_with = fix(resource.deleted_with)
    resource.replace_with = [fix(urn) for urn in resource.replace_with]
    resource.dependencies = [fix(urn) for urn in resource.dependencies]
    resource.property_dependencies = {
        key: [fix(urn) for urn in urns] for key, urns in resource.property_dependencies.items()
    }


def _forget_all_but(resource: ResourceState, held: set[str]) -> None:
    resource.parent = resource.parent if resource.parent in held else ""
    resource.deleted_with = resource.deleted_with if resource.deleted_with in held else ""
    resource.replace_with = [urn for urn in resource.replace_with if urn in held]
    resource.dependencies = [urn for urn in resource.dependencies if urn in held]
    resource.property_dependencies = {
        key: [urn for urn in urns if urn in held] for key, urns in resource.property_dependencies.items()
    }


def _provides(provider: ResourceState, resource: ResourceState) -> bool:
    return resource.provider == f"{provider.urn}::{provider.id}"


def in_dependency_order(resources: Iterable[ResourceState]) -> list[ResourceState]:
    """`resources`, each after those it needs, otherwise in the given order."""
    pending = list(resources)
    by_urn: dict[str, list[ResourceState]] = {}
    for resource in pending:
        by_urn.setdefault(resource.urn, []).append(resource)
    ordered: list[ResourceState] = []
    visited: set[int] = set()
    for root in pending:
        stack = [(root, False)]
        while stack:
            resource, expanded = stack.pop()
            if expanded:
                ordered.append(resource)
            elif id(resource) not in visited:
                visited.add(id(resource))
                stack.append((resource, True))
                for urn in sorted(needs(resource), reverse=True):
                    stack += [
                        (item, False) for item in by_urn.get(urn, ()) if not item.delete or _provides(item, resource)
                    ]
    return ordered


def replay(base: Snapshot, records: Iterable[Record], decode: Callable[[Record], ResourceState]) -> Snapshot:
    """The state that a killed run left: `base` with its journal applied.

    What is pending in `base` stays so, since the run may have been killed before it found out what became of it. An
    operation may end that did not begin in the journal: it is among those. What is to go may be gone already: the
    Pulumi CLI, which does not read journals, may have gone on, and who looks on may read the two at different moments.
    """
    ledger = Ledger(base)
    numbers: dict[int, int] = {}
    for record in records:
        match record["do"]:
            case "begin":
                numbers[record["id"]] = ledger.begin(record["type"], decode(record["resource"]))
            case "end":
                if (number := numbers.pop(record["id"], None)) is not None:
                    ledger.end(number)
            case "put":
                ledger.put(decode(record["resource"]))
            case "mark":
                if (found := _named(ledger, record)) is None:
                    continue
                if record["as"] == "delete":
                    ledger.mark_for_deletion(found)
                else:
                    ledger.mark_pending_replacement(found)
            case "remove":
                if (found := _named(ledger, record)) is not None:
                    ledger.remove(found)
            case "rename":
                ledger.rename(record["old"], record["new"])
    return ledger.snapshot()


def _named(ledger: Ledger, record: Record) -> ResourceState | None:
    """The resource that a record is about, None where there is none any more."""
    identity = {"deleted": record.get("delete", False), "provider": record.get("provider", "")}
    try:
        return ledger.find(record["urn"], record.get("id", ""), **identity)
    except KeyError:
        return None
