"""A small Pulumi project on disk, and the `caraml` command run on it as a process of its own."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

TEAM = """
import pulumi


class Team(pulumi.ComponentResource):
    def __init__(self, name, size):
        super().__init__("demo:index:Team", name, {"size": size})
        self.register_outputs({})


size = pulumi.Config().get("size") or "1"
Team("iris", size)
pulumi.export("size", size)
"""
SLOW = """
import time

import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class Slow(ResourceProvider):
    def create(self, props):
        time.sleep(float(props["seconds"]))
        return CreateResult(props["seconds"], props)


class Thing(Resource):
    def __init__(self, name, seconds, options=None):
        super().__init__(Slow(), name, {"seconds": seconds}, options)


first = Thing("first", "SECONDS")
Thing("second", "0", pulumi.ResourceOptions(depends_on=[first]))
"""
PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ReportViolation, ResourceValidationPolicy


def small(args, report: ReportViolation) -> None:
    if args.props.get("size") == "9":
        report("a team of nine is too large")


PolicyPack(
    "sizes",
    policies=[ResourceValidationPolicy("small-teams", "Teams are small.", small, EnforcementLevel.MANDATORY)],
)
"""
COMMAND = [sys.executable, "-c", "from caraml_pulumi.cli.main import main; main()"]


class Program:
    """A project named `demo` with a stack `dev` and a backend of its own."""

    def __init__(self, root: Path, text: str = TEAM) -> None:
        self.root = root
        self.state = root / "home" / "state"
        self.file = root / "__main__.py"
        self.state.mkdir(parents=True)
        (root / "Pulumi.yaml").write_text("name: demo\nruntime: python\n")
        self.configure("1")
        self.file.write_text(text)

    def configure(self, size: str) -> None:
        (self.root / "Pulumi.dev.yaml").write_text(f'config:\n  demo:size: "{size}"\n')

    def policy_pack(self) -> Path:
        pack = self.root / "pack"
        pack.mkdir()
        (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
        (pack / "__main__.py").write_text(PACK)
        return pack

    def environment(self, **more: str) -> dict[str, str]:
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        return {
            **keep,
            "HOME": str(self.root / "home"),
            "TERM": "xterm",
            "CARAML_ENGINE": "embedded",
            "PULUMI_BACKEND_URL": self.state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            **more,
        }

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run `caraml` with nobody watching."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.root,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def checkpoint(self) -> str:
        path = self.state / ".pulumi/stacks/demo/dev.json"
        return path.read_text() if path.exists() else ""


class Terminal:
    """A command on a pseudo-terminal, driven like a person would."""

    def __init__(self, program: Program, *arguments: str, **environment: str) -> None:
        self.text = ""
        self._main, side = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=program.root,
            env=program.environment(COLUMNS="120", LINES="40", **environment),
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
        )
        os.close(side)

    def wait_for(self, text: str, seconds: float = 30) -> None:
        self.wait_for_match(re.escape(text), seconds)

    def wait_for_match(self, pattern: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, f"{pattern!r} did not appear in:\n{self.text}"
            if not self._read():
                raise AssertionError(f"the command ended without {pattern!r}:\n{self.text}")

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def end(self, seconds: float = 30) -> int:
        deadline = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < deadline, f"the command did not end:\n{self.text}"
        os.close(self._main)
        return self.process.wait(seconds)

    def _read(self) -> bool:
        """Take in what there is; whether the command still runs."""
        if not select.select([self._main], [], [], 0.2)[0]:
            return True
        try:
            data = os.read(self._main, 65536)
        except OSError:
            return False
        self.text += data.decode(errors="replace")
        return bool(data)
