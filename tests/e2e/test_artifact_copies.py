"""Artifacts copied by digest from one bucket to another of the real S3 server, and between two endpoints."""

import os
from pathlib import Path

import pytest

from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.artifacts.copying import copy_tree
from caraml_pulumi.artifacts.directory import hashed_directory
from caraml_pulumi.artifacts.store import Store
from caraml_pulumi.artifacts.upload import Pushed, push
from caraml_pulumi.cluster import s3
from caraml_pulumi.cluster.state import Cluster
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.artifacts import Location
from tests.e2e.buckets import Requests, client, new_name

pytestmark = pytest.mark.e2e

LARGE = 17 << 20


@pytest.fixture
def stores(s3_server: str) -> tuple[Store, Store]:
    """The places of a model in two buckets."""
    names = new_name(), new_name()
    for name in names:
        client().create_bucket(Bucket=name)
    return Store(Endpoint(), Location(names[0], "team/iris")), Store(Endpoint(), Location(names[1], "iris"))


@pytest.fixture
def pushed(stores: tuple[Store, Store], tmp_path: Path) -> Pushed:
    """A model in the first bucket."""
    directory = tmp_path / "model"
    (directory / "deep").mkdir(parents=True)
    (directory / "large.bin").write_bytes(os.urandom(LARGE))
    for number in range(5):
        (directory / f"deep/{number}.bin").write_bytes(os.urandom(1000))
    (directory / "empty").touch()
    return push(hashed_directory(directory), stores[0])


def content(store: Store, digest: str) -> dict[str, bytes]:
    root = f"{store.place.prefix}/{digest}/"
    return {
        path: client().get_object(Bucket=store.bucket, Key=root + path)["Body"].read() for path in store.sizes(digest)
    }


def test_one_server_copies_by_itself_and_a_second_copy_does_nothing(
    stores: tuple[Store, Store], pushed: Pushed, shared: Cluster
) -> None:
    source, target = stores
    requests = Requests(s3.access_log(shared), target.bucket)
    done = copy_tree(source, target, pushed.digest)
    assert (done.uri, done.sent_bytes, done.files) == (target.place.child(pushed.digest).uri, 0, 7)
    assert content(target, pushed.digest) == content(source, pushed.digest)
    assert target.manifest(pushed.digest) == source.manifest(pushed.digest)
    counted = requests.counted()
    assert (counted["CopyObject"], counted["PutObject"]) == (7, 1)
    before = requests.counted()
    copy_tree(source, target, pushed.digest)
    assert requests.counted()["CopyObject"] == before["CopyObject"]


def test_between_two_endpoints_files_pass_through_and_an_interrupted_copy_goes_on(
    stores: tuple[Store, Store], pushed: Pushed, s3_server: str
) -> None:
    source, near = stores
    far = Store(Endpoint(url=s3_server), near.place)
    done = copy_tree(source, far, pushed.digest)
    assert (done.sent_files, done.sent_bytes) == (7, LARGE + 5000)
    assert content(far, pushed.digest) == content(source, pushed.digest)

    root = f"{far.place.prefix}/{pushed.digest}"
    for key in (f"{far.place.prefix}/.manifests/{pushed.digest}.json", f"{root}/deep/3.bin"):
        client().delete_object(Bucket=far.bucket, Key=key)
    again = copy_tree(source, far, pushed.digest)
    assert (again.sent_files, again.sent_bytes) == (1, 1000)
    assert content(far, pushed.digest) == content(source, pushed.digest)


def test_other_bytes_are_neither_overwritten_nor_taken_for_the_artifact(
    stores: tuple[Store, Store], pushed: Pushed
) -> None:
    source, target = stores
    key = f"{target.place.prefix}/{pushed.digest}/deep/1.bin"
    client().put_object(Bucket=target.bucket, Key=key, Body=b"x" * 1000)
    with pytest.raises(CaramlError, match=r"deep/1.bin has other bytes than the artifact"):
        copy_tree(source, target, pushed.digest)
    assert client().get_object(Bucket=target.bucket, Key=key)["Body"].read() == b"x" * 1000
    assert target.manifest(pushed.digest) is None


@pytest.mark.parametrize("endpoint", [Endpoint(), Endpoint(region="us-east-1")])
def test_a_source_that_is_damaged_or_not_whole_is_refused(
    stores: tuple[Store, Store], pushed: Pushed, endpoint: Endpoint
) -> None:
    source, target = stores[0], Store(endpoint, stores[1].place)
    root = f"{source.place.prefix}/{pushed.digest}"
    client().put_object(Bucket=source.bucket, Key=f"{root}/deep/1.bin", Body=b"x" * 1000)
    with pytest.raises(CaramlError, match=r"deep/1.bin has other bytes than its manifest says"):
        copy_tree(source, target, pushed.digest)
    assert target.manifest(pushed.digest) is None
    assert "deep/1.bin" not in target.sizes(pushed.digest)
    client().delete_object(Bucket=source.bucket, Key=f"{root}/deep/1.bin")
    with pytest.raises(CaramlError, match=r'lacks "deep/1.bin"'):
        copy_tree(source, target, pushed.digest)
    with pytest.raises(CaramlError, match="there is no complete artifact at s3://"):
        copy_tree(source, target, "0" * 64)
