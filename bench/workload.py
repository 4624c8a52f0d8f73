"""The work that is measured: a program of `bench/programs`, and how each tool does its operations."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bench.measure import FailedRun, Sample, measured
from caraml_pulumi.kube import KubeClient

PROGRAMS: Final = Path(__file__).parent / "programs"
CARAML: Final = Path(sys.executable).parent / "caraml"
STACK: Final = "dev"
_PLATFORM: Final = {"domain": "bench.example.test", "deploymentTimeoutSeconds": 600}

OPERATIONS: Final = {
    "preview": "preview",
    "up": "up --yes --skip-preview",
    "preview, no change": "preview --expect-no-changes",
    "refresh": "refresh --yes --skip-preview",
    "destroy": "destroy --yes --skip-preview",
}
"""Each operation of a stack's life, and the arguments for it, alike for `caraml` and `pulumi`."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A program deploying `count` things into `namespace`, in a directory of its own.

    `backend_url` is where its state is; empty for a directory beside it, one for each tool.
    """

    name: str
    count: int
    namespace: str
    directory: Path
    kubeconfig: Path
    backend_url: str = ""

    def prepare(self) -> None:
        """Copy the program and configure its stack."""
        shutil.copytree(PROGRAMS / self.name, self.directory)
        project = f"bench-{self.name}"
        config = {f"{project}:count": self.count, f"{project}:namespace": self.namespace, "caraml:platform": _PLATFORM}
        (self.directory / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))

    def caraml(self, operation: str) -> Sample:
        """Run `operation` with the embedded engine."""
        return self._caraml(OPERATIONS[operation].split())

    def preview(self, *arguments: str) -> Sample:
        """Preview with the embedded engine, with more arguments."""
        return self._caraml(["preview", *arguments])

    def pulumi(self, operation: str) -> Sample:
        """Run `operation` with the Pulumi CLI."""
        return self._run(["pulumi", *OPERATIONS[operation].split(), "--stack", STACK, "--non-interactive"], "pulumi")

    def new_pulumi_stack(self) -> None:
        """Make the stack that the Pulumi CLI will use."""
        self._run(["pulumi", "stack", "init", STACK, "--non-interactive"], "pulumi")

    def objects(self) -> Path:
        """A file with the objects that the program makes, for the bare client."""
        rendered = self.directory / "rendered"
        self._caraml(["preview", "--render", str(rendered)])
        client = KubeClient.from_kubeconfig(str(self.kubeconfig))
        bodies = [yaml.safe_load(file.read_text()) for file in sorted(rendered.glob("*.yaml"))]
        if not bodies:
            raise FailedRun(f"the program {self.name} makes no objects")
        file = self.directory / "objects.json"
        file.write_text(json.dumps([_addressed(client, body) for body in bodies]))
        client.close()
        return file

    def bare(self, objects: Path) -> Callable[[str], Sample]:
        """What runs an operation on `objects` with the bare client."""
        command = [sys.executable, "-m", "bench.bare", str(self.kubeconfig)]
        return lambda operation: self._run([*command, operation, str(objects)], "bare")

    def _caraml(self, arguments: list[str]) -> Sample:
        command = [str(CARAML), *arguments, "--stack", STACK, "--non-interactive", "--engine", "embedded"]
        return self._run(command, "caraml")

    def _run(self, command: list[str], tool: str) -> Sample:
        state = self.directory.parent / f"{self.directory.name}-{tool}"
        state.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PULUMI_BACKEND_URL": self.backend_url or f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONPATH": str(PROGRAMS.parents[1]),
        }
        return measured(command, self.directory, environment)


def _addressed(client: KubeClient, body: dict[str, Any]) -> dict[str, Any]:
    meta = body["metadata"]
    kind = (body["apiVersion"], body["kind"], meta.get("namespace"))
    return {"collection": client.path(*kind), "item": client.path(*kind, meta["name"]), "body": body}
