from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from caraml_pulumi.engine.state.bucket import FileBucket


@pytest.fixture
def bucket(tmp_path: Path) -> FileBucket:
    return FileBucket(tmp_path)


def test_what_is_put_is_got(bucket: FileBucket) -> None:
    bucket.put("a/b", b"1")
    bucket.put("a/b", b"2")
    assert bucket.get("a/b") == b"2"
    assert bucket.get("a/c") is None
    assert bucket.get("a/b/c") is None


def test_only_one_of_several_writers_makes_a_file(bucket: FileBucket) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: bucket.put_if_absent("a", str(number).encode()), range(32)))
    assert made.count(True) == 1
    assert bucket.get("a") == str(made.index(True)).encode()


def test_keys_are_listed_sorted_under_a_directory_only(bucket: FileBucket) -> None:
    for key in ("s/b/2", "s/b/1", "s/bb/3", "t"):
        bucket.put(key, b"")
    assert bucket.list("s/b") == ["s/b/1", "s/b/2"]
    assert bucket.list("nowhere") == []


def test_no_temporary_file_stays_behind(bucket: FileBucket, tmp_path: Path) -> None:
    bucket.put("a", b"")
    bucket.put_if_absent("a", b"")
    bucket.put_if_absent("b", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_failed_write_leaves_the_old_content(bucket: FileBucket, tmp_path: Path) -> None:
    bucket.put("a", b"old")
    with pytest.raises(TypeError):
        bucket.put("a", "not bytes")  # type: ignore[arg-type]
    assert bucket.get("a") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_deleting_what_is_not_there_is_no_failure(bucket: FileBucket) -> None:
    bucket.put("a", b"")
    bucket.delete("a")
    bucket.delete("a")
    assert bucket.get("a") is None
