"""Pulumi's self-managed backend: the files that hold stacks, their history, backups, locks and journals.

Under the root, in ``.pulumi``: ``meta.yaml``; ``stacks/PROJECT/STACK.json``, the checkpoint, and ``.bak``, the one
before; ``history/PROJECT/STACK/STACK-<ns>.history.json`` and ``.checkpoint.json``; ``backups/PROJECT/STACK/
STACK.<ns>.json``; ``locks/organization/PROJECT/STACK/*.json``. ``journals/PROJECT/STACK.jsonl`` is ours, and is gone
when an update has ended; on S3 it is a directory.
"""

import gzip
import json
import os
import shutil
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caraml_pulumi.engine.state.bucket import Bucket, FileBucket
from caraml_pulumi.engine.state.journal import Journal
from caraml_pulumi.engine.state.locks import Lock, find_locks, hold_lock
from caraml_pulumi.engine.state.login import logged_in
from caraml_pulumi.engine.state.names import StackName, check_name
from caraml_pulumi.engine.state.properties import compact_json
from caraml_pulumi.engine.state.snapshot import VERSION, new_manifest
from caraml_pulumi.engine.state.urls import without_credentials
from caraml_pulumi.errors import CaramlError

BACKEND_URL: Final = "PULUMI_BACKEND_URL"

_ROOT: Final = ".pulumi"
_META: Final = f"{_ROOT}/meta.yaml"
_SUFFIXES: Final = (".json", ".json.gz")
_READERS: Final = 16
"""How many entries of a history are read at one time: a bucket may be far away."""


def open_backend(url: str | None = None) -> "Backend":
    """The backend at `url`; None takes PULUMI_BACKEND_URL, else that of ``pulumi login``, else a user's directory.

    ``file://`` takes an absolute path, ``~`` (the home directory) or ``.`` (the current one), and paths under these.
    ``s3://`` takes a bucket, a directory in it, and the settings of `caraml_pulumi.engine.state.s3_url.parse_s3_url`.
    Of any other kind it is what the Pulumi CLI tells, and cannot be written to (`cli_bucket`).
    The default is ``$XDG_DATA_HOME/caraml/state``, or ``~/.local/share/caraml/state``.

    Raises:
        CaramlError: the backend is of another kind and there is no Pulumi CLI, or its URL cannot be read.
    """
    named = url or os.environ.get(BACKEND_URL)
    url = named or logged_in()
    if not url:
        data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
        return Backend(FileBucket(Path(data) / "caraml" / "state"))
    scheme, separator, path = url.partition("://")
    if scheme == "s3" and separator:
        from caraml_pulumi.engine.state.s3_bucket import S3Bucket
        from caraml_pulumi.engine.state.s3_url import parse_s3_url

        return Backend(S3Bucket(parse_s3_url(url)))
    if scheme != "file" and separator and shutil.which("pulumi"):
        from caraml_pulumi.engine.state.cli_bucket import CliBucket

        return Backend(CliBucket(url))
    if scheme != "file" or not separator:
        raise CaramlError(
            f"the backend {scheme + separator if separator else url!r} is of a kind that only the Pulumi CLI reaches",
            where=BACKEND_URL if named else "what pulumi login chose",
            allowed="file:///DIRECTORY, file://~, file://., s3://BUCKET/DIRECTORY",
            fix=f"choose one of these with {BACKEND_URL}, or install the Pulumi CLI",
        )
    path = path.partition("?")[0]
    return Backend(FileBucket(Path(os.path.abspath(os.path.expanduser(path or "/")))))


@dataclass(frozen=True, slots=True)
class RecordedUpdate:
    """An update in a stack's history; its parts are read when they are asked for."""

    version: int
    """Its number, counted from 1, the oldest."""
    entry: Callable[[], dict[str, Any]]
    """What `caraml_pulumi.engine.state.history.history_entry` recorded. Raises `CaramlError` if it is damaged."""
    checkpoint: Callable[[], bytes | None]
    """The text of the checkpoint that it led to, None if there is none. Raises `CaramlError` if it is damaged."""


