"""`caraml doctor` on a new repository: what is right, and each thing that may be wrong with its remedy."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import CARAML, Result

pytestmark = pytest.mark.e2e

Run = Callable[..., Result]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    directory = tmp_path / "shop"
    subprocess.run([CARAML, "init", directory, "--environments", "dev"], check=True, capture_output=True, timeout=60)
    return directory


@pytest.fixture
def doctor(repository: Path, cluster: LocalCluster, tmp_path: Path) -> Run:
    def run(*arguments: str, code: int = 0, **environment: str) -> Result:
        variables = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "KUBECONFIG": str(cluster.kubeconfig),
            "PULUMI_CONFIG_PASSPHRASE": "hunter2hunter2",
        }
        done = subprocess.run(
            [CARAML, "doctor", *arguments],
            cwd=repository,
            env=variables | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "hunter2" not in done.stdout + done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    return run


def by_matter(result: Result) -> dict[str, dict[str, Any]]:
    return {finding["matter"]: finding for finding in result.json()}


def test_all_is_well_and_nothing_is_changed(doctor: Run, repository: Path, tmp_path: Path) -> None:
    before = {path: path.read_text() for path in repository.rglob("*.*") if path.suffix != ".pyc"}
    text = doctor().out
    assert ": 0 failed, " in text.splitlines()[-1]
    assert "Kubernetes v1." in text
    assert {path: path.read_text() for path in repository.rglob("*.*") if path.suffix != ".pyc"} == before
    assert not (tmp_path / ".local").exists()
    found = by_matter(doctor("--json", "--stack", "dev"))
    assert {"Knative Serving for dev", "Istio for dev", "rights in dev", "policies of dev"} <= set(found)
    assert {one["level"] for one in found.values()} <= {"ok", "note", "warning"}


def test_somebody_without_rights_is_told_which_are_missing(doctor: Run, cluster: LocalCluster) -> None:
    found = by_matter(doctor("--json", KUBECONFIG=str(cluster.dev_kubeconfig), code=1))["rights in dev"]
    assert found["level"] == "failed"
    assert "you may not create namespaces, create services in iris-team" in found["text"]
    assert "Role" in found["fix"]


def test_a_server_that_does_not_answer_ends_no_other_check(doctor: Run, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        "{clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}], users: [{name: a, user: {}}],"
        " contexts: [{name: a, context: {cluster: a, user: a}}], current-context: a}"
    )
    found = by_matter(doctor("--json", "--timeout", "8", KUBECONFIG=str(kubeconfig), code=1))
    assert found["cluster of dev"]["level"] == "failed"
    assert found["policies of dev"]["level"] == "ok"


def test_files_secrets_and_state_that_are_wrong_are_told_with_their_remedy(
    doctor: Run, repository: Path, tmp_path: Path
) -> None:
    release = repository / "stacks/releases/dev/iris.yaml"
    release.write_text(release.read_text().replace("weight: 100", "weight: 90"))
    url = f"file://{tmp_path}/state"
    subprocess.run(
        [CARAML, "stack", "init", "dev"],
        cwd=repository,
        check=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "PULUMI_BACKEND_URL": url, "PULUMI_CONFIG_PASSPHRASE": "another"},
    )
    found = by_matter(doctor("--json", PULUMI_BACKEND_URL=url, code=1))
    assert "the weights sum to 90" in found["files of dev"]["text"]
    assert "iris.yaml" in found["files of dev"]["text"]
    assert "incorrect passphrase" in found["secrets of dev"]["text"]
    other = by_matter(doctor("--json", PULUMI_BACKEND_URL="s3://bucket-that-is-not-there?endpoint=127.0.0.1:1", code=1))
    assert [one for one in other.values() if one["level"] == "failed" and one["area"] == "the project"]


def test_outside_a_project_the_machine_is_checked(doctor: Run) -> None:
    found = by_matter(doctor("--json", "-C", "/", code=1))
    assert "there is no Pulumi project" in found["project"]["text"]
    assert found["Python"]["level"] == "ok"
