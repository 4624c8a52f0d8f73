"""What the Pulumi CLI wrote is read, decrypted, and written back as it was."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from caraml_pulumi.cli import history as history_command
from caraml_pulumi.cli import stack as stack_command
from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.engine.state.config import load_stack_config
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.outputs import stack_outputs
from caraml_pulumi.engine.state.project import load_project
from caraml_pulumi.engine.state.secrets import PassphraseCrypter, open_crypter, recorded_provider, salt_of_provider
from caraml_pulumi.engine.state.snapshot import snapshot_from_json, snapshot_to_json
from caraml_pulumi.engine.values import Secret, contains_secret, plain

RECORDINGS = Path(__file__).parent / "recordings"
PASSPHRASE = "conformance"
CHECKPOINTS = sorted(RECORDINGS.glob("*/*.checkpoint.json"))
CONFIGURATIONS = sorted(RECORDINGS.glob("*/*.Pulumi.dev.yaml"))


def _id(path: Path) -> str:
    return f"{path.parent.name}-{path.name}"


def _read(path: Path) -> Any:
    return json.loads(path.read_text())


def _crypter(document: dict[str, Any]) -> PassphraseCrypter:
    provider = recorded_provider(document)
    assert provider
    return PassphraseCrypter.from_salt(salt_of_provider(provider), PASSPHRASE)


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/backend")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    return open_backend()


def _project(directory: Path, program: str, step: str) -> Path:
    """A project as it was at a recorded step."""
    root = directory / program
    shutil.copytree(RECORDINGS / program / "program", root)
    shutil.copy(RECORDINGS / program / f"{step}.Pulumi.dev.yaml", root / "Pulumi.dev.yaml")
    return root


def test_the_recordings_are_there() -> None:
    assert len(CHECKPOINTS) == 16
    assert len(CONFIGURATIONS) == 16


@pytest.mark.parametrize("path", CHECKPOINTS, ids=_id)
def test_a_recorded_checkpoint_is_written_back_unchanged(path: Path) -> None:
    document = _read(path)
    crypter = _crypter(document)
    snapshot = snapshot_from_json(document, crypter)
    assert snapshot_to_json(snapshot, crypter, StackName.parse(document["checkpoint"]["stack"])) == document


@pytest.mark.parametrize("path", CHECKPOINTS, ids=_id)
def test_a_recorded_checkpoint_survives_the_backend(path: Path, backend: Backend) -> None:
    document = _read(path)
    backend.save("p", "dev", document)
    assert backend.load("p", "dev") == document


@pytest.mark.parametrize("path", CHECKPOINTS, ids=_id)
def test_secrets_that_are_encrypted_anew_open_again(path: Path) -> None:
    document = _read(path)
    snapshot = snapshot_from_json(document, _crypter(document))
    clear = snapshot_to_json(snapshot, _crypter(document), show_secrets=True)
    other = PassphraseCrypter.new("another")
    sealed = snapshot_to_json(snapshot_from_json(clear, _crypter(document)), other)
    assert recorded_provider(sealed) == other.provider
    again = snapshot_from_json(sealed, other)
    assert [(item.inputs, item.outputs) for item in again.resources] == [
        (item.inputs, item.outputs) for item in snapshot.resources
    ]


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=_id)
def test_a_recorded_configuration_opens_and_is_written_back_byte_for_byte(path: Path, tmp_path: Path) -> None:
    root = _project(tmp_path, path.parent.name, path.name.removesuffix(".Pulumi.dev.yaml"))
    config = load_stack_config(load_project(root), "dev")
    assert config.salt
    values = config.values(PassphraseCrypter.from_salt(config.salt, PASSPHRASE))
    assert all((value == Secret("s3cr3t")) == (key == "basic:token") for key, value in values.items())
    config.set("added", "1")
    assert config.rm("added")
    config.save()
    assert config.path.read_bytes() == path.read_bytes()


def test_the_recorded_values_are_those_a_program_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    config = load_stack_config(load_project(_project(tmp_path, "workload", "3-delete")), "dev")
    assert config.values(open_crypter(config)) == {
        "workload:image": "example.com/model:2",
        "workload:keepService": "false",
    }


def test_a_secret_output_opens_for_another_stack_and_does_not_carry_the_ciphertext_over(backend: Backend) -> None:
    backend.save("basic", "dev", _read(RECORDINGS / "basic" / "1-create.checkpoint.json"))
    outputs = stack_outputs(backend, StackName.parse("organization/basic/dev"))
    recorded = snapshot_from_json(
        document := _read(RECORDINGS / "stackref" / "1-create.checkpoint.json"), _crypter(document)
    )
    assert recorded.resources[-1].outputs["outputs"] == outputs
    assert contains_secret(outputs)
    assert outputs["token"].ciphertext is None
    assert plain(outputs["token"]) == "s3cr3t"


def test_outputs_are_printed_as_pulumi_prints_them(backend: Backend, tmp_path: Path) -> None:
    root = _project(tmp_path, "basic", "1-create")
    backend.save("basic", "dev", _read(RECORDINGS / "basic" / "1-create.checkpoint.json"))
    result = CliRunner().invoke(stack_command.app, ["output", "--json", "-C", str(root)])
    assert json.loads(result.stdout) == _read(RECORDINGS / "basic" / "outputs.json")


def _place_history(backend: Backend, program: str) -> list[Path]:
    entries = sorted((RECORDINGS / program / "history").iterdir())
    directory = Path(backend.url.removeprefix("file://")) / ".pulumi" / "history" / program / "dev"
    directory.mkdir(parents=True)
    for entry in entries:
        shutil.copy(entry, directory)
    return entries


@pytest.mark.parametrize("program", ["basic", "dynamic", "stackref", "workload"])
def test_a_recorded_history_is_read_the_newest_first_and_counted_from_the_oldest(
    program: str, backend: Backend
) -> None:
    entries = _place_history(backend, program)
    read = backend.history(program, "dev")
    assert [entry["version"] for entry in read] == list(range(len(entries), 0, -1))
    assert [entry | {"version": 0} for entry in read] == [_read(entry) for entry in reversed(entries)]


def test_history_is_printed_as_pulumi_prints_it_but_for_the_version_numbers(backend: Backend, tmp_path: Path) -> None:
    root = _project(tmp_path, "basic", "1-create")
    backend.save("basic", "dev", _read(RECORDINGS / "basic" / "1-create.checkpoint.json"))
    _place_history(backend, "basic")
    result = CliRunner().invoke(history_command.app, ["--json", "-C", str(root)])
    printed = json.loads(result.stdout)
    assert [entry["version"] for entry in printed] == [5, 4, 3, 2, 1]
    assert [entry | {"version": 0} for entry in printed] == _read(RECORDINGS / "basic" / "history.json")


def test_the_keys_of_our_history_are_those_of_the_recorded_one() -> None:
    from datetime import UTC, datetime

    from caraml_pulumi.engine.state.history import history_entry

    moment = datetime.fromtimestamp(1795321588, UTC)
    recorded = _read(min((RECORDINGS / "basic" / "history").iterdir()))
    ours = history_entry("update", moment, moment, "", "succeeded", recorded["config"], {"create": 5}, {})
    assert {key: type(value) for key, value in ours.items()} == {key: type(value) for key, value in recorded.items()}
    assert ours["resourceChanges"] == recorded["resourceChanges"]


def test_no_recording_names_a_path_of_a_machine() -> None:
    recorded = "".join(path.read_text() for path in RECORDINGS.rglob("*") if path.is_file())
    assert not any(f"{root}{os.sep}" in recorded for root in ("/root", "/home", "/tmp"))
