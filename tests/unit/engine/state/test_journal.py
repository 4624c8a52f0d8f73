import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.engine.state.bucket import Bucket, FileLog
from caraml_pulumi.engine.state.journal import Journal
from caraml_pulumi.errors import CaramlError


@pytest.fixture
def journal(bucket: Bucket) -> Journal:
    return Journal(bucket.log("journals/shop/dev.jsonl"), bucket.place("journals/shop/dev.jsonl"))


def test_records_are_read_in_order_until_they_are_cleared(journal: Journal) -> None:
    assert not journal.exists()
    journal.append({"do": "begin", "text": "two\nlines"})
    journal.append({"do": "end"})
    assert journal.exists()
    assert journal.read() == [{"do": "begin", "text": "two\nlines"}, {"do": "end"}]
    journal.clear()
    assert not journal.exists()
    assert journal.read() == []


def test_threads_do_not_mix_their_records(journal: Journal) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: journal.append({"number": number, "pad": "x" * 5000}), range(200)))
    assert sorted(record["number"] for record in journal.read()) == list(range(200))


class _SlowDisk(FileLog):
    """A log that takes its time to write to the disk, and remembers what was on it by then."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.written: list[bytes] = []

    def sync(self) -> None:
        held = self.read()
        super().sync()
        time.sleep(0.02)
        self.written.append(held)


def test_what_was_flushed_is_on_the_disk_and_threads_share_the_writes(tmp_path: Path) -> None:
    disk = _SlowDisk(tmp_path / "x.jsonl")
    journal = Journal(disk, "x.jsonl")

    def record(number: int) -> bool:
        journal.append({"number": number})
        journal.flush()
        return f'"number":{number}}}'.encode() in disk.written[-1]

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(record, range(100)))
    assert 2 <= len(disk.written) <= 50
    journal.flush()
    assert len(disk.written) <= 50


class _Kept(FileLog):
    """A log that holds what it is told."""

    def __init__(self, data: bytes) -> None:
        super().__init__(Path("nowhere"))
        self.data = data

    def read(self) -> bytes:
        return self.data


@given(st.integers(0, 60))
def test_a_write_cut_short_anywhere_loses_only_its_own_record(cut: int) -> None:
    data = b'{"number":1}\n{"number":2}\n{"number":3}\n'[:cut]
    read = Journal(_Kept(data), "x").read()
    assert read == [{"number": number} for number in range(1, data.count(b"\n") + 1)]


def test_a_damaged_line_in_the_middle_is_refused_with_its_number(bucket: Bucket, journal: Journal) -> None:
    journal.append({"number": 1})
    bucket.log("journals/shop/dev.jsonl").append(b'{"num\n{"number":3}\n')
    journal.flush()
    with pytest.raises(CaramlError, match="damaged") as caught:
        journal.read()
    assert caught.value.where.endswith("journals/shop/dev.jsonl:2")


def _checkpoint(time: str) -> dict[str, Any]:
    return {"version": 3, "checkpoint": {"latest": {"manifest": {"time": time}}}}


def test_what_a_checkpoint_was_saved_with_is_not_replayed_over_it(journal: Journal) -> None:
    journal.append({"number": 1})
    journal.close(_checkpoint("new"))
    assert journal.read(_checkpoint("new")) == []
    assert journal.read(_checkpoint("old")) == [{"number": 1}]
    journal.append({"number": 2})
    journal.flush()
    assert journal.read(_checkpoint("new")) == [{"number": 2}]


def test_a_journal_without_records_is_not_closed(journal: Journal) -> None:
    journal.close(_checkpoint("new"))
    assert not journal.exists()
