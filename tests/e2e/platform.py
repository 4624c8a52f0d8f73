"""The sample platform as a user has it: a copy of its files, a backend of its own, and the `caraml` command."""

import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
CARAML = Path(sys.executable).with_name("caraml")


@dataclass
class Result:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything it printed."""
        return self.out + self.err

    def json(self) -> Any:
        """The document it printed."""
        return json.loads(self.out)


class Commands(ABC):
    """The `caraml` command in a directory, with an environment of its own."""

    directory: Path

    @property
    @abstractmethod
    def environment(self) -> dict[str, str]:
        """The environment that commands run in."""

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start `caraml` with `arguments`."""
        return subprocess.Popen(
            [CARAML, *arguments],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def caraml(self, *arguments: str) -> Result:
        """Run `caraml` with `arguments`; a traceback is a failure whatever the exit code."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        result = Result(process.returncode, out, err)
        assert "Traceback" not in result.text, result.text
        assert "internal error" not in result.text, result.text
        return result

    def must(self, *arguments: str) -> Result:
        """Run `caraml` with `arguments`, which must succeed."""
        result = self.caraml(*arguments)
        assert result.code == 0, result.text
        return result


@dataclass
class Platform(Commands):
    """The sample platform in `directory`, its project renamed to `project`, which is its namespace as well."""

    directory: Path
    kubeconfig: Path
    project: str
    passphrase: str | None = "test"
    variables: dict[str, str] = field(default_factory=dict)
    """More environment variables of the commands."""

    def __post_init__(self) -> None:
        shutil.copy(REPOSITORY / "Pulumi.yaml", self.directory)
        shutil.copytree(REPOSITORY / "stacks", self.directory / "stacks")
        shutil.copytree(REPOSITORY / "policies", self.directory / "policies")
        (self.directory / ".venv").symlink_to(sys.prefix)
        for path in [*self.directory.glob("stacks/*.yaml"), *self.directory.glob("stacks/releases/*/*.yaml")]:
            path.write_text(path.read_text().replace("iris-team", self.project))

    @property
    def release(self) -> Path:
        """The release file of iris in dev."""
        return self.directory / "stacks/releases/dev/iris.yaml"

    def edit(self, old: str, new: str) -> None:
        """Change the release file, in which `old` must occur exactly once."""
        text = self.release.read_text()
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        self.release.write_text(text.replace(old, new))

    @property
    def environment(self) -> dict[str, str]:
        """The environment that commands run in."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "KUBECONFIG": str(self.kubeconfig),
            "PULUMI_BACKEND_URL": f"file://{self.directory}/backend",
            "CARAML_ENGINE": "embedded",
            **self.variables,
        } | ({} if self.passphrase is None else {"PULUMI_CONFIG_PASSPHRASE": self.passphrase})

    def up(self) -> Result:
        """`caraml up` with the policy pack, as `make up` does."""
        profile = "policies/profiles/dev.json"
        return self.must("up", "--stack", "dev", "--policy-pack", "policies", "--policy-pack-config", profile, "--yes")

    def changes(self) -> dict[str, list[str]]:
        """What a preview would do, op by op: the names of the resources; those that stay the same are left out."""
        found: dict[str, list[str]] = {}
        for step in self.must("preview", "--stack", "dev", "--json").json()["steps"]:
            if step["op"] != "same" and "pulumi:providers" not in step["urn"]:
                found.setdefault(step["op"], []).append(step["urn"].split("::", 2)[2].split("$")[-1])
        return found

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the checkpoint on disk."""
        files = sorted((self.directory / "backend/.pulumi/stacks").glob("*/dev.json"))
        latest = json.loads(files[0].read_text())["checkpoint"]["latest"] if files else {}
        resources: list[dict[str, Any]] = latest.get("resources", [])
        return resources
