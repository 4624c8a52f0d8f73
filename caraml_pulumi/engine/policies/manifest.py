"""``PulumiPolicy.yaml``: what a policy pack says of itself."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caraml_pulumi.errors import CaramlError

FILE_NAME: Final = "PulumiPolicy.yaml"


@dataclass(frozen=True, slots=True)
class PackManifest:
    """A pack on disk: `program` is what Python runs, `python` the interpreter for it.

    `version` is empty where the file gives none; Pulumi shows the Python SDK's 0.0.1 then.
    """

    directory: Path
    program: Path
    python: Path
    version: str = ""


def load_manifest(directory: Path) -> PackManifest:
    """Read the pack in `directory`.

    ``runtime`` is ``python`` or a mapping with that ``name``; its option ``virtualenv`` names the pack's own virtual
    environment, else the pack runs on the interpreter that runs us. ``main`` is where its program is, by default the
    directory.

    Raises:
        CaramlError: there is no such pack, the file is not right, the pack is in another language, or the virtual
            environment is not there.
    """
    directory = directory.resolve()
    file = directory / FILE_NAME
    document = _document(file)
    runtime = document.get("runtime")
    options = runtime.get("options") if isinstance(runtime, dict) else None
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if language is None:
        raise CaramlError("the policy pack says no runtime", where=str(file), fix="write `runtime: python`")
    if language != "python":
        raise CaramlError(
            f"the policy pack's runtime is {language!r}",
            where=str(file),
            allowed="python",
            fix="install the Pulumi CLI and the runtime, and use --engine pulumi",
        )
    program = directory / str(document.get("main") or ".")
    if not program.is_file() and not (program / "__main__.py").is_file():
        raise CaramlError(f"the policy pack has no program: {program / '__main__.py'} is missing", where=str(file))
    virtualenv = options.get("virtualenv") if isinstance(options, dict) else None
    return PackManifest(
        directory=directory,
        program=program,
        python=_interpreter(directory / str(virtualenv), file) if virtualenv else Path(sys.executable),
        version=str(document.get("version") or ""),
    )


def _document(file: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise CaramlError(
            f"there is no policy pack in {file.parent}",
            where=str(file),
            fix=f"give the directory that holds {FILE_NAME}",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CaramlError(f"the policy pack cannot be read: {error}", where=str(file)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not readable"
        raise CaramlError(f"{FILE_NAME} is not valid YAML: {problem}", where=f"{file}{line}") from error
    if not isinstance(document, dict):
        raise CaramlError(f"{FILE_NAME} must be a mapping", where=str(file), fix="start it with `runtime: python`")
    return document


def _interpreter(virtualenv: Path, file: Path) -> Path:
    python = virtualenv / "bin" / "python"
    if not python.exists():
        raise CaramlError(
            f"the policy pack's virtual environment {virtualenv} does not exist",
            where=str(file),
            fix=f"make it: python -m venv {virtualenv} && {python} -m pip install -r requirements.txt",
        )
    return python
