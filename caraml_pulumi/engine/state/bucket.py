"""Where a backend's files are. Keys are paths under its root, with ``/`` between the parts."""

import os
from pathlib import Path
from threading import Lock
from typing import Protocol
from uuid import uuid4

from caraml_pulumi.errors import CaramlError


class Log(Protocol):
    """Bytes that are only added to, from any thread. All raise `CaramlError` where the storage fails."""

    def append(self, data: bytes) -> None:
        """Add to the end, all of `data` or nothing; `flush` makes it last."""

    def flush(self) -> None:
        """Wait until neither the end of this process nor a power failure loses what was added."""

    def exists(self) -> bool:
        """Whether anything was added, by whichever process, since it was last removed."""

    def read(self) -> bytes:
        """What was added, by whichever process, since it was last removed."""

    def clear(self) -> None:
        """Remove it all, from the beginning to the end: a crash on the way leaves the end."""


class Bucket(Protocol):
    """The few operations on files that a backend needs. All raise `CaramlError` where the storage fails."""

    @property
    def url(self) -> str:
        """The root."""

    def place(self, key: str) -> str:
        """Where the file is, for messages."""

    def get(self, key: str) -> bytes | None:
        """The content, None if there is no such file."""

    def file(self, key: str) -> Path | None:
        """Where the file is on this machine, None if there is no such file here."""

    def put(self, key: str, data: bytes) -> None:
        """Write the whole file at once: a reader, or a crash, meets the old content or the new."""

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write the file unless it is there; says whether it was written."""

    def log(self, key: str) -> Log:
        """The log of that name: one in this process, whoever asks for it."""

    def list(self, prefix: str) -> list[str]:
        """The keys of the files under the directory `prefix`, at any depth, sorted."""

    def delete(self, *keys: str) -> None:
        """Remove those of the files that are there."""


class FileBucket:
    """A directory of this machine. It is made when first written to, readable by its owner only."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._logs: dict[str, FileLog] = {}
        self._lock = Lock()

    @property
    def url(self) -> str:
        """``file://`` and the absolute path."""
        return f"file://{self._root}"

    def place(self, key: str) -> str:
        """``file://`` and the path of the file."""
        return f"file://{self._root / key}"

    def get(self, key: str) -> bytes | None:
        """The content, None if there is no such file."""
        try:
            return (self._root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _failed("read", self._root / key, error) from error

    def file(self, key: str) -> Path | None:
        """Where the file is, None if there is no such file."""
        path = self._root / key
        return path if path.is_file() else None

    def put(self, key: str, data: bytes) -> None:
        """Write a temporary file beside it, flush it to the disk, and rename it."""
        path = self._root / key
        temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
        try:
            _make_parent(path)
            try:
                _write(temporary, data)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise _failed("write", self._root / key, error) from error

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write a temporary file and link it to its name, which only one of several writers can."""
        path = self._root / key
        temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
        try:
            _make_parent(path)
            try:
                _write(temporary, data)
                os.link(temporary, path)
            except FileExistsError:
                return False
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise _failed("write", self._root / key, error) from error
        return True

    def log(self, key: str) -> Log:
        """A file that is appended to."""
        with self._lock:
            return self._logs.setdefault(key, FileLog(self._root / key))

    def list(self, prefix: str) -> list[str]:
        """The keys of the files under the directory `prefix`, at any depth, sorted."""
        found = (self._root / prefix).rglob("*")
        return sorted(
            path.relative_to(self._root).as_posix()
            for path in found
            if path.is_file() and not path.name.endswith(".tmp")
        )

    def delete(self, *keys: str) -> None:
        """Remove those of the files that are there."""
        for key in keys:
            try:
                (self._root / key).unlink(missing_ok=True)
            except OSError as error:
                raise _failed("remove", self._root / key, error) from error


class FileLog:
    """A file that is appended to. The end of the process loses nothing of it, whether flushed or not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._adding = Lock()
        self._flushing = Lock()
        self._added = 0
        self._flushed = 0

    def append(self, data: bytes) -> None:
        """One write to a file opened for appending."""
        try:
            _make_parent(self._path)
            with self._adding:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    if not os.fstat(descriptor).st_size:
                        _sync(self._path.parent)  # its name
                    while data:
                        data = data[os.write(descriptor, data) :]
                finally:
                    os.close(descriptor)
                self._added += 1
        except OSError as error:
            raise _failed("write", self._path, error) from error

    def flush(self) -> None:
        """Write what the system holds of the file to the disk; one write serves all threads that wait."""
        wanted = self._added
        with self._flushing:
            if self._flushed >= wanted:
                return
            added = self._added
            self.sync()
            self._flushed = added

    def sync(self) -> None:
        """Write what the system holds of the file to the disk."""
        try:
            _sync(self._path)
        except OSError as error:
            raise _failed("write", self._path, error) from error

    def exists(self) -> bool:
        """Whether anything was added since it was last removed."""
        try:
            return self._path.stat().st_size > 0
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise _failed("read", self._path, error) from error

    def read(self) -> bytes:
        """What was added since it was last removed."""
        try:
            return self._path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return b""
        except OSError as error:
            raise _failed("read", self._path, error) from error

    def clear(self) -> None:
        """Remove the file."""
        try:
            with self._adding:
                self._path.unlink(missing_ok=True)
                self._flushed = self._added
        except OSError as error:
            raise _failed("remove", self._path, error) from error


def _make_parent(path: Path) -> None:
    if not path.parent.is_dir():
        os.makedirs(path.parent, mode=0o700, exist_ok=True)


def _write(path: Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failed(action: str, path: Path, error: OSError) -> CaramlError:
    return CaramlError(
        f"cannot {action} a file of the state backend: {error.strerror}",
        where=str(path),
        fix="check the disk's free space and the permissions, or choose another backend: PULUMI_BACKEND_URL",
    )
