"""A directory of model files on this machine: found, checked and hashed.

Every regular file belongs to the model, except what `.caramlignore` at its root leaves out. Links are followed, and
what they lead to is uploaded in their place. Empty directories, owners and permissions are not kept: S3 has none.
"""

import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Final

from caraml_pulumi.artifacts.hash_cache import HashCache, Stamp, now
from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.model.tree import IGNORE_FILE, File, Ignore, Tree, path_problem

_SHOWN: Final = 10
"""How many of the files that cannot be uploaded are named."""
_READERS: Final = min(8, os.cpu_count() or 1)

Hashed = Callable[[int, int], None]
"""Told how many bytes of how many have been hashed."""


@dataclass(frozen=True)
class Found:
    """A file that belongs to the model; `stamp` is what it was when it was found."""

    path: str
    stamp: Stamp


@dataclass(frozen=True)
class Directory:
    """A hashed directory: its tree, and the stamp of each file by its path in the tree."""

    root: Path
    tree: Tree
    stamps: dict[str, Stamp]

    def open(self, file: File) -> int:
        """A descriptor to read `file` with. Raises `CaramlError` if it is not the file that was hashed."""
        try:
            descriptor = os.open(self.root / file.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise changed(file.path, error.strerror or "it cannot be read") from error
        try:
            self.check(file, descriptor)
        except CaramlError:
            os.close(descriptor)
            raise
        return descriptor

    def check(self, file: File, descriptor: int) -> None:
        """Raises `CaramlError` if the open `file` has been changed since it was hashed."""
        if Stamp.of(os.fstat(descriptor)) != self.stamps[file.path]:
            raise changed(file.path, "another program writes to it")


def changed(path: str, how: str) -> CaramlError:
    """The error of a file that is not what it was when its digest was taken."""
    return CaramlError(
        f'"{path}" changed while the model was being uploaded: {how}',
        fix="run it again when nothing writes to the model's directory; what was sent is not sent again",
    )


def hashed_directory(root: Path, *, on_hashed: Hashed = lambda done, total: None) -> Directory:
    """The files of `root` with their digests; those that were hashed before and have not changed are not read.

    Raises:
        CaramlError: there is no such directory, it holds no files, or a file changed while it was read.
        CaramlErrors: files that cannot be read or uploaded, all of them.
    """
    files = find(root)
    cache = HashCache(root.resolve())
    digests = {file.path: cache.get(file.path, file.stamp) for file in files}
    unread = [file for file in files if digests[file.path] is None]
    total = sum(file.stamp.size for file in unread)
    done = 0
    try:
        with ThreadPoolExecutor(_READERS, "hash") as pool:
            for file, (sha256, read_at) in zip(unread, pool.map(lambda one: _sha256(root, one), unread), strict=True):
                digests[file.path] = sha256
                cache.put(file.path, file.stamp, sha256, read_at=read_at)
                done += file.stamp.size
                on_hashed(done, total)
    finally:
        cache.save({file.path for file in files})
    tree = Tree.of(File(file.path, file.stamp.size, str(digests[file.path])) for file in files)
    return Directory(root, tree, {file.path: file.stamp for file in files})


def find(root: Path) -> list[Found]:
    """The files that belong to the model in `root`. Raises as `hashed_directory` does."""
    if not root.is_dir():
        what = "is not a directory" if root.exists() else "does not exist"
        raise CaramlError(f'the model directory "{root}" {what}', fix="give the directory that holds the model's files")
    problems: list[CaramlError] = []
    files = list(_walk(root, "", _ignore(root), (), problems))
    if problems:
        more = len(problems) - _SHOWN
        rest = [CaramlError(f"{more} more files cannot be uploaded")] if more > 0 else []
        raise problems[0] if len(problems) == 1 else CaramlErrors([*problems[:_SHOWN], *rest])
    if not files:
        raise CaramlError(
            f'the model directory "{root}" holds no files',
            fix=f"put the model's files there; {IGNORE_FILE} may leave out too much",
        )
    return files


def _walk(
    root: Path, under: str, ignore: Ignore, above: tuple[tuple[int, int], ...], problems: list[CaramlError]
) -> Iterator[Found]:
    """The files in `under`; `above` are the device and inode of the directories that lead there."""
    try:
        here = os.stat(root / under)
        entries = sorted(os.scandir(root / under), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(_problem(under or str(root), f"the directory cannot be read: {error.strerror}"))
        return
    identity = (here.st_dev, here.st_ino)
    if identity in above:
        problems.append(_problem(under, "the link leads back to a directory that it is in"))
        return
    for entry in entries:
        path = f"{under}/{entry.name}" if under else entry.name
        try:
            is_directory = entry.is_dir()
            if ignore(path, directory=is_directory):
                continue
            if is_directory:
                yield from _walk(root, path, ignore, (*above, identity), problems)
                continue
            found = entry.stat()
        except OSError as error:
            dangling = entry.is_symlink() and isinstance(error, FileNotFoundError)
            problems.append(_problem(path, "the link leads nowhere" if dangling else error.strerror or str(error)))
            continue
        problem = path_problem(path)
        if not stat.S_ISREG(found.st_mode):
            problem = "it is no regular file"
        elif not problem and not os.access(root / path, os.R_OK):
            problem = "you may not read it"
        if problem:
            problems.append(_problem(path, problem))
        else:
            yield Found(path, Stamp.of(found))


def _problem(path: str, why: str) -> CaramlError:
    shown = path.encode(errors="backslashreplace").decode()
    return CaramlError(f'"{shown}" cannot be uploaded: {why}', fix=f"mend it, or leave it out in {IGNORE_FILE}")


def _ignore(root: Path) -> Ignore:
    try:
        return Ignore((root / IGNORE_FILE).read_text())
    except FileNotFoundError:
        return Ignore()
    except (OSError, UnicodeDecodeError) as error:
        raise CaramlError(f"{IGNORE_FILE} cannot be read: {error}", where=str(root / IGNORE_FILE)) from error


def _sha256(root: Path, file: Found) -> tuple[str, int]:
    """The digest of a file, and when its reading began. Raises `CaramlError` if it changed meanwhile."""
    read_at = now()
    try:
        with (root / file.path).open("rb", buffering=0) as stream:
            digest = file_digest(stream, "sha256").hexdigest()
            after = Stamp.of(os.fstat(stream.fileno()))
    except OSError as error:
        raise _problem(file.path, error.strerror or str(error)) from error
    if after != file.stamp:
        raise changed(file.path, "another program writes to it")
    return digest, read_at
