"""Where a backend's files are. Keys are paths under its root, with ``/`` between the parts."""

import os
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from caraml_pulumi.errors import CaramlError


class Bucket(Protocol):
    """The few operations on files that a backend needs. All raise `CaramlError` where the storage fails."""

    @property
    def url(self) -> str:
        """The root."""

    def get(self, key: str) -> bytes | None:
        """The content, None if there is no such file."""

    def file(self, key: str) -> Path | None:
        """Where the file is on this machine, None if there is no such file here."""

    def put(self, key: str, data: bytes) -> None:
        """Write the whole file at once: a reader, or a crash, meets the old content or the new."""

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write the file unless it is there; says whether it was written."""

    def append(self, key: str, data: bytes) -> None:
        """Add to the end of the file, in one piece, so that the end of this process does not lose it."""

    def flush(self, key: str) -> None:
        """Wait until a power failure does not lose what was added to the file either."""

    def list(self, prefix: str) -> list[str]:
        """The keys of the files under the directory `prefix`, at any depth, sorted."""

    def delete(self, key: str) -> None:
        """Remove the file, if it is there."""


class FileBucket:
    """A directory of this machine. It is made when first written to, readable by its owner only."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def url(self) -> str:
        """``file://`` and the absolute path."""
        return f"file://{self._root}"

    def get(self, key: str) -> bytes | None:
        """The content, None if there is no such file."""
        try:
            return (self._root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._failed("read", key, error) from error

    def file(self, key: str) -> Path | None:
        """Where the file is, None if there is no such file."""
        path = self._root / key
        return path if path.is_file() else None

    def put(self, key: str, data: bytes) -> None:
        """Write a temporary file beside it, flush it to the disk, and rename it."""
        path = self._root / key
        temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
        try:
            self._parent(path)
            try:
                self._write(temporary, data)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise self._failed("write", key, error) from error

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write a temporary file and link it to its name, which only one of several writers can."""
        path = self._root / key
        temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
        try:
            self._parent(path)
            try:
                self._write(temporary, data)
                os.link(temporary, path)
            except FileExistsError:
                return False
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise self._failed("write", key, error) from error
        return True

    def append(self, key: str, data: bytes) -> None:
        """One write to a file opened for appending."""
        path = self._root / key
        try:
            self._parent(path)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if not os.fstat(descriptor).st_size:
                    self._sync(path.parent)  # its name
                while data:
                    data = data[os.write(descriptor, data) :]
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._failed("write", key, error) from error

    def flush(self, key: str) -> None:
        """Write what the system holds of the file to the disk."""
        try:
            self._sync(self._root / key)
        except OSError as error:
            raise self._failed("write", key, error) from error

    def list(self, prefix: str) -> list[str]:
        """The keys of the files under the directory `prefix`, at any depth, sorted."""
        found = (self._root / prefix).rglob("*")
        return sorted(
            path.relative_to(self._root).as_posix()
            for path in found
            if path.is_file() and not path.name.endswith(".tmp")
        )

    def delete(self, key: str) -> None:
        """Remove the file, if it is there."""
        try:
            (self._root / key).unlink(missing_ok=True)
        except OSError as error:
            raise self._failed("remove", key, error) from error

    @staticmethod
    def _parent(path: Path) -> None:
        if not path.parent.is_dir():
            os.makedirs(path.parent, mode=0o700, exist_ok=True)

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def _sync(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _failed(self, action: str, key: str, error: OSError) -> CaramlError:
        return CaramlError(
            f"cannot {action} a file of the state backend: {error.strerror}",
            where=str(self._root / key),
            fix="check the disk's free space and the permissions, or choose another backend: PULUMI_BACKEND_URL",
        )
