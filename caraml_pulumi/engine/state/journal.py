"""The journal of an update: what was done since the checkpoint was written, so that a killed run loses nothing."""

import json
from threading import Lock
from typing import Any

from caraml_pulumi.engine.state.bucket import Bucket
from caraml_pulumi.engine.state.properties import compact_json
from caraml_pulumi.errors import CaramlError


class Journal:
    """A file of JSON lines to which records are only added. Records must not hold secrets in the clear."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket = bucket
        self._key = key
        self._lock = Lock()
        self._flushing = Lock()
        self._written = 0
        self._flushed = 0

    def append(self, record: dict[str, Any]) -> None:
        """Add `record`, from any thread; when this returns, the end of the process cannot lose it."""
        line = compact_json(record).encode() + b"\n"
        with self._lock:
            self._bucket.append(self._key, line)
            self._written += 1

    def flush(self) -> None:
        """Wait until no power failure can lose what was added; one write to the disk serves all threads that wait."""
        wanted = self._written
        with self._flushing:
            if self._flushed < wanted:
                written = self._written
                self._bucket.flush(self._key)
                self._flushed = written

    def read(self) -> list[dict[str, Any]]:
        """The records in order. A last line that was being written when the process ended is left out.

        Raises:
            CaramlError: another line is damaged.
        """
        lines = (self._bucket.get(self._key) or b"").split(b"\n")
        records: list[dict[str, Any]] = []
        for number, line in enumerate(lines[:-1], start=1):
            try:
                records.append(json.loads(line))
            except ValueError:
                raise CaramlError(
                    "the journal of an interrupted update is damaged",
                    where=f"{self._bucket.url}/{self._key}:{number}",
                    fix="move the file away, then run refresh to find out what the interrupted update did",
                ) from None
        return records

    def clear(self) -> None:
        """Remove the records: the checkpoint has them."""
        with self._lock:
            self._bucket.delete(self._key)

    def exists(self) -> bool:
        """Whether an update left records behind."""
        return bool(self._bucket.get(self._key))
