"""A backend that only the Pulumi CLI reaches, as a program named `pulumi` answers for it."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.errors import CaramlError

DEPLOYMENT: dict[str, Any] = {"manifest": {"time": "2026-01-02T00:00:00Z"}, "resources": []}
UPDATES = [
    {
        "version": 2,
        "kind": "update",
        "startTime": "2026-01-02T00:00:00.000Z",
        "endTime": "2026-01-02T00:00:09.000Z",
        "message": "second",
        "environment": {},
        "config": {"shop:key": {"secret": True}, "shop:size": {"value": "1", "secret": False}},
        "result": "succeeded",
    },
    {"version": 1, "kind": "update", "startTime": "2026-01-01T00:00:00.000Z", "message": "first", "config": {}},
]
ANSWERS = """#!{python}
import json, os, sys

arguments = [one for one in sys.argv[1:] if one not in ("--non-interactive", "--color", "never")]
assert os.environ["PULUMI_BACKEND_URL"] == "https://api.example.com"
if arguments == ["org", "get-default"]:
    print("acme")
elif arguments[:2] == ["stack", "ls"]:
    print(json.dumps([{{"name": "acme/shop/dev"}}, {{"name": "acme/shop/prod"}}]))
elif "acme/shop/dev" not in arguments:
    print("error: no stack named that found", file=sys.stderr)
    sys.exit(6)
elif arguments[:2] == ["stack", "history"]:
    print({history!r})
elif "--version" in arguments:
    print(json.dumps({{"version": 3, "deployment": {{"at": arguments[arguments.index("--version") + 1]}}}}))
else:
    print({export!r})
"""


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    script = tmp_path / "pulumi"
    export = json.dumps({"version": 3, "deployment": DEPLOYMENT})
    script.write_text(ANSWERS.format(python=sys.executable, history=json.dumps(UPDATES), export=export))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return open_backend("https://api.example.com")


def test_stacks_and_their_state_are_what_the_cli_tells(backend: Backend) -> None:
    assert backend.list_stacks("shop") == [StackName("shop", "dev"), StackName("shop", "prod")]
    document = backend.load("shop", "dev")
    assert document == {"version": 3, "checkpoint": {"stack": "acme/shop/dev", "latest": DEPLOYMENT}}
    assert backend.load("shop", "test") is None
    with backend.checkpoint_file("shop", "dev") as path:
        assert path is not None
        assert json.loads(path.read_text()) == document
    assert not backend.journal("shop", "dev").exists()
    assert backend.journal("shop", "dev").read() == []


def test_history_reads_as_that_of_a_self_managed_backend(backend: Backend) -> None:
    second, first = backend.history("shop", "dev")
    assert (second["version"], second["message"], first["version"]) == (2, "second", 1)
    assert second["endTime"] - second["startTime"] == 9
    assert second["config"] == {"shop:key": {"secure": "[secret]"}, "shop:size": "1"}
    recorded = backend.recorded("shop", "dev", 1)
    assert recorded is not None
    assert recorded["checkpoint"]["latest"] == {"at": "1"}
    assert backend.history("shop", "test") == []


def test_nothing_is_written(backend: Backend) -> None:
    with (
        pytest.raises(CaramlError, match="only the Pulumi CLI locks and writes to"),
        backend.lock("shop", "dev", "update"),
    ):
        pass
    with pytest.raises(CaramlError, match="only the Pulumi CLI locks and writes to"):
        backend.create("shop", "new")
    with pytest.raises(CaramlError, match="only the Pulumi CLI locks and writes to"):
        backend.remove("shop", "dev")
    with pytest.raises(CaramlError, match="pulumi cancel"):
        backend.locks("shop", "dev")


def test_what_the_cli_says_against_it_is_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "pulumi"
    script.write_text("#!/bin/sh\necho 'error: you are not logged in' >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(CaramlError, match="cannot read the backend: you are not logged in"):
        open_backend("gs://states").load("shop", "dev")


def test_a_password_in_the_backends_url_is_in_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "pulumi"
    script.write_text('#!/bin/sh\necho "error: cannot open $PULUMI_BACKEND_URL" >&2\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    backend = open_backend("postgres://me:hunter2@db.example.com/state")
    with pytest.raises(CaramlError) as caught:
        backend.load("shop", "dev")
    assert "cannot open postgres://db.example.com/state" in str(caught.value)
    assert "hunter2" not in str(caught.value) + backend.shown_url


def test_without_the_cli_such_a_backend_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CaramlError, match="only the Pulumi CLI reaches"):
        open_backend("azblob://states")
