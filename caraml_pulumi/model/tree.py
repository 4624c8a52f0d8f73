r"""A directory of model files as a value: which files belong to it, their digests, and the digest of the whole.

The digest is that of what ``sha256sum`` prints for the files in the order of their paths' bytes, so that anybody can
check it: ``find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum``.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from caraml_pulumi.errors import CaramlError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE: Final = ".caramlignore"
"""A file at the root of a model's directory that lists what is left out, by the rules of .gitignore."""
KEY_BYTES: Final = 1024
"""The longest key that S3 takes, in bytes of UTF-8."""
_MANIFEST_VERSION: Final = 1


@dataclass(frozen=True, slots=True, order=True)
class File:
    """A file of a tree: its path from the root with ``/`` between the parts, size in bytes, and SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Tree:
    """Files in the order of their paths' bytes."""

    files: tuple[File, ...]

    @staticmethod
    def of(files: Iterable[File]) -> "Tree":
        """The tree of `files`, in whatever order they come."""
        return Tree(tuple(sorted(files, key=lambda file: file.path.encode())))

    @property
    def size(self) -> int:
        """All bytes together."""
        return sum(file.size for file in self.files)

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex: the same for the same paths and contents, whatever else changes."""
        listing = "".join(f"{file.sha256}  {file.path}\n" for file in self.files)
        return hashlib.sha256(listing.encode()).hexdigest()

    def manifest(self) -> bytes:
        """The tree as JSON, the same bytes for the same tree."""
        document = {
            "version": _MANIFEST_VERSION,
            "digest": self.digest,
            "files": [asdict(file) for file in self.files],
        }
        return json.dumps(document, indent=1).encode()

    @staticmethod
    def from_manifest(data: bytes) -> "Tree | None":
        """The tree that a manifest describes; None if it is damaged, or of another version of caraml-pulumi."""
        try:
            document = json.loads(data)
            tree = Tree.of(File(**entry) for entry in document["files"])
            sound = document["version"] == _MANIFEST_VERSION and tree.digest == document["digest"]
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        return tree if sound else None


def path_problem(path: str) -> str:
    """Why S3 clients would trip over a file's path; empty if they would not."""
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if length > KEY_BYTES:
        return f"its path has {length} bytes, S3 takes {KEY_BYTES}"
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        return "its name has a control character in it"
    return "its name has a backslash in it" if "\\" in path else ""


class Ignore:
    """What an ignore file leaves out, by the rules of .gitignore; the ignore file itself is always left out."""

    def __init__(self, text: str = "") -> None:
        self._spec = _compiled(text) if text.strip() else None

    def __call__(self, path: str, *, directory: bool = False) -> bool:
        """Whether `path` is left out; a directory that is takes all under it along."""
        if path == IGNORE_FILE:
            return True
        return self._spec is not None and self._spec.match_file(f"{path}/" if directory else path)


def _compiled(text: str) -> "GitIgnoreSpec":
    """Raises `CaramlError` for a line that is no pattern."""
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec.from_lines([])
    for number, line in enumerate(text.splitlines(), 1):
        try:
            spec += GitIgnoreSpec.from_lines([line])
        except ValueError as error:
            raise CaramlError(
                f'"{line}" is not a pattern',
                where=f"{IGNORE_FILE}:{number}",
                allowed="patterns as in .gitignore: *.log, /cache/, !keep.log",
            ) from error
    return spec
