"""What a run leaves behind when it is killed at the worst moments, and what becomes of a run whose lock was removed."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from caraml_pulumi.artifacts.bucket import Bucket
from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.engine.api import Target
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.engine.state.bucket import FileLog
from caraml_pulumi.engine.state.s3_bucket import S3Bucket
from caraml_pulumi.engine.state.s3_log import S3Log
from caraml_pulumi.engine.state.s3_url import parse_s3_url
from caraml_pulumi.engine.state.snapshot import new_manifest
from caraml_pulumi.errors import LOCKED, CaramlError, CaramlErrors
from tests.unit.engine import memory


@dataclass
class Stack(memory.Stack):
    """A stack whose backend may be elsewhere."""

    backend_url: str = ""

    @property
    def target(self) -> Target:
        target = super().target
        return Target(target.project, target.stack, self.backend_url or target.backend_url)

    def resources(self) -> list[str]:
        document = open_backend(self.target.backend_url).load("things", "dev") or {}
        latest = document["checkpoint"]["latest"]
        assert "pending_operations" not in latest
        return sorted(each["urn"].rpartition("::")[2] for each in latest.get("resources", []) if each["custom"])


@pytest.fixture(params=["file", "s3"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Stack:
    return Stack(tmp_path, backend_url="" if request.param == "file" else request.getfixturevalue("s3_url"))


BEFORE = 'Thing("a"); Thing("b", fixed="1"); Thing("c", fixed="first1"); Thing("d")'
AFTER = 'Thing("b", fixed="2"); Thing("c", fixed="first2"); Thing("d", value="new"); Thing("e")'


def test_a_kill_after_the_state_was_saved_and_before_the_journal_is_gone_replays_nothing(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.program(BEFORE).must_up()
    with monkeypatch.context() as killed:
        for log in (FileLog, S3Log):
            killed.setattr(log, "clear", lambda self: None)
        stack.program(AFTER).must_up()
    backend = open_backend(stack.target.backend_url)
    assert {record["do"] for record in backend.journal("things", "dev").read()} > {"remove", "mark", "put"}
    stack.must_up()
    assert stack.store.calls == []
    assert not backend.journal("things", "dev").exists()
    assert [name for name in stack.resources() if not name.startswith("default")] == ["b", "c", "d", "e"]


def test_a_kill_while_the_journal_was_being_removed_replays_nothing_of_the_rest(
    tmp_path: Path, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(tmp_path, backend_url=s3_url)
    stack.program(BEFORE).must_up()
    with monkeypatch.context() as killed:
        killed.setattr(S3Log, "clear", lambda self: None)
        stack.program(AFTER).must_up()
    bucket = S3Bucket(parse_s3_url(s3_url))
    first, *rest = bucket.list(".pulumi/journals")
    assert rest
    bucket.delete(first)
    stack.must_up()
    assert stack.store.calls == []
    assert bucket.list(".pulumi/journals") == []


def test_a_kill_before_the_state_was_saved_loses_nothing_of_the_journal(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.program(BEFORE).must_up()
    backend = open_backend(stack.target.backend_url)
    document = backend.load("things", "dev")
    assert document
    with monkeypatch.context() as killed:
        for log in (FileLog, S3Log):
            killed.setattr(log, "clear", lambda self: None)
        stack.program(AFTER).must_up()
    backend.save("things", "dev", document)
    stack.must_up()
    assert stack.store.calls == []
    assert [name for name in stack.resources() if not name.startswith("default")] == ["b", "c", "d", "e"]


def test_a_run_whose_lock_was_removed_does_not_overwrite_what_another_has_done_since(stack: Stack) -> None:
    backend = open_backend(stack.target.backend_url)

    def another_goes_on(call: str) -> CaramlError | None:
        backend.unlock(backend.locks("things", "dev"))
        with backend.lock("things", "dev", "up"):
            document = backend.load("things", "dev")
            assert document
            document["checkpoint"]["latest"]["manifest"] = new_manifest()
            backend.save("things", "dev", document)
        return None

    stack.store.fail = another_goes_on
    outcome = stack.program('Thing("a")').up()
    assert outcome.error
    assert "another run went on" in str(outcome.error)
    assert outcome.error.exit_code == LOCKED
    assert stack.resources() == []


def test_a_run_whose_lock_was_removed_is_saved_where_nobody_else_went_on(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = open_backend(stack.target.backend_url)

    def cancel(call: str) -> CaramlError | None:
        backend.unlock(backend.locks("things", "dev"))
        return None

    stack.store.fail = cancel
    stack.program('Thing("a")').must_up()
    assert "a" in stack.resources()
    assert "the lock on organization/things/dev was removed while 'update' was at work" in capsys.readouterr().err


def test_storage_that_fails_half_way_is_explained_with_what_failed_and_what_is_not_saved(
    tmp_path: Path, s3_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack(tmp_path, backend_url=s3_url)

    def lose_the_bucket(call: str) -> CaramlError | None:
        Bucket(Endpoint(), s3_url.split("/")[2]).delete(force=True)
        return None

    stack.store.fail = lose_the_bucket
    outcome = stack.program('Thing("b", opts=Options(depends_on=[Thing("a")]))').up()
    assert isinstance(outcome.error, CaramlErrors)
    assert "the state is not saved: there is no bucket" in str(outcome.error)
    assert "the next up, refresh or destroy" in str(outcome.error)
    assert "there is no bucket" in stack.messages()
    assert stack.store.calls == ["create a"]
    assert "the lock on organization/things/dev was not removed" in capsys.readouterr().err
