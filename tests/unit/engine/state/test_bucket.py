from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from caraml_pulumi.engine.state import s3_bucket
from caraml_pulumi.engine.state.bucket import Bucket, FileBucket
from tests.unit.engine.conftest import Opened


def test_what_is_put_is_got(bucket: Bucket) -> None:
    bucket.put("a/b", b"1")
    bucket.put("a/b", b"2")
    assert bucket.get("a/b") == b"2"
    assert bucket.get("a/c") is None
    assert bucket.get("a/b/c") is None


def test_only_one_of_several_writers_makes_a_file(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: FileBucket(tmp_path).put_if_absent("a", str(number).encode()), range(32)))
    assert made.count(True) == 1
    assert (tmp_path / "a").read_text() == str(made.index(True))


def test_a_file_that_is_there_is_not_overwritten(bucket: Bucket) -> None:
    assert bucket.put_if_absent("a", b"1")
    assert not bucket.put_if_absent("a", b"2")
    assert bucket.get("a") == b"1"
    bucket.delete("a")
    assert bucket.put_if_absent("a", b"3")


def test_keys_are_listed_sorted_under_a_directory_only(bucket: Bucket) -> None:
    for key in ("s/b/2", "s/b/1", "s/bb/3", "t"):
        bucket.put(key, b"")
    assert bucket.list("s/b") == ["s/b/1", "s/b/2"]
    assert bucket.list("nowhere") == []


def test_more_files_than_a_server_lists_at_one_time_are_listed_and_removed(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_bucket, "_PAGE", 10)
    keys = [f"s/{number:04}" for number in range(35)]
    for key in keys:
        bucket.put(key, b"")
    assert bucket.list("s") == keys
    bucket.delete(*keys)
    assert bucket.list("s") == []


def test_what_is_added_to_a_log_is_read_in_order_by_another_process(opened: Opened) -> None:
    log = opened().log("logs/a")
    assert not log.exists()
    for number in range(20):
        log.append(f"{number},".encode())
        if number % 5 == 0:
            log.flush()
    log.flush()
    other = opened().log("logs/a")
    assert other.exists()
    assert other.read().decode() == "".join(f"{number}," for number in range(20))
    other.clear()
    assert not opened().log("logs/a").exists()
    assert opened().log("logs/a").read() == b""


def test_a_log_begins_anew_after_it_was_removed(bucket: Bucket, opened: Opened) -> None:
    log = bucket.log("logs/a")
    log.append(b"old")
    log.clear()
    log.append(b"new")
    log.flush()
    assert opened().log("logs/a").read() == b"new"


def test_a_log_is_removed_with_what_is_just_being_written(bucket: Bucket, opened: Opened) -> None:
    log = bucket.log("logs/a")
    for number in range(50):
        log.append(str(number).encode())
    log.clear()
    assert not log.exists()
    assert not opened().log("logs/a").exists()


def test_no_temporary_file_stays_behind(tmp_path: Path) -> None:
    bucket = FileBucket(tmp_path)
    bucket.put("a", b"")
    bucket.put_if_absent("a", b"")
    bucket.put_if_absent("b", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    bucket = FileBucket(tmp_path)
    bucket.put("a", b"old")
    with pytest.raises(TypeError):
        bucket.put("a", "not bytes")  # type: ignore[arg-type]
    assert bucket.get("a") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_deleting_what_is_not_there_is_no_failure(bucket: Bucket) -> None:
    bucket.put("a", b"")
    bucket.delete("a")
    bucket.delete("a")
    assert bucket.get("a") is None
