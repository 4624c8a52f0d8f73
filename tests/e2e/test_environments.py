"""Environments of the sample platform: what they take over, by what they are judged, and where they may go."""

import uuid
from pathlib import Path

import pytest

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform

pytestmark = pytest.mark.e2e

RELEASE = """\
model: iris
project: {project}
versions:
  - version: 1
    image: registry.local/caraml/iris@sha256:{digest}
endpoint:
  traffic: [{{version: 1, weight: 100}}]
"""
PREVIEW = ("preview", "--stack", "prod", "--policy-pack", "policies")


@pytest.fixture
def platform(cluster: LocalCluster, tmp_path: Path) -> Platform:
    """The sample platform, whose production releases iris, deployed nowhere."""
    made = Platform(tmp_path, cluster.kubeconfig, f"environments-{uuid.uuid4().hex[:8]}")
    release = tmp_path / "stacks/releases/prod/iris.yaml"
    release.parent.mkdir()
    release.write_text(RELEASE.format(project=made.project, digest="a" * 64))
    made.variables["KUBECONFIG"] = str(cluster.kubeconfig)
    return made


def staging(platform: Platform, old: str, new: str) -> None:
    path = platform.directory / "stacks/Pulumi.staging.yaml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_policies_judge_by_what_an_environment_takes_over(platform: Platform) -> None:
    staging(platform, "  caraml:platform:\n", "  caraml:platform:\n    labelPrefix: models.example.com/\n")
    profile = platform.directory / "only.json"
    profile.write_text('{"all": "disabled", "labels-present": {"enforcementLevel": "mandatory", "labels": ["team"]}}')
    config = ("--policy-pack-config", str(profile))
    platform.must(*PREVIEW, *config)

    (platform.directory / "away").mkdir()
    moved = platform.directory / "stacks/Pulumi.staging.yaml"
    moved.rename(platform.directory / "away/Pulumi.staging.yaml")
    refused = platform.caraml(*PREVIEW, *config)
    assert refused.code != 0
    assert 'there is no environment "staging" to extend' in refused.text


def test_a_ceiling_that_is_taken_over_holds_and_its_file_is_named(platform: Platform) -> None:
    staging(platform, "  caraml:platform:\n", "  caraml:platform:\n    defaultQuota: {maxDeployments: 0}\n")
    refused = platform.caraml("preview", "--stack", "prod")
    assert refused.code == 1
    assert "Pulumi.staging.yaml:" in refused.text
    assert platform.caraml("validate").code == 1


def test_production_is_deployed_to_its_own_cluster_alone(platform: Platform) -> None:
    staging(platform, "  caraml:platform:\n", "  caraml:platform:\n    cluster: {context: gke-prod}\n")
    for command in ("preview", "up", "refresh", "destroy"):
        refused = platform.caraml(command, "--stack", "prod", *(["--yes"] if command != "preview" else []))
        assert refused.code == 1
        assert 'environment "prod" is deployed by the context "gke-prod" alone' in refused.text
        assert "Pulumi.staging.yaml:5" in refused.text
    assert platform.resources() == []


def test_another_default_mode_does_not_replace_what_runs(cluster: LocalCluster, platform: Platform) -> None:
    release = RELEASE.format(project=platform.project, digest="a" * 64)
    platform.release.write_text(release)
    platform.must("up", "--stack", "dev", "--yes")
    try:
        settings = platform.directory / "stacks/Pulumi.dev.yaml"
        mode = "  caraml:platform:\n    defaultDeploymentMode: RAW_DEPLOYMENT\n"
        settings.write_text(settings.read_text().replace("  caraml:platform:\n", mode))
        refused = platform.caraml("preview", "--stack", "dev")
        assert refused.code == 1
        assert "changing deployment type of a running model is not allowed" in refused.text

        platform.release.write_text(release.replace("version: 1\n", "version: 1\n    deploymentMode: SERVERLESS\n"))
        assert set(platform.changes()) == {"update"}
    finally:
        cluster.client.request("DELETE", f"/api/v1/namespaces/{platform.project}")


def test_versions_are_watched_without_an_endpoint_and_stay_so_with_one(
    cluster: LocalCluster, platform: Platform
) -> None:
    def rules() -> list[str]:
        path = f"/apis/monitoring.coreos.com/v1/namespaces/{platform.project}/prometheusrules"
        return [item["metadata"]["uid"] for item in cluster.client.request("GET", path)["items"]]

    release = RELEASE.format(project=platform.project, digest="a" * 64)
    alone, endpoint = release.split("endpoint:\n")
    try:
        platform.release.write_text(
            alone + "monitoring: {alerts: [{metric: latency, severity: critical, target: 300}]}\n"
        )
        platform.must("up", "--stack", "dev", "--yes")
        [watched] = rules()
        platform.release.write_text(f"{alone}endpoint:\n{endpoint}")
        platform.must("up", "--stack", "dev", "--yes")
        assert rules() == [watched]
        platform.release.write_text(alone + "monitoring: {}\n")
        platform.must("up", "--stack", "dev", "--yes")
        assert rules() == [watched]
    finally:
        cluster.client.request("DELETE", f"/api/v1/namespaces/{platform.project}")
