"""Several Pulumi projects in one directory, each with a stack `staging`, and the `caraml` command run above them."""

import os
from pathlib import Path

from tests.unit.cli.program import Program

THINGS = """
import time

import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider, UpdateResult


class Slow(ResourceProvider):
    def create(self, props):
        time.sleep(float(props["seconds"]))
        return CreateResult(props["seconds"], props)

    def update(self, id, olds, news):
        time.sleep(float(news["seconds"]))
        return UpdateResult(news)


class Thing(Resource):
    url: pulumi.Output[str]

    def __init__(self, name, seconds, url="", options=None):
        super().__init__(Slow(), name, {"seconds": seconds, "url": url}, options)


first = Thing("first", pulumi.Config().get("seconds") or "0", "http://" + pulumi.get_project())
Thing("second", "0", options=pulumi.ResourceOptions(depends_on=[first]))
pulumi.export("url", first.url)
"""
REFERRING = """
import pulumi

platform = pulumi.StackReference("organization/platform/staging")
pulumi.export("seen", platform.get_output("url"))
"""


class Projects(Program):
    """Projects by name, below a directory that is none itself."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py"):
            (root / name).unlink()

    def add(self, name: str, text: str = THINGS, *, directory: str = "", stack: str = "staging") -> Path:
        project = self.root / (directory or name)
        project.mkdir(parents=True)
        (project / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
        (project / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
        (project / "__main__.py").write_text(text)
        return project

    def seconds(self, name: str, seconds: str) -> None:
        (self.root / name / "Pulumi.staging.yaml").write_text(f'config:\n  {name}:seconds: "{seconds}"\n')

    def recorded(self, name: str) -> str:
        path = self.root / f"home/state/.pulumi/stacks/{name}/staging.json"
        return path.read_text() if path.exists() else ""

    def lock(self, name: str) -> None:
        """As if another run had the stack: a lock of this very process, which lives."""
        directory = self.root / f"home/state/.pulumi/locks/organization/{name}/staging"
        directory.mkdir(parents=True, exist_ok=True)
        text = (
            f'{{"pid": {os.getpid()}, "username": "ana", "hostname": "elsewhere", "timestamp": "2026-01-01T00:00:00Z"}}'
        )
        (directory / "held.json").write_text(text)
