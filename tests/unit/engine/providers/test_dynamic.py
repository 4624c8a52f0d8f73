import os
import runpy
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import engine_pb2

from caraml_pulumi.engine.providers.base import Context, Diff, Live
from caraml_pulumi.engine.providers.dynamic import DynamicProvider
from caraml_pulumi.engine.resource import ResourceState, make_urn
from caraml_pulumi.engine.state.project import Project
from caraml_pulumi.engine.values import UNKNOWN, Properties, Secret
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.live_status import live_status

PROGRAM = """
import os
import threading
import time

import helper
from pulumi.dynamic import *


class Notes(ResourceProvider):
    def configure(self, request):
        self.tier = request.config.require("tier")

    def check(self, olds, news):
        failures = []
        if news.get("text") == "bad":
            failures.append(CheckFailure("text", "must not be bad"))
        if news.get("name") == "bad":
            failures.append(CheckFailure("name", f"no name next to {news['token']}"))
        return CheckResult({**news, "tier": self.tier}, failures)

    def diff(self, id, olds, news):
        if news["text"] == "whatever":
            return DiffResult()
        return DiffResult(
            changes=olds["text"] != news["text"],
            replaces=["name"] if olds["name"] != news["name"] else [],
            delete_before_replace=news["name"] == "same-place",
        )

    def create(self, props):
        if props["text"] == "crash":
            raise ValueError(f"cannot write {props['token']}")
        if props["text"] == "slow":
            time.sleep(60)
        if props["text"] == "die":
            os._exit(7)
        if props["text"] == "long":
            from caraml_pulumi.live_status import live_status

            status = live_status()
            texts = [f"{part} of 50 with {props['token']}" for part in range(50)]
            threads = [threading.Thread(target=status, args=[text]) for text in texts]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            status("done")
            time.sleep(0.2)
        print("creating with", self.tier, props["token"])
        id = props["name"] and "note-" + props["name"]
        return CreateResult(id, {**props, "length": helper.measure(props["text"])})

    def update(self, id, olds, news):
        return UpdateResult({**news, "before": olds["text"]})

    def delete(self, id, props):
        open(props["text"], "w").close()

    def read(self, id, props):
        return ReadResult("" if id == "note-gone" else id, {**props, "text": "drifted"})
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("notes")
    (root / "__main__.py").write_text(PROGRAM)
    (root / "helper.py").write_text("def measure(text):\n    return len(text)\n")
    return Project("notes", root, root / "__main__.py", root)


@pytest.fixture(scope="module")
def pickled(project: Project) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(project.root))
        program = runpy.run_path(str(project.main), run_name="__main__")
        return str(serialize_provider(program["Notes"]()))


LOGGED: Queue[engine_pb2.LogRequest] = Queue()


def logged(request: engine_pb2.LogRequest) -> Empty:
    LOGGED.put(request)
    return Empty()


def start(project: Project, lines: Queue[str]) -> DynamicProvider:
    config: dict[str, str | Secret] = {"notes:tier": "gold", "notes:password": Secret("hunter2-hunter2")}
    return DynamicProvider(project, config, on_line=lines.put, log=logged)


@pytest.fixture(scope="module")
def lines() -> Queue[str]:
    return Queue()


@pytest.fixture(scope="module")
def notes(project: Project, lines: Queue[str]) -> Iterator[DynamicProvider]:
    provider = start(project, lines)
    yield provider
    provider.close()


URN = make_urn("dev", "notes", "pulumi-python:dynamic:Resource", "note")


@pytest.fixture
def inputs(pickled: str) -> Properties:
    return {"__provider": Secret(pickled), "name": "a", "text": "hello", "token": Secret("s3cr3t-value")}


def state(inputs: Properties, **outputs: object) -> ResourceState:
    return ResourceState(
        URN, "pulumi-python:dynamic:Resource", True, id="note-a", inputs=inputs, outputs={**inputs, **outputs}
    )


def test_check_gives_the_users_inputs_and_keeps_the_secret_ones_secret(
    notes: DynamicProvider, inputs: Properties
) -> None:
    assert notes.check(URN, None, inputs) == {**inputs, "tier": "gold"}


def test_an_unknown_input_stays_unknown(notes: DynamicProvider, inputs: Properties) -> None:
    checked = notes.check(URN, None, {**inputs, "text": UNKNOWN})
    assert checked["text"] is UNKNOWN


def test_all_check_failures_are_reported_with_their_properties(notes: DynamicProvider, inputs: Properties) -> None:
    with pytest.raises(CaramlError) as caught:
        notes.check(URN, None, {**inputs, "text": "bad", "name": "bad"})
    message = str(caught.value)
    assert "must not be bad\n  where:   note.text" in message
    assert "no name next to [secret]\n  where:   note.name" in message


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Diff()),
        ({"text": "longer"}, Diff(changed=True)),
        ({"name": "b"}, Diff(changed=True, replace_keys=["name"])),
        ({"name": "same-place"}, Diff(changed=True, replace_keys=["name"], delete_before_replace=True)),
        ({"text": "whatever"}, Diff(changed=True, inputs_compared=True)),
    ],
)
def test_the_users_diff_decides(
    notes: DynamicProvider, inputs: Properties, changes: Properties, expected: Diff
) -> None:
    assert notes.diff(state(inputs), {**inputs, **changes}, []) == expected


def test_create_keeps_id_outputs_and_secrets_and_passes_on_what_is_printed(
    notes: DynamicProvider, inputs: Properties, lines: Queue[str]
) -> None:
    assert notes.create(URN, inputs, Context()) == Live("note-a", {**inputs, "length": 5})
    assert lines.get(timeout=10) == "creating with gold [secret]"


def test_nothing_is_created_or_updated_at_preview(notes: DynamicProvider, inputs: Properties) -> None:
    assert notes.create(URN, {**inputs, "text": "crash"}, Context(preview=True)) == Live("", {})
    assert notes.update(state(inputs), {**inputs, "text": "new"}, Context(preview=True)) == Live("note-a", {})


def test_update_gets_the_old_outputs(notes: DynamicProvider, inputs: Properties) -> None:
    new = {**inputs, "text": "new"}
    assert notes.update(state(inputs, text="old"), new, Context()) == Live("note-a", {**new, "before": "old"})


def test_delete_runs_the_users_code(notes: DynamicProvider, inputs: Properties, tmp_path: Path) -> None:
    notes.delete(state(inputs, text=str(tmp_path / "deleted")), Context())
    assert (tmp_path / "deleted").exists()


def test_read_tells_drift_and_what_is_gone(notes: DynamicProvider, inputs: Properties) -> None:
    known = state(inputs)
    assert notes.read(URN, "note-a", known, Context()) == Live("note-a", {**inputs, "text": "drifted"})
    assert notes.read(URN, "note-gone", known, Context()) is None


def test_a_look_up_by_id_runs_the_code_that_the_program_gives(notes: DynamicProvider, inputs: Properties) -> None:
    found = Live("note-b", {**inputs, "text": "drifted"})
    assert notes.look_up(URN, "note-b", inputs, Context()) == found
    assert notes.adopt(URN, "note-b", inputs, Context()) == found
    assert notes.look_up(URN, "note-gone", inputs, Context()) is None


def test_an_exception_is_the_users_message_and_place_without_secrets(
    notes: DynamicProvider, inputs: Properties, project: Project
) -> None:
    with pytest.raises(CaramlError) as caught:
        notes.create(URN, {**inputs, "text": "crash"}, Context())
    assert caught.value.what == (
        "the dynamic provider failed while creating 'note'\n    ValueError: cannot write [secret]"
    )
    line = PROGRAM.split("raise ValueError", maxsplit=1)[0].count("\n") + 1
    assert caught.value.where == f"{project.main}:{line}"


def test_an_empty_id_is_refused(notes: DynamicProvider, inputs: Properties) -> None:
    with pytest.raises(CaramlError, match="gave no id"):
        notes.create(URN, {**inputs, "name": ""}, Context())


def test_a_creation_that_takes_too_long_may_have_happened(notes: DynamicProvider, inputs: Properties) -> None:
    with pytest.raises(CaramlError, match=r"did not answer within 0.5 s while creating 'note'") as caught:
        notes.create(URN, {**inputs, "text": "slow"}, Context(timeout=0.5))
    assert caught.value.outcome_unknown  # type: ignore[attr-defined]


def test_a_server_that_dies_is_one_clear_error(project: Project, inputs: Properties) -> None:
    provider = start(project, Queue())
    with pytest.raises(CaramlError, match=r"ended while creating 'note' \(exit code 7\)"):
        provider.create(URN, {**inputs, "text": "die"}, Context())
    provider.close()


def test_all_threads_share_one_process(project: Project, inputs: Properties) -> None:
    provider = start(project, Queue())
    found: list[Live] = []
    threads = [threading.Thread(target=lambda: found.append(provider.create(URN, inputs, Context()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pid = provider.pid
    provider.close()
    assert found == [Live("note-a", {**inputs, "length": 5})] * 8
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_live_status_reaches_the_row_of_its_resource_latest_last_and_without_secrets(
    notes: DynamicProvider, inputs: Properties
) -> None:
    notes.create(URN, {**inputs, "text": "long"}, Context())
    messages: list[engine_pb2.LogRequest] = []
    while not messages or messages[-1].message != "done":
        messages.append(LOGGED.get(timeout=10))
    assert {(message.urn, message.ephemeral, message.severity) for message in messages} == {(URN, True, 1)}
    assert len(messages) > 1
    assert all(message.message.endswith("of 50 with [secret]") for message in messages[:-1])


def test_a_live_status_outside_of_a_dynamic_providers_server_is_shown_nowhere(
    capfd: pytest.CaptureFixture[str],
) -> None:
    live_status()("1 of 2")
    assert capfd.readouterr() == ("", "")
