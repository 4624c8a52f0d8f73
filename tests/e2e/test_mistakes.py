"""The mistakes of a tired engineer: each gets one clear message, and nothing is applied."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from caraml_pulumi.kube.errors import KubeError
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform, Result

pytestmark = pytest.mark.e2e


@pytest.fixture
def platform(cluster: LocalCluster, tmp_path: Path) -> Platform:
    return Platform(tmp_path, cluster.kubeconfig, f"team-{uuid.uuid4().hex[:8]}")


def refused(platform: Platform, *message: str) -> Result:
    """`caraml up` must fail with one error that has all of `message` in it."""
    result = platform.caraml("up", "--stack", "dev", "--policy-pack", "policies", "--yes")
    assert result.code != 0
    assert len(re.findall(r"^error: ", result.err, re.MULTILINE)) == 1, result.text
    # The messages of single resources are among the diagnostics of the display.
    for part in message:
        assert part in result.text, result.text
    return result


def nothing_applied(cluster: LocalCluster, platform: Platform) -> None:
    with pytest.raises(KubeError) as missing:
        cluster.client.request("GET", f"/api/v1/namespaces/{platform.project}")
    assert missing.value.not_found
    assert [
        item["urn"] for item in platform.resources() if item["custom"] and "pulumi:providers" not in item["urn"]
    ] == []


RELEASE_MISTAKES: list[tuple[str, str, list[str]]] = [
    ("    image: registry.local/caraml/iris:1.0", "    imagge: x", ["imagge", "image", "iris.yaml:6"]),
    ("target: 2", "target: two", ["two", "iris.yaml:10"]),
    ("version: 2\n    image", "version: second\n    image", ["second", "iris.yaml:11"]),
    ("model: iris", "model: Iris_Model", ["Iris_Model", "iris.yaml:2"]),
    ("cpuRequest: 200m", "cpuRequest: 200mm", ["200mm", "iris.yaml:20"]),
    ("weight: 90", "weight: 95", ["105", "100"]),
    ("weight: 10\n", "weight: -10\n", ["-10"]),
    ("iris:2.0", "not an image", ["not an image", "iris.yaml:12"]),
    ("deploymentMode: RAW_DEPLOYMENT", "deploymentMode: RAW", ["RAW", "RAW_DEPLOYMENT", "SERVERLESS"]),
    ("metric: cpu_utilization", "metric: concurrency", ["concurrency", "RAW_DEPLOYMENT"]),
    ("minReplica: 1", "minReplica: 9", ["9", "3"]),
    ("endpoint:", "endpoint: [", ["iris.yaml"]),
    ("project: iris-team", "project: nobody", ["nobody"]),
    ("    - version: 2\n      weight: 10", "    - version: 7\n      weight: 10", ["7"]),
]


@pytest.mark.parametrize(
    ("old", "new", "message"), RELEASE_MISTAKES, ids=[new.strip() for _, new, _ in RELEASE_MISTAKES]
)
def test_a_mistake_in_a_release_file_names_its_line(
    cluster: LocalCluster, platform: Platform, old: str, new: str, message: list[str]
) -> None:
    platform.edit(old.replace("iris-team", platform.project), new)
    refused(platform, *message)
    nothing_applied(cluster, platform)


def _break(path: str, text: str | None) -> Callable[[Platform], None]:
    def change(platform: Platform) -> None:
        file = platform.directory / path
        if text is None:
            file.unlink()
        else:
            file.write_text(text)

    return change


FILES: list[tuple[str, Callable[[Platform], None], list[str]]] = [
    ("no-project", _break("Pulumi.yaml", None), ["Pulumi.yaml"]),
    ("malformed-project", _break("Pulumi.yaml", "name: [x\nruntime: python\n"), ["Pulumi.yaml:"]),
    ("other-runtime", _break("Pulumi.yaml", "name: x\nruntime: nodejs\n"), ["nodejs"]),
    ("malformed-config", _break("stacks/Pulumi.dev.yaml", "config: {\n"), ["Pulumi.dev.yaml:"]),
    ("no-config", _break("stacks/Pulumi.dev.yaml", None), ["dev"]),
    ("no-program", _break("stacks/__main__.py", None), ["__main__.py"]),
    ("no-policies", _break("policies/PulumiPolicy.yaml", None), ["PulumiPolicy.yaml"]),
    ("broken-policies", _break("policies/__main__.py", "raise ValueError('broken pack')"), ["broken pack"]),
]


@pytest.mark.parametrize(("change", "message"), [item[1:] for item in FILES], ids=[item[0] for item in FILES])
def test_a_missing_or_malformed_file_is_named(
    cluster: LocalCluster, platform: Platform, change: Callable[[Platform], None], message: list[str]
) -> None:
    change(platform)
    refused(platform, *message)
    nothing_applied(cluster, platform)


def test_a_missing_passphrase_is_asked_for(cluster: LocalCluster, platform: Platform) -> None:
    platform.must("config", "set", "--stack", "dev", "--secret", "caraml:token", "s3cr3t")
    platform.passphrase = "wrong"
    refused(platform, "incorrect passphrase")
    platform.passphrase = None
    refused(platform, "PULUMI_CONFIG_PASSPHRASE")
    nothing_applied(cluster, platform)


def test_an_unreachable_cluster_is_named_and_a_preview_works_without_it(
    cluster: LocalCluster, platform: Platform
) -> None:
    kubeconfig = platform.directory / "kubeconfig"
    text = platform.kubeconfig.read_text()
    kubeconfig.write_text(re.sub(r"https://127\.0\.0\.1:\d+", "https://127.0.0.1:1", text))
    platform.kubeconfig = kubeconfig
    preview = platform.must("preview", "--stack", "dev")
    assert "127.0.0.1:1" in preview.text
    assert "21 to create" in preview.out
    refused(platform, "127.0.0.1:1")
    nothing_applied(cluster, platform)


def test_a_user_without_rights_is_told_which_are_missing(cluster: LocalCluster, platform: Platform) -> None:
    platform.kubeconfig = cluster.dev_kubeconfig
    refused(platform, "forbidden", "namespaces")
    nothing_applied(cluster, platform)


def test_a_field_that_another_manager_owns_is_a_conflict(cluster: LocalCluster, platform: Platform) -> None:
    platform.up()
    url = f"/apis/networking.istio.io/v1/namespaces/{platform.project}/virtualservices/iris"
    endpoint = cluster.client.request("GET", url)
    route = endpoint["spec"]["http"]
    route[0]["route"][0]["weight"], route[0]["route"][1]["weight"] = 50, 50
    cluster.client.request(
        "PATCH",
        url,
        body={"spec": {"http": route}},
        params={"fieldManager": "rollout-controller"},
        content_type="application/merge-patch+json",
    )
    platform.edit("weight: 90", "weight: 80")
    platform.edit("weight: 10\n", "weight: 20\n")
    refused(platform, "rollout-controller", "spec.http", "patchForce")
    after = cluster.client.request("GET", url)["spec"]["http"]
    assert [item["weight"] for item in after[0]["route"]] == [50, 50]
    platform.must("destroy", "--stack", "dev", "--yes")
