"""A project with a backend of its own, for the tests of commands on it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.snapshot import Snapshot, snapshot_to_json
from caraml_pulumi.errors import CaramlError
from tests.unit.engine.state.builders import CRYPTER


@dataclass
class Ran:
    """What a command printed, and how it failed."""

    stdout: str
    stderr: str
    exit_code: int
    error: CaramlError | None

    @property
    def json(self) -> Any:
        """The output as JSON."""
        return json.loads(self.stdout)


@dataclass
class Place:
    """The project ``shop`` in a directory, with its backend."""

    root: Path

    @property
    def backend(self) -> Backend:
        """Its backend."""
        return open_backend()

    def run(self, app: typer.Typer, *arguments: str, stdin: str = "") -> Ran:
        """Run a command in the project."""
        result = CliRunner().invoke(app, [*arguments, "-C", str(self.root)], input=stdin)
        error = result.exception if isinstance(result.exception, CaramlError) else None
        if result.exception is not None and not isinstance(result.exception, SystemExit) and error is None:
            raise result.exception
        return Ran(result.stdout, result.stderr, result.exit_code, error)

    def deploy(self, snapshot: Snapshot, stack: str = "dev") -> None:
        """Make `snapshot` the state of a stack."""
        self.backend.save("shop", stack, snapshot_to_json(snapshot, CRYPTER, StackName("shop", stack)))
