"""The release file of a model in an environment: found, read, and written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caraml_pulumi.engine.state.yaml_edit import write_whole
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.spec import parse
from caraml_pulumi.releases.rewrite import rewritten
from caraml_pulumi.stack_files.document import Document


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A release file, and what it said when it was read."""

    path: Path
    spec: ReleaseSpec

    @property
    def name(self) -> str:
        """``{project}/{model}``."""
        return f"{self.spec.project}/{self.spec.model}"


def read_release_file(path: Path) -> ReleaseFile:
    """The release in a file, held to its own rules but not to those of a platform. Raises `CaramlError`."""
    document = Document(path)
    return ReleaseFile(path, parse(ReleaseSpec, document.data, locate=document.locate))


def find_release(directory: Path, name: str) -> ReleaseFile:
    """The release file in `directory` of the model `name`, which is ``model`` or ``project/model``.

    Raises `CaramlError` if there is none, if several projects have the model, or if the file breaks a rule.
    """
    named = _named(directory)
    found = [path for path, known in named.items() if _is(known, name)]
    if not found:
        raise CaramlError(
            f'no release file is of the model "{name}"',
            where=str(directory),
            allowed=", ".join(sorted(named.values())) or "there is no release file",
            fix="correct the name, or deploy the model with a release file first",
        )
    if len(found) > 1:
        raise CaramlError(
            f'the model "{name}" is of several projects', allowed=", ".join(named[path] for path in found)
        )
    return read_release_file(found[0])


def release_path(directory: Path, project: str, model: str) -> Path:
    """Where the release of a model is in `directory`, or where a new one goes: ``{model}.yaml`` if that is free."""
    named = _named(directory)
    found = next((path for path, known in named.items() if known == f"{project}/{model}"), None)
    plain = directory / f"{model}.yaml"
    return found or (directory / f"{project}-{model}.yaml" if plain in named else plain)


def release_text(path: Path, document: Mapping[str, Any]) -> str:
    """What the file at `path` says with the data of `document`; its comments stay. There may be no such file yet."""
    return rewritten(path.read_text("utf-8") if path.exists() else "", document)


def write_release(path: Path, document: Mapping[str, Any]) -> None:
    """Give a release file the data of `document`, at once as a whole. Raises `CaramlError` if it cannot be written."""
    write_whole(path, release_text(path, document))


def _named(directory: Path) -> dict[Path, str]:
    """The release files, and the models that they name, as ``project/model``."""
    paths = sorted({*directory.glob("*.yaml"), *directory.glob("*.yml")})
    return {path: _name(Document(path).data) for path in paths}


def _name(data: object) -> str:
    return f"{data.get('project')}/{data.get('model')}" if isinstance(data, Mapping) else "None/None"


def _is(known: str, name: str) -> bool:
    return known == name if "/" in name else known.rpartition("/")[2] == name
