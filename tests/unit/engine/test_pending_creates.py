"""Interrupted creates of which the provider cannot tell what they made: nobody but the user can."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from caraml_pulumi.engine.api import Options, Outcome
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.errors import CaramlError
from tests.unit.engine.memory import MemoryProvider, Stack

URN = "urn:pulumi:dev::things::memory:index:Thing::a"


class LostError(CaramlError):
    """The connection broke before the answer."""

    outcome_unknown = True


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack whose first run was interrupted while it created ``a``, of which only the store knows."""
    monkeypatch.setattr(MemoryProvider, "recovers", False)
    stack = Stack(tmp_path).program('Thing("a", value="1")')

    def lost(call: str) -> CaramlError | None:
        stack.store.things["a-made"] = {"value": "1", "fixed": None}
        return LostError("the connection broke")

    stack.store.fail = lost
    assert stack.up().error
    stack.store.fail = lambda call: None
    assert _pending(stack) == [URN]
    return stack


def _pending(stack: Stack) -> list[str]:
    document = open_backend(stack.target.backend_url).load("things", "dev")
    assert document
    found = document["checkpoint"]["latest"].get("pending_operations") or []
    assert {operation["type"] for operation in found} <= {"creating"}
    return [operation["resource"]["urn"] for operation in found]


def _refresh(stack: Stack, *, clear: bool = False, ids: Mapping[str, str] | None = None) -> Outcome:
    options = Options(clear_pending_creates=clear, import_pending_creates=ids or {})
    stack.events.clear()
    return stack.engine.refresh(stack.target, options, stack.events.append, preview=False)


def test_it_stays_on_record_and_every_run_says_what_to_do(stack: Stack) -> None:
    for run in (stack.preview, stack.refresh, lambda: _refresh(stack)):
        assert run().error is None
        assert f"caraml refresh --import-pending-creates '{URN}=ID'" in stack.messages()
        assert "--clear-pending-creates" in stack.messages()
        assert _pending(stack) == [URN]


def test_a_create_that_made_something_is_completed_by_its_id(stack: Stack) -> None:
    assert _refresh(stack, ids={URN: "a-made"}).error is None
    assert _pending(stack) == []
    stack.must_up()
    assert stack.ops() == []
    assert list(stack.store.things) == ["a-made"]


def test_a_create_that_made_nothing_is_forgotten(stack: Stack) -> None:
    assert _refresh(stack, clear=True).error is None
    assert _pending(stack) == []
    stack.must_up()
    assert "interrupted" not in stack.messages()


def test_it_is_settled_when_the_program_creates_the_resource_anew(stack: Stack) -> None:
    stack.must_up()
    assert "interrupted" in stack.messages()
    assert _pending(stack) == []
    stack.must_up()
    assert "interrupted" not in stack.messages()


def test_an_id_of_nothing_is_refused_and_the_create_stays_on_record(stack: Stack) -> None:
    outcome = _refresh(stack, ids={URN: "a-other"})
    assert "no memory:index:Thing with the id 'a-other'" in str(outcome.error)
    assert _pending(stack) == [URN]


def test_a_urn_of_no_pending_create_is_spoken_of(stack: Stack) -> None:
    assert _refresh(stack, ids={URN + "x": "a-made"}).error is None
    assert f"no interrupted create is pending of {URN}x" in stack.messages()
    assert _pending(stack) == [URN]
