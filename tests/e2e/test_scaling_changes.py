"""A RAW_DEPLOYMENT whose autoscaler has set its replicas is stopped, started, and given a fixed number of them."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.autoscaled import READY_SECONDS, Objects, eventually
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform

pytestmark = pytest.mark.e2e

PROGRAM = """
from caraml_pulumi import AutoscalingPolicy, CustomModelVersion, ModelProject

CustomModelVersion(
    "iris-1",
    model="iris",
    version=1,
    project=ModelProject("{project}", team="data-science", stream="samples"),
    image="registry.local/caraml/iris:1",
    deployment_mode="RAW_DEPLOYMENT",
    {scaled},
)
"""
POLICY = "autoscaling_policy=AutoscalingPolicy.cpu(60), "
RANGE = POLICY + 'resource_request={"min_replica": 3, "max_replica": 3}'
RANGE_OF_TWO = POLICY + 'resource_request={"min_replica": 2, "max_replica": 2}'


@pytest.fixture
def platform(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    """A platform with a version whose autoscaler has taken it to three replicas."""
    platform = Platform(tmp_path, cluster.kubeconfig, f"scaling-{uuid.uuid4().hex[:8]}")
    deploy(platform, RANGE)
    eventually(lambda: replicas(cluster, platform) == 3, READY_SECONDS)
    yield platform
    platform.must("destroy", "--stack", "dev", "--yes")


def write(platform: Platform, scaled: str) -> None:
    program = PROGRAM.replace("{project}", platform.project).replace("{scaled}", scaled)
    (platform.directory / "stacks/__main__.py").write_text(program)


def deploy(platform: Platform, scaled: str) -> None:
    write(platform, scaled)
    platform.up()


def replicas(cluster: LocalCluster, platform: Platform) -> int:
    return Objects(cluster.client, platform.project).replicas("iris-1")


def test_a_version_is_stopped_and_started_although_its_autoscaler_owns_the_number_of_replicas(
    cluster: LocalCluster, platform: Platform
) -> None:
    assert platform.changes() == {}
    deploy(platform, f"stopped=True, {RANGE}")
    assert replicas(cluster, platform) == 0
    assert platform.changes() == {}
    deploy(platform, RANGE)
    eventually(lambda: replicas(cluster, platform) == 3, READY_SECONDS)
    assert platform.changes() == {}


def test_a_version_goes_from_an_autoscaler_to_a_fixed_number_and_back(
    cluster: LocalCluster, platform: Platform
) -> None:
    write(platform, "replicas=2")
    refused = platform.caraml("up", "--stack", "dev", "--yes")
    assert refused.code == 1
    assert "the autoscaler of 3 to 3 replicas could outlive the change to 2" in refused.text

    deploy(platform, RANGE_OF_TWO)
    eventually(lambda: replicas(cluster, platform) == 2, READY_SECONDS)
    deploy(platform, "replicas=2")
    assert Objects(cluster.client, platform.project).autoscalers() == []
    deploy(platform, "replicas=1")
    assert replicas(cluster, platform) == 1
    assert platform.changes() == {}

    deploy(platform, RANGE)
    eventually(lambda: replicas(cluster, platform) == 3, READY_SECONDS)
    assert platform.changes() == {}
