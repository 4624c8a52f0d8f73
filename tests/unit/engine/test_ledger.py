import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from caraml_pulumi.engine.ledger import Ledger, in_dependency_order, replay
from caraml_pulumi.engine.resource import ResourceState, needs
from caraml_pulumi.engine.state.resources import resource_from_json, resource_to_json
from caraml_pulumi.engine.state.secrets import PassphraseCrypter
from caraml_pulumi.engine.state.snapshot import PendingOperation, Snapshot

CRYPTER = PassphraseCrypter.new("test")


def resource(name: str, *dependencies: str, id_: str = "id") -> ResourceState:
    return ResourceState(urn(name), "t:i:T", custom=True, id=id_, dependencies=[urn(item) for item in dependencies])


def urn(name: str) -> str:
    return f"urn:pulumi:s::p::t:i:T::{name}"


def identities(snapshot: Snapshot) -> list[tuple[str, str, bool, bool]]:
    return sorted((item.urn, item.id, item.delete, item.pending_replacement) for item in snapshot.resources)


@given(st.permutations(range(8)), st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12))
def test_dependencies_come_first_whatever_the_order_was(order: list[int], edges: list[tuple[int, int]]) -> None:
    resources = [
        resource(str(number), *{str(low) for low, high in edges if high == number and low < high}) for number in order
    ]
    seen: set[str] = set()
    for item in in_dependency_order(resources):
        assert needs(item) <= seen
        seen.add(item.urn)
    assert len(seen) == len(resources)


def test_an_order_that_is_right_is_kept() -> None:
    resources = [resource("b"), resource("a"), resource("c", "a")]
    assert in_dependency_order(resources) == resources


def test_an_operation_begins_only_when_that_is_on_the_disk_and_does_not_wait_for_the_disk_when_it_ends() -> None:
    done: list[str] = []
    ledger = Ledger(Snapshot(), lambda record: done.append(record["do"]), flush=lambda: done.append("flush"))
    number = ledger.begin("creating", resource("a"))
    assert done == ["begin", "flush"]
    ledger.put(resource("a"))
    ledger.end(number)
    assert done == ["begin", "flush", "put", "end"]


def test_a_replaced_provider_comes_before_what_it_still_manages() -> None:
    provider = ResourceState(urn("p"), "pulumi:providers:t", custom=True, id="new")
    before = ResourceState(urn("p"), "pulumi:providers:t", custom=True, id="old", delete=True)
    made = resource("a")
    made.provider = f"{before.urn}::old"
    assert in_dependency_order([provider, made, before]) == [provider, before, made]


def test_what_threads_record_after_the_end_goes_nowhere_and_their_operations_stay_pending() -> None:
    records: list[dict[str, Any]] = []
    ledger = Ledger(Snapshot(), records.append, lambda item: resource_to_json(item, CRYPTER))
    late = ledger.begin("creating", resource("a"))
    before = list(records)
    snapshot = ledger.close()
    ledger.put(resource("a"))
    ledger.end(late)
    assert records == before
    assert [item.resource.urn for item in snapshot.pending_operations] == [urn("a")]
    assert snapshot.resources == []


def test_an_operation_that_ended_late_is_asked_about_again() -> None:
    base = Snapshot(pending_operations=[PendingOperation("creating", resource("a"))])
    late: list[dict[str, Any]] = [
        {"do": "put", "resource": resource_to_json(resource("a"), CRYPTER)},
        {"do": "end", "id": 2},
    ]
    replayed = replay(base, late, lambda record: resource_from_json(record, CRYPTER))
    assert [item.urn for item in replayed.resources] == [urn("a")]
    assert replayed.pending_operations == base.pending_operations


def test_what_is_to_go_may_be_gone_already() -> None:
    records: list[dict[str, Any]] = []
    ledger = Ledger(Snapshot([resource("a"), resource("b")]), records.append)
    ledger.remove(ledger.find(urn("a"), "", deleted=False))
    ledger.mark_for_deletion(ledger.find(urn("b"), "", deleted=False))
    replayed = replay(Snapshot([resource("c")]), records, lambda record: resource_from_json(record, CRYPTER))
    assert [item.urn for item in replayed.resources] == [urn("c")]


class Journaled(RuleBasedStateMachine):
    """Whatever happens, replaying the journal over the old state gives the state as it stands."""

    def __init__(self) -> None:
        super().__init__()
        base = [resource("a"), resource("b", "a"), resource("c", "b")]
        self.base = Snapshot(resources=base)
        self.original = copy.deepcopy(self.base)
        self.records: list[dict[str, Any]] = []
        self.ledger = Ledger(self.base, self.records.append, lambda item: resource_to_json(item, CRYPTER))
        self.open: list[int] = []
        self.count = 0

    def live(self) -> list[ResourceState]:
        return [item for item in self.ledger.snapshot().resources if not item.delete]

    @rule(name=st.sampled_from("abcdef"))
    def put(self, name: str) -> None:
        self.count += 1
        self.ledger.put(resource(name, id_=str(self.count)))

    @rule(name=st.sampled_from("abcdef"))
    def begin(self, name: str) -> None:
        self.open.append(self.ledger.begin("creating", resource(name)))

    @precondition(lambda self: self.open)
    @rule()
    def end(self) -> None:
        self.ledger.end(self.open.pop())

    @precondition(lambda self: any(item in self.base.resources for item in self.live()))
    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        old = data.draw(st.sampled_from([item for item in self.live() if item in self.base.resources]))
        self.count += 1
        self.ledger.mark_for_deletion(old)
        self.ledger.put(resource(old.name, id_=f"new{self.count}"))

    @precondition(lambda self: self.ledger.snapshot().resources)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        self.ledger.remove(data.draw(st.sampled_from(self.ledger.snapshot().resources)))

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def await_replacement(self, data: st.DataObject) -> None:
        self.ledger.mark_pending_replacement(data.draw(st.sampled_from(self.live())))

    @invariant()
    def replaying_the_journal_gives_the_same_state(self) -> None:
        base = copy.deepcopy(self.original)
        replayed = replay(base, self.records, lambda record: resource_from_json(record, CRYPTER))
        now = self.ledger.snapshot()
        assert identities(replayed) == identities(now)
        assert [item.resource.urn for item in replayed.pending_operations] == [
            item.resource.urn for item in now.pending_operations
        ]


TestJournaled = Journaled.TestCase
