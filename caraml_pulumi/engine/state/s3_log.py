"""Bytes that are only added to, on S3, whose objects can only be written whole."""

import time
from threading import Condition, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from caraml_pulumi.engine.state.s3_bucket import S3Bucket

_LINGER_SECONDS: Final = 0.05
"""How long what was added waits for more before it is sent, while nobody waits for it."""


class S3Log:
    """Objects under a key, named by the time: each has what was added while the one before was written.

    A thread of its own sends what was added, whether anybody waits for it or not, so that the end of the process loses
    only what came last; many threads that flush share a request.
    """

    def __init__(self, bucket: "S3Bucket", key: str) -> None:
        self._bucket = bucket
        self._key = key
        self._changed = Condition()
        self._waiting: list[bytes] = []
        self._added = 0
        self._written = 0
        self._wanted = 0
        self._removed = 0
        self._last = 0
        self._writing = False
        self._failure: Exception | None = None

    def append(self, data: bytes) -> None:
        """Add to the end. Raises what an earlier write met: nothing may be written behind a gap."""
        with self._changed:
            if self._failure is not None:
                raise self._failure
            self._waiting.append(data)
            self._added += 1
            if not self._writing:
                self._writing = True
                Thread(target=self._write_all, name="state-journal", daemon=True).start()

    def flush(self) -> None:
        """Wait until what was added is in the bucket."""
        with self._changed:
            wanted = self._wanted = self._added
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._written >= wanted or self._failure is not None)
            if self._written < wanted and self._failure is not None:
                raise self._failure

    def exists(self) -> bool:
        """Whether there is any object, or one is under way."""
        with self._changed:
            if self._added > self._removed:
                return True
        return bool(self._bucket.list(self._key))

    def read(self) -> bytes:
        """What was added, in order."""
        self.flush()
        while True:
            found = self._bucket.get_all(self._bucket.list(self._key))
            if all(data is not None for data in found):  # else they are just being removed
                return b"".join(data for data in found if data is not None)

    def clear(self) -> None:
        """Remove the objects, the newest last, and what is not written yet."""
        with self._changed:
            self._waiting.clear()
            self._wanted = self._added
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._writing)
            self._written, self._removed, self._failure = self._added, self._added, None
        keys = self._bucket.list(self._key)
        self._bucket.delete(*keys[:-1])
        self._bucket.delete(*keys[-1:])

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted > self._written, _LINGER_SECONDS)
                if not self._waiting or self._failure is not None:
                    self._writing = False
                    self._changed.notify_all()
                    return
                data, added = b"".join(self._waiting), self._added
                self._waiting.clear()
                self._last = max(time.time_ns(), self._last + 1)
            failure: Exception | None = None
            try:
                self._bucket.put(f"{self._key}/{self._last}.jsonl", data)
            except Exception as error:  # noqa: BLE001 - those who wait for it raise it
                failure = error
            with self._changed:
                self._written, self._failure = (self._written, failure) if failure else (added, None)
                self._changed.notify_all()
