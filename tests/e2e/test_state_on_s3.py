"""A team's state in a bucket of the real S3 server: every command works on it, and nothing that is killed loses any."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from caraml_pulumi.artifacts.bucket import Bucket
from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.errors import LOCKED
from tests.e2e.buckets import client, new_name
from tests.e2e.conftest import LocalCluster
from tests.e2e.test_interrupted import CONFIG_MAPS, DESTROY, PROGRAM, UP, Stack
from tests.unit.cli.program import TEAM, Program

pytestmark = pytest.mark.e2e

WAITING = f"""{TEAM}
import time
from pathlib import Path

Path("begun").touch()
while not Path("go").exists():
    time.sleep(0.01)
"""
PACK = """
import json
import os

from pulumi_policy import EnforcementLevel, PolicyPack, ReportViolation, StackValidationPolicy


def told(args, report: ReportViolation) -> None:
    path = os.environ["CARAML_STACK_BEFORE"]
    latest = json.load(open(path))["checkpoint"]["latest"]
    report(f"told of {len(latest['resources'])} resources by {path} mode {os.stat(path).st_mode & 0o777:o}")


PolicyPack("told", policies=[StackValidationPolicy("told", "Tells.", told, EnforcementLevel.ADVISORY)])
"""


@pytest.fixture
def bucket(s3_server: str) -> Iterator[str]:
    name = new_name()
    client().create_bucket(Bucket=name)
    yield name
    Bucket(Endpoint(), name).delete(force=True)


@pytest.fixture
def state_url(bucket: str, s3_server: str) -> str:
    """A directory of a bucket, as the Pulumi CLI takes it."""
    settings = {"endpoint": s3_server.removeprefix("http://"), "region": "us-east-1"}
    return f"s3://{bucket}/team?{urlencode({**settings, 'disableSSL': 'true', 's3ForcePathStyle': 'true'})}"


class S3Program(Program):
    """The small project, its state in a bucket."""

    state_url: str

    def environment(self, **more: str) -> dict[str, str]:
        aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        return super().environment(**{**aws, "PULUMI_BACKEND_URL": self.state_url, **more})

    @property
    def backend(self) -> Backend:
        return open_backend(self.state_url)

    def begun(self, process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
        while not (self.root / "begun").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        return process

    def pulumi(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive", "--stack", "dev"],
            cwd=self.root,
            env=self.environment(**{name: os.environ[name] for name in ("PULUMI_HOME",) if name in os.environ}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def program(tmp_path: Path, state_url: str, monkeypatch: pytest.MonkeyPatch) -> S3Program:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    program = S3Program(tmp_path)
    program.state_url = state_url
    return program


@pytest.fixture
def stack(tmp_path: Path, cluster: LocalCluster, namespace: str, state_url: str) -> Stack:
    (tmp_path / "Pulumi.yaml").write_text("name: interrupted\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    return Stack(tmp_path, cluster, namespace, state_url).config("one")


def test_every_command_works_on_a_stack_in_a_bucket(program: S3Program) -> None:
    def run(*arguments: str, code: int = 0) -> str:
        done = program.run(*arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    run("up", "--yes", "-m", "first")
    program.configure("2")
    assert '~ size: "1" => "2"' in run("preview", "--diff")
    run("up", "--yes", "-m", "second")
    assert [entry["message"] for entry in json.loads(run("history", "--json"))] == ["second", "first"]
    assert run("stack", "output", "size").strip() == "2"
    assert [each["name"] for each in json.loads(run("stack", "ls", "--json"))] == ["dev"]
    run("config", "set", "color", "green")
    run("refresh", "--yes")
    (program.root / "state.json").write_text(run("stack", "export"))
    run("stack", "import", "--file", "state.json")
    run("cancel")
    run("destroy", "--yes")
    run("stack", "rm", "--yes")
    kept = program.backend._bucket.list(".pulumi")
    assert {key.split("/")[1] for key in kept} == {"meta.yaml", "backups", "stacks"}
    assert [key for key in kept if key.startswith(".pulumi/stacks")] == [".pulumi/stacks/demo/dev.json.bak"]


@pytest.mark.parametrize("after", [1, 2 * CONFIG_MAPS])
def test_what_is_killed_is_completed_by_the_next_run(stack: Stack, after: int) -> None:
    code, _ = stack.interrupted(signal.SIGKILL, after, *UP)
    assert code == -signal.SIGKILL
    stack.run(*UP)
    stack.assert_whole("one")
    code, _ = stack.interrupted(signal.SIGKILL, after // 4 + 1, *DESTROY)
    assert code == -signal.SIGKILL
    stack.run(*DESTROY)
    assert stack.live() == []
    assert stack.resources() == []


def test_of_several_runs_that_begin_at_once_one_goes_on_and_the_others_are_refused(program: S3Program) -> None:
    program.file.write_text(WAITING)
    killed = program.begun(program.start("up", "--yes", "--skip-preview"))
    killed.kill()
    killed.communicate()
    runs = [program.start("up", "--yes", "--skip-preview") for _ in range(3)]
    while len(at_work := [run for run in runs if run.poll() is None]) > 1:
        time.sleep(0.01)
    (program.root / "go").touch()
    output, _ = at_work[0].communicate(timeout=60)
    assert at_work[0].returncode == 0, output
    assert f"process {killed.pid}," in output
    for run in runs:
        if run is not at_work[0]:
            refused, _ = run.communicate(timeout=60)
            assert run.returncode == LOCKED, refused
            assert f"process {at_work[0].pid}," in refused
            assert "caraml cancel" in refused
    assert len(program.backend.history("demo", "dev")) == 1
    assert program.backend.locks("demo", "dev") == []


def test_cancel_refuses_to_take_the_lock_from_a_run_that_is_at_work_here(program: S3Program) -> None:
    program.file.write_text(WAITING)
    run = program.begun(program.start("up", "--yes", "--skip-preview"))
    refused = program.run("cancel", "--yes")
    assert refused.returncode == LOCKED
    assert f"kill -INT {run.pid}" in refused.stderr
    assert program.run("cancel", "--yes", "--force").returncode == 0
    (program.root / "go").touch()
    assert program.run("up", "--yes", "--skip-preview").returncode == 0
    run.communicate(timeout=60)


def test_policies_are_told_of_the_state_before_by_a_copy_that_is_gone_afterwards(program: S3Program) -> None:
    assert program.run("up", "--yes").returncode == 0
    pack = program.policy_pack()
    (pack / "__main__.py").write_text(PACK)
    done = program.run("preview", "--policy-pack", str(pack))
    _, found, told = done.stdout.partition("told of 2 resources by ")
    assert found, done.stdout + done.stderr
    path, mode = told.split(" mode ")[0], told.split(" mode ")[1].split()[0]
    assert mode == "600"
    assert not Path(path).exists()


needs_the_cli = pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH")


@pytest.mark.pulumi_cli
@needs_the_cli
def test_the_pulumi_cli_and_the_embedded_engine_take_turns_on_a_stack_in_a_bucket(program: S3Program) -> None:
    for size, engine, other in (("1", "embedded", "pulumi"), ("2", "pulumi", "embedded"), ("3", "embedded", "pulumi")):
        program.configure(size)
        up = program.run("up", "--yes", "--engine", engine)
        assert up.returncode == 0, up.stdout + up.stderr
        preview = program.run("preview", "--engine", other, "--expect-no-changes")
        assert preview.returncode == 0, preview.stdout + preview.stderr
    assert len(program.backend.history("demo", "dev")) == 3


@pytest.mark.pulumi_cli
@needs_the_cli
def test_a_lock_of_ours_refuses_the_pulumi_cli_which_can_cancel_it(program: S3Program) -> None:
    program.file.write_text(WAITING)
    run = program.begun(program.start("up", "--yes", "--skip-preview"))
    refused, _ = program.pulumi("up", "--yes", "--skip-preview").communicate(timeout=60)
    assert "currently locked by 1 lock" in refused
    assert f"(pid {run.pid})" in refused
    run.kill()
    run.communicate()
    cancel = program.pulumi("cancel", "--yes")
    output, _ = cancel.communicate(timeout=60)
    assert cancel.returncode == 0, output
    assert program.backend.locks("demo", "dev") == []


@pytest.mark.pulumi_cli
@needs_the_cli
def test_the_pulumi_cli_does_not_go_on_where_the_embedded_engine_was_interrupted(program: S3Program) -> None:
    assert program.run("up", "--yes", "--skip-preview").returncode == 0
    journal = program.backend.journal("demo", "dev")
    journal.append({"do": "end", "id": 1})
    journal.flush()
    refused = program.run("destroy", "--yes", "--skip-preview", "--engine", "pulumi")
    assert refused.returncode == 1
    assert "caraml refresh --engine embedded --stack dev" in refused.stderr
    assert program.run("refresh", "--yes", "--skip-preview").returncode == 0
    assert program.run("destroy", "--yes", "--skip-preview", "--engine", "pulumi").returncode == 0


@pytest.mark.pulumi_cli
@needs_the_cli
def test_a_lock_of_the_pulumi_cli_refuses_us_and_we_can_cancel_it(program: S3Program) -> None:
    program.file.write_text(TEAM)
    assert program.run("up", "--yes", "--skip-preview").returncode == 0
    program.file.write_text(WAITING)
    run = program.begun(program.pulumi("up", "--yes", "--skip-preview"))
    (lock,) = program.backend.locks("demo", "dev")
    refused = program.run("up", "--yes", "--skip-preview")
    assert refused.returncode == LOCKED
    assert f"process {lock.owner['pid']}" in refused.stderr
    assert program.backend.locks("demo", "dev") == [lock]
    assert program.run("cancel", "--yes").returncode == LOCKED
    run.kill()
    run.communicate()
    cancel = program.run("cancel")
    assert cancel.returncode == 0, cancel.stderr
    assert program.backend.locks("demo", "dev") == []
    (program.root / "go").touch()
    assert program.run("up", "--yes", "--skip-preview").returncode == 0