class Backend:
    """The stacks of a backend. Documents go in and out as JSON data; `snapshot` knows what they mean.

    `note` is told what the user should know and is no failure; the default prints it to the standard error.
    """

    def __init__(self, bucket: Bucket, note: Callable[[str], None] = lambda text: print(text, file=sys.stderr)) -> None:
        self._bucket = bucket
        self._note = note
        self._checked = False
        self._has_meta = False

    @property
    def url(self) -> str:
        """Where it is, as PULUMI_BACKEND_URL takes it."""
        return self._bucket.url

    @property
    def shown_url(self) -> str:
        """`url` without the user and password that it may hold, for messages."""
        return without_credentials(self.url)

    def load(self, project: str, stack: str) -> dict[str, Any] | None:
        """The checkpoint document of a stack, None if there is no such stack.

        Raises:
            CaramlError: the file is not JSON, or the backend has the old layout.
        """
        key, data = self._stack_file(project, stack)
        return None if data is None else self._parsed(key, data)

    @contextmanager
    def checkpoint_file(self, project: str, stack: str) -> Iterator[Path | None]:
        """A file of this machine with the checkpoint of a stack, None if there is no such stack. Raises as `load` does.

        Where the backend is on this machine it is the backend's own, elsewhere a copy that only its owner can read,
        which is removed at the end.
        """
        key, data = self._stack_file(project, stack)
        if data is None or (own := self._bucket.file(key)) is not None:
            yield None if data is None else own
            return
        with tempfile.NamedTemporaryFile(prefix="caraml-", suffix=Path(key).suffix) as copy:
            copy.write(data)
            copy.flush()
            yield Path(copy.name)

    def save(self, project: str, stack: str, document: dict[str, Any]) -> None:
        """Write the checkpoint of a stack; the one before stays as ``.bak``."""
        key, previous = self._stack_file(project, stack)
        self._write_meta()
        if previous is not None:
            self._bucket.put(f"{key}.bak", previous)
        self._bucket.put(key, _packed(key, document))

    def list_stacks(self, project: str | None = None) -> list[StackName]:
        """The stacks, of one project or of all, in order of their names."""
        self._check_layout()
        directory = f"{_ROOT}/stacks/"
        names = set()
        for key in self._bucket.list(directory + (check_name("project", project) if project else "")):
            parts = key.removeprefix(directory).split("/")
            suffix = next((suffix for suffix in _SUFFIXES if key.endswith(suffix)), "")
            if len(parts) == 2 and suffix:
                names.add(StackName(parts[0], parts[1].removesuffix(suffix)))
        return sorted(names, key=str)

    def create(self, project: str, stack: str) -> None:
        """Make a stack that holds nothing yet.

        Raises:
            CaramlError: it is there already, or its name cannot be one.
        """
        name = StackName(check_name("project", project), check_name("stack", stack))
        if self.load(project, stack) is not None:
            raise CaramlError(f"the stack {name} exists already", where=self.shown_url)
        latest = {"manifest": new_manifest(), "metadata": {}}
        self.save(project, stack, {"version": VERSION, "checkpoint": {"stack": str(name), "latest": latest}})

    def remove(self, project: str, stack: str) -> None:
        """Remove a stack and its history; its last checkpoint stays as ``.bak``, its backups stay too."""
        key, previous = self._stack_file(project, stack)
        if previous is not None:
            self._bucket.put(f"{key}.bak", previous)
            self._bucket.delete(key)
        self._bucket.delete(*self._bucket.list(self._history_directory(project, stack)))
        self.journal(project, stack).clear()

    def backup(self, project: str, stack: str) -> None:
        """Copy the checkpoint aside, as is done before an update begins."""
        key, data = self._stack_file(project, stack)
        if data is not None:
            suffix = next(suffix for suffix in reversed(_SUFFIXES) if key.endswith(suffix))
            self._bucket.put(f"{_ROOT}/backups/{project}/{stack}/{stack}.{time.time_ns()}{suffix}", data)

    def add_history(self, project: str, stack: str, entry: dict[str, Any], checkpoint: dict[str, Any]) -> None:
        """Record an update that ended, with the checkpoint it led to."""
        base = f"{self._history_directory(project, stack)}/{stack}-{time.time_ns()}"
        self._write_meta()
        self._bucket.put(f"{base}.checkpoint.json", compact_json(checkpoint).encode())
        self._bucket.put(f"{base}.history.json", json.dumps(entry, ensure_ascii=False, indent=4).encode())

    def last_recorded(self, project: str, stack: str) -> dict[str, Any] | None:
        """The checkpoint document that the newest recorded update led to, None if there is none.

        It is behind `load` where an update was killed after it had saved the checkpoint.
        """
        self._check_layout()
        keys = [key for key in self._bucket.list(self._history_directory(project, stack)) if ".checkpoint.json" in key]
        newest = max((key for key in keys if not key.endswith(".attrs")), key=_nanoseconds, default=None)
        return None if newest is None else self._parsed(newest, self._bucket.get(newest) or b"")

    def history(self, project: str, stack: str, limit: int | None = None) -> list[dict[str, Any]]:
        """The recorded updates, the newest first, at most `limit`; ``version`` counts them from 1, the oldest."""
        updates = self.recorded_updates(project, stack)[:limit]
        with ThreadPoolExecutor(_READERS) as pool:
            entries = list(pool.map(lambda update: update.entry(), updates))
        return [entry | {"version": update.version} for entry, update in zip(entries, updates, strict=True)]

    def recorded(self, project: str, stack: str, version: int) -> dict[str, Any] | None:
        """The checkpoint document that the update `version` of `history` led to, None if there is none."""
        found = next((update for update in self.recorded_updates(project, stack) if update.version == version), None)
        text = found.checkpoint() if found else None
        where = f"{self._history_directory(project, stack)} (update {version})"
        return None if text is None else self._parsed(where, text)

    def recorded_updates(self, project: str, stack: str) -> list[RecordedUpdate]:
        """The recorded updates, the newest first, to be read as far as is needed."""
        self._check_layout()
        keys = set(self._bucket.list(self._history_directory(project, stack)))
        entries = (key for key in keys if ".history.json" in key and not key.endswith(".attrs"))
        numbered = enumerate(sorted(entries, key=_nanoseconds), start=1)
        return [self._recorded_update(number, key, keys) for number, key in numbered][::-1]

    def _recorded_update(self, number: int, entry: str, keys: set[str]) -> RecordedUpdate:
        base = entry.partition(".history.json")[0]
        checkpoint = next((key for suffix in _SUFFIXES if (key := f"{base}.checkpoint{suffix}") in keys), None)
        return RecordedUpdate(
            number,
            lambda: self._parsed(entry, self._bucket.get(entry) or b""),
            lambda: None if checkpoint is None else self._unpacked(checkpoint, self._bucket.get(checkpoint) or b""),
        )

    def lock(self, project: str, stack: str, command: str) -> AbstractContextManager[Callable[[], bool]]:
        """Hold the stack's lock while `command`, which others are told, runs.

        What is given says whether it is still held: somebody may have removed it.

        Raises:
            CaramlError: another run holds it; exit code `caraml_pulumi.errors.LOCKED`.
        """
        name = StackName(check_name("project", project), check_name("stack", stack))
        self._check_layout()
        return hold_lock(self._bucket, f"{_ROOT}/locks/{name}", name, command, self._note)

    def locks(self, project: str, stack: str) -> list[Lock]:
        """The locks on a stack, ours and those of the Pulumi CLI."""
        name = StackName(check_name("project", project), check_name("stack", stack))
        self._check_layout()
        return find_locks(self._bucket, f"{_ROOT}/locks/{name}")

    def unlock(self, locks: Iterable[Lock]) -> None:
        """Remove locks, whoever holds them."""
        self._bucket.delete(*(lock.key for lock in locks))

    def journal(self, project: str, stack: str) -> Journal:
        """The journal of a stack."""
        name = StackName(check_name("project", project), check_name("stack", stack))
        key = f"{_ROOT}/journals/{name.project}/{name.stack}.jsonl"
        return Journal(self._bucket.log(key), self._bucket.place(key))

    def _stack_file(self, project: str, stack: str) -> tuple[str, bytes | None]:
        """The key of the checkpoint, and what is there."""
        self._check_layout()
        base = f"{_ROOT}/stacks/{check_name('project', project)}/{check_name('stack', stack)}"
        plain, packed = (f"{base}{suffix}" for suffix in _SUFFIXES)
        if (data := self._bucket.get(plain)) is not None:
            return plain, data
        others = self._bucket.list(f"{_ROOT}/stacks/{project}")
        if packed in others:
            return packed, self._bucket.get(packed)
        if f"{base}.json.zst" in others:
            raise CaramlError(
                "the state of the stack is compressed with Zstandard, which only the Pulumi CLI reads",
                where=self._bucket.place(f"{base}.json.zst"),
                fix="run 'pulumi refresh' without PULUMI_DIY_BACKEND_ZSTD, which writes it as plain JSON",
            )
        return plain, None

    @staticmethod
    def _history_directory(project: str, stack: str) -> str:
        return f"{_ROOT}/history/{check_name('project', project)}/{check_name('stack', stack)}"

    def _check_layout(self) -> None:
        """Refuse the layout without projects, in which stacks were files directly under ``stacks``."""
        if self._checked:
            return
        meta = self._bucket.get(_META)
        old = meta is None and any(
            key.endswith(_SUFFIXES) and key.count("/") == 2 for key in self._bucket.list(f"{_ROOT}/stacks")
        )
        version = _meta_version(meta) if meta is not None else "0" if old else "1"
        if version != "1":
            raise CaramlError(
                f"the backend has version {version} of Pulumi's layout",
                where=self._bucket.place(_META),
                allowed="1: stacks within projects",
                fix="run 'pulumi state upgrade' with the Pulumi CLI",
            )
        self._checked, self._has_meta = True, meta is not None

    def _write_meta(self) -> None:
        self._check_layout()
        if not self._has_meta:
            self._bucket.put(_META, b"version: 1\n")
            self._has_meta = True

    def _parsed(self, key: str, data: bytes) -> dict[str, Any]:
        text = self._unpacked(key, data)
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise self._damaged(key)
        return document

    def _unpacked(self, key: str, data: bytes) -> bytes:
        try:
            return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        except (ValueError, OSError, EOFError, zlib.error):
            raise self._damaged(key) from None

    def _damaged(self, key: str) -> CaramlError:
        return CaramlError(
            "a file of the state backend is damaged: it is not a JSON object",
            where=self._bucket.place(key),
            fix=f"put the copy {Path(key).name}.bak in its place",
        )


def _packed(key: str, document: dict[str, Any]) -> bytes:
    data = compact_json(document).encode()
    return gzip.compress(data) if key.endswith(".gz") else data


def _nanoseconds(key: str) -> int:
    digits = key.rpartition("-")[2].partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def _meta_version(meta: bytes) -> str:
    import yaml

    try:
        document = yaml.safe_load(meta)
    except yaml.YAMLError:
        return "unknown"
    return str(document.get("version", "unknown")) if isinstance(document, dict) else "unknown"
