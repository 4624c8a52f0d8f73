"""The Pulumi CLI's events and errors, as our displays and commands understand them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pulumi.automation.events import EngineEvent as AutomationEvent

from caraml_pulumi.engine import automation
from caraml_pulumi.engine.api import Options, Target
from caraml_pulumi.engine.automation import PulumiCliEngine, _run
from caraml_pulumi.engine.automation_events import Watcher, event_to_json
from caraml_pulumi.engine.state.project import Project
from caraml_pulumi.errors import LOCKED, POLICY_VIOLATION, CaramlError
from tests.unit.engine.display.events import RECORDED, diagnostic, recorded, tree_of, violation


def through_the_sdk(event: dict[str, Any]) -> AutomationEvent:
    parsed: AutomationEvent = AutomationEvent.from_json(event)
    return parsed


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_events_through_the_automation_api_show_the_same_as_the_event_log(path: Path) -> None:
    ours = tree_of(recorded(path))
    theirs = tree_of([event_to_json(through_the_sdk(event)) for event in recorded(path)])
    assert list(theirs.rows) == list(ours.rows)
    for urn, row in ours.rows.items():
        same = theirs.rows[urn]
        assert (same.op, same.step, same.status, same.changes) == (row.op, row.step, row.status, row.changes)
    assert (theirs.counts, theirs.outputs, theirs.config) == (ours.counts, ours.outputs, ours.config)


def test_events_are_plain_json_with_pulumis_own_names() -> None:
    event = event_to_json(through_the_sdk({"sequence": 1, "timestamp": 2, **violation("mandatory", "urn:a")}))
    assert json.loads(json.dumps(event)) == event
    assert event["policyEvent"]["policyPackName"] == "caraml"
    summary = {"summaryEvent": {"resourceChanges": {"create": 1}, "PolicyPacks": {"caraml": "v1"}}}
    assert event_to_json(through_the_sdk(summary))["summaryEvent"]["PolicyPacks"] == {"caraml": "v1"}


def failing(stderr: str, *events: dict[str, Any]) -> Any:
    from pulumi.automation._cmd import CommandResult
    from pulumi.automation.errors import create_command_error

    def operation(on_event: Any) -> None:
        for event in events:
            on_event(through_the_sdk(event))
        raise create_command_error(CommandResult(stdout="Updating (dev)\n", stderr=stderr, code=255))

    return operation


def test_the_outcome_has_what_the_events_told(capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = [path for path in RECORDED if path.match("dynamic/2-update*")]
    shown: list[dict[str, Any]] = []

    def operation(on_event: Any) -> None:
        for event in recorded(path):
            on_event(through_the_sdk(event))

    outcome = _run(shown.append, operation)
    assert (outcome.changes, outcome.outputs, outcome.error) == ({"same": 1, "update": 1}, {"length": 11}, None)
    assert len(shown) == len(recorded(path))


def test_an_error_of_the_cli_is_told_without_what_the_automation_api_puts_around_it() -> None:
    outcome = _run(lambda event: None, failing("warning: old\nerror: incorrect passphrase\n"))
    assert str(outcome.error) == "incorrect passphrase"


def test_an_error_among_the_diagnostics_is_the_error_of_the_outcome() -> None:
    outcome = _run(lambda event: None, failing("error: update failed\n", diagnostic("quota exceeded\n")))
    assert str(outcome.error) == "quota exceeded"


def test_a_mandatory_policy_has_its_exit_code() -> None:
    outcome = _run(lambda event: None, failing("error: preview failed\n", violation("mandatory")))
    assert outcome.error is not None
    assert outcome.error.exit_code == POLICY_VIOLATION


def test_a_held_lock_has_its_exit_code_and_a_fix() -> None:
    with pytest.raises(CaramlError, match="currently locked by 1 lock") as caught:
        _run(lambda event: None, failing("error: the stack is currently locked by 1 lock(s).\n  jane@host (pid 4)\n"))
    assert caught.value.exit_code == LOCKED
    assert "jane@host (pid 4)" in caught.value.what
    assert "pulumi cancel" in caught.value.fix


def test_rendering_is_refused_and_the_engine_that_can_is_named(tmp_path: Path) -> None:
    target = Target(Project("demo", tmp_path, tmp_path, tmp_path), "dev", tmp_path.as_uri())
    with pytest.raises(CaramlError) as caught:
        PulumiCliEngine().preview(target, Options(render=tmp_path), lambda event: None)
    assert "--engine embedded" in caught.value.fix


class _Stack:
    """A stack of the Automation API, as far as it is asked here."""

    def __init__(self) -> None:
        self.workspace = SimpleNamespace(env_vars={"PULUMI_BACKEND_URL": "file:///state"})

    def export_stack(self) -> SimpleNamespace:
        return SimpleNamespace(version=3, deployment={"resources": [{"urn": "urn:a", "type": "t:i:A"}]})


def test_policy_packs_find_the_state_of_before_in_a_file_that_is_gone_afterwards(tmp_path: Path) -> None:
    stack = _Stack()
    target = Target(Project("shop", tmp_path, tmp_path, tmp_path), "dev", "file:///state")
    with automation._with_evidence(cast(Any, stack), target, Options(policy_packs=(tmp_path,))):
        assert stack.workspace.env_vars["PULUMI_BACKEND_URL"] == "file:///state"
        export = Path(stack.workspace.env_vars["CARAML_STACK_BEFORE"])
        assert json.loads(export.read_text()) == {"version": 3, "deployment": stack.export_stack().deployment}
        assert export.parent.stat().st_mode & 0o077 == 0
    assert not export.exists()

    stack.workspace.env_vars = {}
    with automation._with_evidence(cast(Any, stack), target, Options()):
        assert stack.workspace.env_vars == {}


def test_policy_packs_are_shown_by_their_names_and_not_by_where_they_are() -> None:
    shown: list[dict[str, Any]] = []
    summary = {
        "summaryEvent": {"resourceChanges": {"create": 1}, "PolicyPacks": {"caraml|local|/home/ana/policies": "v1"}}
    }
    Watcher(shown.append)(through_the_sdk(summary))
    assert shown[0]["summaryEvent"]["PolicyPacks"] == {"caraml": "v1"}


def test_what_a_program_says_is_shown_until_a_policy_has_ended_it() -> None:
    shown: list[dict[str, Any]] = []
    watcher = Watcher(shown.append)
    said = diagnostic("loading the model\n", "info#err")
    traceback = diagnostic("Traceback (most recent call last):\n", "info#err")
    for event in (said, violation("mandatory", "urn:a"), diagnostic("preview failed\n", "error"), traceback):
        watcher(through_the_sdk(event))
    messages = [event["diagnosticEvent"]["message"] for event in shown if "diagnosticEvent" in event]
    assert messages == ["loading the model\n", "preview failed\n"]
