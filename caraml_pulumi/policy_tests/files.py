"""The files given to ``caraml policy test``: which kind each is, and the cases in it."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caraml_pulumi.engine.state.yaml_text import read_text
from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.model.spec import Locate, dotted
from caraml_pulumi.policy_tests import exported, manifests, releases, suite
from caraml_pulumi.policy_tests.case import Case, CaseFile, Setup, Subject
from caraml_pulumi.stack_files.document import documents

STANDARD_INPUT: Final = Path("-")
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_KINDS: Final = (
    "a test suite (`cases`), Kubernetes manifests (`apiVersion` and `kind`), the state of a stack, "
    "or a release (`model` and `versions`)"
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads files for one pack.

    `setup_of` says what the pack is started with for a named environment, the stack's own configuration and project
    among it; `environment` is what the user chose, else empty. Test suites are run on `suite_setup` instead.
    """

    setup_of: Callable[[str], Setup]
    suite_setup: Setup
    environment: str = ""

    def read(self, paths: Sequence[Path]) -> list[CaseFile]:
        """The cases in all files; of a directory, in the YAML and JSON files below it.

        All manifests are one stack, since objects of one file are often about those of another.

        Raises:
            CaramlError: a file is missing, cannot be read, or is none of those that can be tested; CaramlErrors for
                several.
        """
        files, problems = list[CaseFile](), list[CaramlError]()
        for path in _every_file(paths, problems):
            try:
                files.append(self._file(path))
            except CaramlErrors as errors:
                problems += errors.errors
            except CaramlError as error:
                problems.append(error)
        if problems:
            raise problems[0] if len(problems) == 1 else CaramlErrors(problems)
        return _manifests_together(files)

    def _file(self, path: Path) -> CaseFile:
        shown = Path("standard input") if path == STANDARD_INPUT else path
        text = sys.stdin.read() if path == STANDARD_INPUT else read_text(path)
        parts = [part for part in _parts(shown, text) if part.data is not None]
        if not parts:
            raise CaramlError("the file is empty", where=str(shown), allowed=_KINDS)
        first = parts[0]
        if manifests.is_manifest(first.data):
            return CaseFile(str(shown), "manifests", [self._manifests(shown, parts)])
        if len(parts) > 1:
            raise CaramlError("only Kubernetes manifests may be several documents in a file", where=parts[1].locate(()))
        if exported.is_state(first.data):
            return CaseFile(str(shown), "state", [self._state(shown, first.data, text)])
        if suite.is_suite(first.data):
            cases = suite.cases_of(first.data, first.locate, self.suite_setup)
            return CaseFile(str(shown), "tests", list(cases))
        if releases.is_release(first.data):
            return CaseFile(str(shown), "release", [releases.case(path, self.setup_of, self.environment)])
        raise CaramlError("the file is nothing that can be tested", where=first.locate(()), allowed=_KINDS)

    def _manifests(self, path: Path, parts: Sequence["_Part"]) -> Case:
        setup = self.setup_of(self.environment or "dev")
        subjects = [subject for part in parts for subject in manifests.subjects_of(part.data, setup, part.locate)]
        if not subjects:
            raise CaramlError("the list holds no objects: there is nothing to judge", where=str(path))
        _different(subjects)
        return Case(path.name, str(path), setup, subjects)

    def _state(self, path: Path, data: Any, text: str) -> Case:  # noqa: ANN401 - whatever JSON has
        resources = exported.stack_of(data, path)
        setup = self.setup_of(self.environment or exported.stack_name(resources))
        return Case(path.name, str(path), setup, exported.subjects_of(resources, text, path))


def _manifests_together(files: Sequence[CaseFile]) -> list[CaseFile]:
    """`files` with those of manifests as one. Raises `CaramlError` if an object is there twice."""
    parts = [file for file in files if file.kind == "manifests"]
    if len(parts) < 2:
        return list(files)
    cases = [case for file in parts for case in file.cases]
    subjects = [subject for case in cases for subject in case.subjects]
    _different(subjects)
    name = f"{len(parts)} files of manifests"
    together = CaseFile(name, "manifests", [Case(name, parts[0].path, cases[0].setup, subjects)])
    return [together, *(file for file in files if file.kind != "manifests")]


@dataclass(frozen=True, slots=True)
class _Part:
    """One document of a file."""

    data: Any
    locate: Locate


def _every_file(paths: Sequence[Path], problems: list[CaramlError]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
        if not found:
            problems.append(
                CaramlError("the directory has no files to test", where=str(path), allowed="*.yaml, *.json")
            )
        yield from found


def _parts(path: Path, text: str) -> list[_Part]:
    """The documents of a file. What begins like JSON and is JSON is read as such: YAML refuses the tabs in it."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            data = json.loads(text)
        except RecursionError:
            raise CaramlError("the file is nested too deeply", where=str(path)) from None
        except ValueError as error:
            if isinstance(error, json.JSONDecodeError) and path.suffix == ".json":
                raise CaramlError(f"malformed JSON: {error.msg}", where=f"{path}:{error.lineno}") from None
        else:
            return [_Part(item, _in(path)) for item in (data if isinstance(data, list) else [data])]
    try:
        return [_Part(document.data, document.locate) for document in documents(path, text)]
    except CaramlError as error:
        if "{{" not in text:
            raise
        fix = "render a template first: helm template ... | caraml policy test -"
        raise CaramlError(error.what, where=error.where, fix=fix) from None


def _in(path: Path) -> Locate:
    return lambda at: f"{path}" + (f" ({dotted(at)})" if at else "")


def _different(subjects: Sequence[Subject]) -> None:
    """Refuse an object that is there twice: a stack has each once."""
    seen: dict[str, Subject] = {}
    for subject in subjects:
        other = seen.setdefault(subject.state.urn, subject)
        if other is not subject:
            raise CaramlError(f"{subject.title} is there twice", where=f"{other.locate(())} and {subject.locate(())}")
