"""SHA-256 of files that were read before, so that an unchanged directory is not read again.

A file is taken for unchanged as long as its size, inode and both times are the same. One that was written so shortly
before that a later write could leave all of these as they are is not kept. The cache saves time and nothing else: where
it cannot be read or written, files are read again.
"""

import contextlib
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

_FORMAT: Final = 1
_FINE_NS: Final = 50_000_000
"""How far apart two writes are that a file system with fine time stamps tells apart; Linux ticks every 10 ms."""
_COARSE_NS: Final = 2_000_000_000
"""The same where time stamps are whole seconds (NFS, HFS+) or even ones (FAT)."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What identifies a file's content without reading it; times in nanoseconds."""

    size: int
    inode: int
    modified: int
    changed: int

    @staticmethod
    def of(stat: os.stat_result) -> "Stamp":
        """The stamp in what ``stat`` says."""
        return Stamp(stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns)

    def settled(self, now: int) -> bool:
        """Whether a write after `now` (nanoseconds of the epoch) would certainly change the stamp."""
        latest = max(self.modified, self.changed)
        return now - latest > (_FINE_NS if latest % 1_000_000_000 else _COARSE_NS)


class HashCache:
    """The digests of the files of one directory, kept from run to run in a file of the user's cache directory."""

    def __init__(self, root: Path, *, directory: Path | None = None) -> None:
        named = hashlib.sha256(os.fsencode(root)).hexdigest()[:32]
        self._file = (directory or cache_directory()) / f"{named}.json"
        self._known: dict[str, tuple[Stamp, str]] = _read(self._file)
        self._changed = False

    def get(self, path: str, stamp: Stamp) -> str | None:
        """The digest of the file at `path` if it is as it was when it was read."""
        known = self._known.get(path)
        return known[1] if known is not None and known[0] == stamp else None

    def put(self, path: str, stamp: Stamp, sha256: str, *, read_at: int) -> None:
        """Keep the digest of a file whose reading began at `read_at`, in nanoseconds of the epoch."""
        if stamp.settled(read_at):
            self._known[path] = (stamp, sha256)
            self._changed = True

    def save(self, paths: set[str]) -> None:
        """Write what is known of `paths`, and forget the others."""
        kept = {path: known for path, known in self._known.items() if path in paths}
        if not self._changed and len(kept) == len(self._known):
            return
        entries = {
            path: [stamp.size, stamp.inode, stamp.modified, stamp.changed, sha256]
            for path, (stamp, sha256) in kept.items()
        }
        temporary = self._file.with_name(f".{self._file.name}.{uuid4().hex}")
        with contextlib.suppress(OSError):  # only time is lost
            self._file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            temporary.write_text(json.dumps({"format": _FORMAT, "files": entries}))
            temporary.replace(self._file)
            self._changed = False


def now() -> int:
    """The time, in nanoseconds of the epoch."""
    return time.time_ns()


def cache_directory() -> Path:
    """``$XDG_CACHE_HOME/caraml/digests``, by default ``~/.cache/caraml/digests``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "caraml" / "digests"


def _read(file: Path) -> dict[str, tuple[Stamp, str]]:
    try:
        document = json.loads(file.read_text())
        if document["format"] != _FORMAT:
            return {}
        return {
            path: (Stamp(size, inode, modified, changed), str(sha256))
            for path, (size, inode, modified, changed, sha256) in document["files"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
