"""The mistakes of a tired engineer with versions and projects, and what is done about them on a real cluster."""

import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform
from tests.e2e.test_mistakes import nothing_applied, refused

pytestmark = pytest.mark.e2e

IMAGE = "registry.local/caraml/iris:1.0"
UNRESOLVABLE = "no-such-host.invalid/caraml/iris:1.0"
UP = ("up", "--stack", "dev", "--yes", "--skip-preview")


@pytest.fixture
def platform(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path, cluster.kubeconfig, f"team-{uuid.uuid4().hex[:8]}")
    yield platform
    cluster.leave(platform.project)


def configure(platform: Platform, old: str, new: str) -> None:
    """Change the stack's configuration, in which `old` must occur exactly once."""
    file = platform.directory / "stacks/Pulumi.dev.yaml"
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("secrets: {TOKEN: s3cr3t}", ["value of TOKEN in plain text", "iris.yaml:7", "secretRefs"]),
        ("secretRefs: {TOKEN: {name: a, keyy: b}}", ["unknown field `keyy`", "iris.yaml:7", "did you mean `key`?"]),
        ("env: {on: s3cr3t}", ["the key true must be a text", "iris.yaml:7", "quotes"]),
        ("transformer:\n      env: {A: b}", ["transformer image name is not specified", "iris.yaml:7"]),
    ],
    ids=["secret", "nested-key", "yaml-key", "transformer-without-image"],
)
def test_a_mistake_in_a_version_names_its_line(
    cluster: LocalCluster, platform: Platform, new: str, message: list[str]
) -> None:
    platform.edit(IMAGE, f"{IMAGE}\n    {new}")
    result = platform.caraml("up", "--stack", "dev", "--yes")
    assert result.code == 1
    for part in message:
        assert part in result.text, result.text
    assert "s3cr3t" not in result.text
    nothing_applied(cluster, platform)


def test_a_secret_of_a_project_in_plain_text_is_refused_and_shown_nowhere(
    cluster: LocalCluster, platform: Platform
) -> None:
    configure(platform, "      team: data-science", "      secrets: {a: {token: s3cr3t}}\n      team: data-science")
    result = refused(platform, "plain text", "Pulumi.dev.yaml:24", "config set --secret")
    assert "s3cr3t" not in result.text
    files = [path for path in (platform.directory / "backend").rglob("*") if path.is_file()]
    kept = [path.name for path in files if b"s3cr3t" in path.read_bytes() and not path.name.endswith("history.json")]
    assert kept == []
    nothing_applied(cluster, platform)


def test_an_image_that_cannot_be_resolved_says_so_and_is_mended_by_the_next_up(platform: Platform) -> None:
    configure(platform, "deploymentTimeoutSeconds: 300", "deploymentTimeoutSeconds: 4")
    platform.edit(IMAGE, UNRESOLVABLE)
    refused(platform, "not ready after 4 s", "ContainerMissing", "no-such-host", "deploymentTimeoutSeconds")
    platform.edit(UNRESOLVABLE, IMAGE)
    configure(platform, "deploymentTimeoutSeconds: 4", "deploymentTimeoutSeconds: 300")
    platform.must(*UP)
    assert platform.changes() == {}


@pytest.mark.parametrize(("signals", "then"), [(1, "destroy"), (2, "up")])
def test_a_wait_that_is_stopped_with_ctrl_c_is_taken_up_by_the_next_command(
    platform: Platform, signals: int, then: str
) -> None:
    platform.edit(IMAGE, UNRESOLVABLE)
    process = platform.start(*UP)
    journal = platform.directory / "backend/.pulumi/journals/caraml-platform/dev.jsonl"
    while process.poll() is None and not (journal.exists() and "serving.knative.dev" in journal.read_text()):
        time.sleep(0.01)
    time.sleep(0.5)
    for _ in range(signals):
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    platform.edit(UNRESOLVABLE, IMAGE)
    platform.must(then, "--stack", "dev", "--yes", "--skip-preview")
    if then == "destroy":
        assert platform.resources() == []
    else:
        assert platform.changes() == {}


def test_what_was_deleted_by_hand_is_made_again_after_a_refresh_though_versions_depend_on_it(
    cluster: LocalCluster, platform: Platform
) -> None:
    platform.must(*UP)
    quota = f"/api/v1/namespaces/{platform.project}/resourcequotas/project-quota"
    cluster.client.request("DELETE", quota)
    platform.must("refresh", "--stack", "dev", "--yes", "--skip-preview")
    assert platform.changes() == {"create": [f"kubernetes:core/v1:ResourceQuota::{platform.project}-project-quota"]}
    platform.must(*UP)
    assert cluster.client.request("GET", quota)["spec"]["hard"]["limits.cpu"] == "4"
