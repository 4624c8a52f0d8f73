"""Every recorded program, on the state the Pulumi CLI left, plans what the CLI planned."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.engine.api import Options, Target
from caraml_pulumi.engine.embedded import EmbeddedEngine
from caraml_pulumi.engine.events import EngineEvent
from caraml_pulumi.engine.reporter import is_default_provider
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.engine.state.project import load_project

RECORDINGS = Path(__file__).parent / "recordings"
STEPS = [
    ("basic", "", "1-create"),
    ("basic", "1-create", "2-update"),
    ("basic", "2-update", "3-same"),
    ("basic", "4-refresh", "5-drift"),
    ("workload", "", "1-create"),
    ("workload", "1-create", "2-update"),
    ("workload", "2-update", "3-delete"),
    ("workload", "3-delete", "4-same"),
    ("dynamic", "", "1-create"),
    ("dynamic", "1-create", "2-update"),
    ("dynamic", "2-update", "3-replace"),
    ("stackref", "", "1-create"),
]


NO_CLUSTER = """
apiVersion: v1
kind: Config
current-context: gone
contexts: [{name: gone, context: {cluster: gone, user: gone}}]
clusters: [{name: gone, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: gone, user: {}}]
"""


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recordings' cluster is gone: plans are made from state, which is what a preview without a cluster does."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "conformance")
    # The path in the recordings was replaced by this text; a file of that name is in the project's directory.
    monkeypatch.setenv("KUBECONFIG", "<path>")


def recorded(program: str, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((RECORDINGS / program / name).read_text())
    return document


def plan(program: str, before: str, step: str, directory: Path) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The logical steps of a preview in the recordings' shape, and the counts."""
    project_directory = directory / "program"
    shutil.copytree(RECORDINGS / program / "program", project_directory)
    (project_directory / "<path>").write_text(NO_CLUSTER)
    config = RECORDINGS / program / f"{step}.Pulumi.dev.yaml"
    shutil.copy(
        config if config.exists() else RECORDINGS / program / f"{before}.Pulumi.dev.yaml",
        project_directory / "Pulumi.dev.yaml",
    )
    url = f"file://{directory}/backend"
    backend = open_backend(url)
    if before:
        backend.save(program, "dev", recorded(program, f"{before}.checkpoint.json"))
    if program == "stackref":
        backend.save("basic", "dev", recorded("basic", "1-create.checkpoint.json"))
    events: list[EngineEvent] = []
    outcome = EmbeddedEngine().preview(Target(load_project(project_directory), "dev", url), Options(), events.append)
    assert outcome.error is None, str(outcome.error)
    steps = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
    return [step for step in steps if step.get("logical")], dict(outcome.changes)


def essence(steps: list[dict[str, Any]], kind: str) -> dict[tuple[str, str], dict[str, str]]:
    """What is done to each resource that changes, and the kind of change by path."""
    return {
        (step["urn"], step["op"]): {path: entry[kind] for path, entry in (step.get("detailedDiff") or {}).items()}
        for step in steps
        if step["op"] != "same" and not is_default_provider(step["urn"])
    }


@pytest.mark.parametrize(("program", "before", "step"), STEPS)
def test_a_recorded_program_plans_as_the_pulumi_cli_did(program: str, before: str, step: str, tmp_path: Path) -> None:
    steps, counts = plan(program, before, step, tmp_path)
    preview = recorded(program, f"{step}.preview.json")
    assert essence(steps, "diffKind") == essence(preview["steps"], "kind")
    assert counts == preview["changeSummary"]


def test_a_stack_reference_that_was_read_before_is_read_again(tmp_path: Path) -> None:
    steps, counts = plan("stackref", "1-create", "1-create", tmp_path)
    assert [step["op"] for step in steps if not is_default_provider(step["urn"])] == ["same", "read"]
    assert counts == {"same": 1}
