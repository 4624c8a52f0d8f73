"""Where in the files of a stack something is said: the line of a version, an endpoint or a project."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from caraml_pulumi.engine.display.paths import parse_path
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.review.document import Place
from caraml_pulumi.review.subjects import Kind, Subject, whole

if TYPE_CHECKING:
    from caraml_pulumi.stack_files.document import Document

_MODEL: Final = re.compile(r"^model:\s*[\"']?([^\s\"'#]+)", re.MULTILINE)
_PROJECT: Final = re.compile(r"^project:\s*[\"']?([^\s\"'#]+)", re.MULTILINE)
Path_ = tuple[str | int, ...]


def repository_of(directory: Path) -> Path:
    """The repository that `directory` is in; itself if it is in none."""
    directory = directory.resolve()
    return next((one for one in (directory, *directory.parents) if (one / ".git").exists()), directory)


@dataclass
class Places:
    """The files of a stack: ``Pulumi.<stack>.yaml`` in `directory`, and the releases beside it.

    Files are read when a place in them is asked for; one that cannot be read has no places. What reads them is imported
    then as well: most reviews have no violations.
    """

    repository: Path
    directory: Path
    stack: str
    _documents: "dict[Path, Document | None]" = field(default_factory=dict)

    @cached_property
    def stack_file(self) -> Path:
        """The configuration of the stack."""
        paths = [self.directory / f"Pulumi.{self.stack}.{suffix}" for suffix in ("yaml", "yml")]
        return next((path for path in paths if path.is_file()), paths[0])

    @cached_property
    def _releases(self) -> Mapping[tuple[str, str], Sequence[Path]]:
        """The release files by project and model, whatever their environment."""
        from caraml_pulumi.stack_files import RELEASES

        found: dict[tuple[str, str], list[Path]] = {}
        for path in sorted((self.directory / RELEASES).glob("*/*.y*ml")):
            try:
                text = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            model, project = _MODEL.search(text), _PROJECT.search(text)
            if model and project:
                found.setdefault((project[1], model[1]), []).append(path)
        return found

    def of(self, subject: Subject | None, environment: str, where: str = "") -> Place | None:
        """Where `subject` is said, or what is at the property path `where` in it; None if that is in no file."""
        if subject is None:
            return None
        from caraml_pulumi.stack_files import PROJECTS_KEY

        inner: Path_ = _parsed(where)
        if subject.kind is Kind.PROJECT:
            file = self._said_in((PROJECTS_KEY, subject.project, *inner))
            return self._line(file, ("config", PROJECTS_KEY, subject.project), inner)
        for path in self._releases.get((subject.project, subject.model), ()):
            if path.parent.name == environment:
                return self._in_release(path, subject, inner)
        return None

    def _said_in(self, path: Path_) -> Path:
        """The file that a value of the configuration is from: the stack's, or one that it extends."""
        from caraml_pulumi.stack_files.configuration import read_configuration

        try:
            document = read_configuration(self.directory, self.stack).owner(path).document
        except CaramlError:
            document = None
        return document.path if document else self.stack_file

    def relative(self, text: str) -> str:
        """`text` with the paths of files in the repository relative to it."""
        return text.replace(f"{self.repository}/", "")

    def place(self, path: Path, line: int) -> Place:
        """A line of a file; outside the repository the file has its whole path."""
        resolved = path.resolve()
        inside = resolved.is_relative_to(self.repository)
        return Place(file=(resolved.relative_to(self.repository) if inside else resolved).as_posix(), line=line)

    def _in_release(self, path: Path, subject: Subject, inner: Path_) -> Place | None:
        """Where `subject` is in a release; of a version that the release has no more, where its versions are."""
        if subject.kind is not Kind.VERSION:
            return self._line(path, ("endpoint",), inner)
        document = self._document(path)
        versions = document.value("versions") if document else None
        for index, version in enumerate(versions if isinstance(versions, list) else []):
            if isinstance(version, Mapping) and whole(version.get("version")) == subject.version:
                return self._line(path, ("versions", index), inner)
        return self._line(path, ("versions",), ())

    def _line(self, path: Path, outer: Path_, inner: Path_) -> Place | None:
        """The line of `inner` in `outer`, as deep as the file has it; None if it has no `outer` either."""
        document = self._document(path)
        names = takewhile(lambda part: isinstance(part, str), outer)
        if document is None or document.value(*map(str, names)) is None:
            return None
        return self.place(path, document.line((*outer, *inner)))

    def _document(self, path: Path) -> "Document | None":
        from caraml_pulumi.stack_files.document import Document

        if path not in self._documents:
            try:
                self._documents[path] = Document(path)
            except CaramlError:
                self._documents[path] = None
        return self._documents[path]


def _parsed(where: str) -> Path_:
    """The property path that a message begins its place with; nothing if it is none."""
    path = where.partition(" ")[0]
    return tuple(parse_path(path)) if re.fullmatch(r"[A-Za-z][\w.\[\]-]*", path) else ()
