"""`caraml up --all`: the sample platform and a second project beside it, on the real servers."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from caraml_pulumi.errors import FAILED
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform

pytestmark = pytest.mark.e2e

REPORTS = """
import pulumi

platform = pulumi.StackReference("organization/caraml-platform/dev")
pulumi.export("iris", platform.get_output("{project}/iris").apply(lambda iris: (iris or {{}}).get("url")))
"""
DEV = ("--all", "--env", "dev")


@pytest.fixture
def platform(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    made = Platform(tmp_path, cluster.kubeconfig, f"several-{uuid.uuid4().hex[:8]}")
    yield made
    cluster.leave(made.project)


def test_the_stacks_of_an_environment_are_deployed_looked_at_and_destroyed_together(platform: Platform) -> None:
    platform.must("stack", "init", "dev")
    reports = platform.directory / "reports"
    reports.mkdir()
    (reports / "Pulumi.yaml").write_text("name: reports\nruntime: python\n")
    (reports / "Pulumi.dev.yaml").write_text("config: {}\n")
    (reports / "__main__.py").write_text(REPORTS.format(project=platform.project))

    up = platform.must("up", *DEV, "--yes", "--parallel", "2")
    assert f"iris: http://iris.{platform.project}.dev.example.test/v1/predict" in up.out
    assert "Stacks:    2 done" in up.out
    ended = up.out[up.out.index("Updating 2 stacks") :]
    assert ended.index("✓  caraml-platform/dev") < ended.index("reports/dev  updating")

    status = platform.must("status", *DEV)
    assert "caraml-platform/dev:" in status.out
    assert "serving" in status.out
    assert [one["stack"] for one in platform.must("status", "iris", *DEV, "--json").json()] == ["caraml-platform/dev"]
    none = platform.caraml("status", "fraud", *DEV)
    assert none.code == FAILED
    assert 'deploys "fraud"' in none.err

    platform.must("destroy", *DEV, "--yes")
    left = {
        stack["project"]: stack["resourceCount"] for stack in platform.must("stack", "ls", "--all", "--json").json()
    }
    assert left == {"caraml-platform": 0, "reports": 0}
