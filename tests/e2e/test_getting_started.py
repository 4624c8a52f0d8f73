"""A newcomer's way, as docs/getting-started.md has it: from nothing to a deployed model in under five commands."""

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import CARAML, Result

pytestmark = pytest.mark.e2e


@dataclass
class Shell:
    """A shell of somebody who has `caraml` on PATH, and nothing else of ours."""

    directory: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> Result:
        done = subprocess.run(
            [CARAML, *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert "Traceback" not in done.stderr + done.stdout, done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    def must(self, *arguments: str) -> Result:
        result = self.run(*arguments)
        assert result.code == 0, result.text
        return result


@pytest.fixture
def shell(cluster: LocalCluster, tmp_path: Path) -> Iterator[tuple[Shell, str]]:
    project = f"team-{uuid.uuid4().hex[:8]}"
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "KUBECONFIG": str(cluster.kubeconfig),
        "PULUMI_CONFIG_PASSPHRASE": "local-development",
        "CARAML_ENGINE": "embedded",
    }
    yield Shell(tmp_path, environment), project
    cluster.leave(project)


def test_a_new_repository_is_deployed_changed_and_judged(shell: tuple[Shell, str], cluster: LocalCluster) -> None:
    terminal, project = shell
    began = time.monotonic()
    terminal.must("init", "shop", "--project", project, "--ci", "github")
    terminal.directory /= "shop"
    terminal.must("up", "--stack", "dev", "--yes")
    status = terminal.must("status", "--stack", "dev", "--json").json()
    assert time.monotonic() - began < 120
    assert [(one["model"], one["status"]) for one in status["versions"]] == [("iris", "serving")]
    service = cluster.client.request("GET", f"/apis/serving.knative.dev/v1/namespaces/{project}/services/iris-1")
    assert service["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.local/models/iris:1.0"

    # What is written holds the rules of the pack that it brings; production asks for more than an example has.
    terminal.must("validate")
    terminal.must("policy", "test", "stacks/releases", "--stack", "dev")
    terminal.must("policy", "test", "stacks/releases", "--stack", "staging")
    production = terminal.run("policy", "test", "stacks/releases", "--stack", "prod", "--json").json()
    found = [violation for case in production["cases"] for violation in case["violations"]]
    broken = {violation["rule"] for violation in found if violation["level"] == "mandatory"}
    assert broken == {"image-pinned-by-digest", "service-account-not-default"}
    terminal.must("preview", "--stack", "dev", "--expect-no-changes", "--policy-pack", "policies")

    terminal.must("add", "version", "iris", "--image", "registry.local/models/iris:2.0", "--weight", "10")
    terminal.must("review", "--stack", "dev")
    terminal.must("up", "--stack", "dev", "--yes")
    route = cluster.client.request("GET", f"/apis/networking.istio.io/v1/namespaces/{project}/virtualservices/iris")
    assert '"weight": 10' in str(route).replace("'", '"')
    terminal.must("destroy", "--stack", "dev", "--yes")


@pytest.mark.pulumi_cli
@pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH")
def test_the_pulumi_cli_runs_a_program_that_names_no_virtual_environment_on_our_interpreter(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("import pulumi, caraml_pulumi\npulumi.export('answer', 42)\n")
    (tmp_path / "state").mkdir()
    pulumi = Path(str(shutil.which("pulumi"))).parent
    environment = {
        "PATH": f"{pulumi}:/usr/bin:/bin",  # no virtual environment of ours is active
        "HOME": str(tmp_path),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "CARAML_ENGINE": "pulumi",
    }
    terminal = Shell(tmp_path, environment)
    terminal.must("up", "--stack", "dev", "--yes", "--skip-preview")
    assert terminal.must("stack", "output", "--stack", "dev", "--json").json() == {"answer": 42}
