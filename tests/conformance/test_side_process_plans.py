"""Programs with a dynamic provider and with a StackReference plan as the Pulumi CLI planned them."""

import json
import shutil
from pathlib import Path

import pytest

from caraml_pulumi.engine.api import Options, Target
from caraml_pulumi.engine.embedded import EmbeddedEngine
from caraml_pulumi.engine.events import EngineEvent
from caraml_pulumi.engine.state.project import load_project

RECORDINGS = Path(__file__).parent / "recordings"


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "conformance")
    return tmp_path / "backend"


def target(backend: Path, program: str, step: str, state: str = "") -> Target:
    """The stack of a recorded program, configured as in `step`, with the state after the step `state`."""
    recording = RECORDINGS / program
    project = backend.parent / program
    shutil.copytree(recording / "program", project)
    shutil.copy(recording / f"{step}.Pulumi.dev.yaml", project / "Pulumi.dev.yaml")
    if state:
        stacks = backend / ".pulumi" / "stacks" / program
        stacks.mkdir(parents=True)
        shutil.copy(recording / f"{state}.checkpoint.json", stacks / "dev.json")
    return Target(load_project(project), "dev", f"file://{backend}")


Steps = set[tuple[str, str]]


def planned(where: Target) -> Steps:
    events: list[EngineEvent] = []
    outcome = EmbeddedEngine().preview(where, Options(), events.append)
    assert outcome.error is None
    steps = [event["resOutputsEvent"]["metadata"] for event in events if "resOutputsEvent" in event]
    logical = [step for step in steps if step["op"] not in ("create-replacement", "delete-replaced")]
    return {(step["op"], step["urn"]) for step in logical if "pulumi:providers:" not in step["urn"]}


def recorded(program: str, step: str) -> Steps:
    document = json.loads((RECORDINGS / program / f"{step}.preview.json").read_text())
    return {(each["op"], each["urn"]) for each in document["steps"] if "pulumi:providers:" not in each["urn"]}


@pytest.mark.parametrize(("step", "state"), [("1-create", ""), ("2-update", "1-create"), ("3-replace", "2-update")])
def test_a_dynamic_provider_plans_as_recorded(backend: Path, step: str, state: str) -> None:
    assert planned(target(backend, "dynamic", step, state)) == recorded("dynamic", step)


def test_a_dynamic_resource_of_the_pulumi_cli_is_replaced_and_destroyed(backend: Path) -> None:
    where = target(backend, "dynamic", "3-replace", "2-update")
    engine = EmbeddedEngine()
    up = engine.up(where, Options(), lambda event: None)
    assert (up.error, up.changes, up.outputs) == (None, {"same": 1, "replace": 1}, {"length": 11})
    destroyed = engine.destroy(where, Options(), lambda event: None, preview=False)
    assert (destroyed.error, destroyed.changes) == (None, {"delete": 2})


def test_a_stack_reference_plans_as_recorded(backend: Path) -> None:
    target(backend, "basic", "1-create", "1-create")
    assert planned(target(backend, "stackref", "1-create")) == recorded("stackref", "1-create")


def test_a_stack_reference_stores_what_the_pulumi_cli_stores(backend: Path) -> None:
    target(backend, "basic", "1-create", "1-create")
    where = target(backend, "stackref", "1-create")
    outcome = EmbeddedEngine().up(where, Options(), lambda event: None)
    assert (outcome.error, outcome.outputs) == (None, {"namespace": "conf-fraud", "token": "[secret]"})
    ours, theirs = (
        next(item for item in document["checkpoint"]["latest"]["resources"] if item.get("external"))
        for document in (
            json.loads((backend / ".pulumi/stacks/stackref/dev.json").read_text()),
            json.loads((RECORDINGS / "stackref/1-create.checkpoint.json").read_text()),
        )
    )
    for resource in (ours, theirs):
        resource["outputs"]["outputs"]["token"]["ciphertext"] = "..."
        resource["provider"] = resource["provider"].rpartition("::")[0]
    assert ours == theirs
