"""The keys and settings of a cluster's S3 server; the server itself is tested end to end."""

import stat
from pathlib import Path

import pytest

from caraml_pulumi.cluster import s3
from caraml_pulumi.cluster.parts import S3
from caraml_pulumi.cluster.state import Cluster, State
from caraml_pulumi.errors import CaramlError


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    one = Cluster.named("one", tmp_path)
    one.create_home()
    return one


def test_the_keys_are_readable_by_their_owner_only_and_on_no_command_line(cluster: Cluster) -> None:
    state = State(ports={}, tools={S3.name: S3.hash})
    s3.prepare(cluster, state)
    state.save(cluster)
    (keys,) = (cluster.home / "s3").glob("*.json")
    secret = s3.environment(cluster)["AWS_SECRET_ACCESS_KEY"]
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert secret in keys.read_text()
    assert secret not in " ".join(s3.server(cluster, state).arguments)


def test_the_server_keeps_its_port_and_keys_and_two_clusters_share_none(cluster: Cluster, tmp_path: Path) -> None:
    state = State(ports={}, tools={S3.name: S3.hash})
    s3.prepare(cluster, state)
    state.save(cluster)
    before = s3.environment(cluster)
    s3.prepare(cluster, state)
    assert s3.environment(cluster) == before

    other = Cluster.named("other", tmp_path)
    other.create_home()
    others = State(ports={}, tools={S3.name: S3.hash})
    s3.prepare(other, others)
    others.save(other)
    assert s3.environment(other)["AWS_SECRET_ACCESS_KEY"] != before["AWS_SECRET_ACCESS_KEY"]
    assert s3.environment(other)["AWS_ACCESS_KEY_ID"] != before["AWS_ACCESS_KEY_ID"]


def test_a_cluster_without_an_s3_server_says_how_to_get_one(cluster: Cluster) -> None:
    State(ports={}, tools={}).save(cluster)
    with pytest.raises(CaramlError) as error:
        s3.environment(cluster)
    assert "up" in error.value.fix
    assert error.value.fix.endswith("--with s3")
