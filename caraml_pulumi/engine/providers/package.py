"""Component packages on disk: a directory with a ``PulumiPlugin.yaml``, as ``pulumi package add DIRECTORY`` uses it."""

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from caraml_pulumi.engine.state.yaml_text import YamlMap, read_mapping, read_text
from caraml_pulumi.errors import CaramlError

FILE_NAME: Final = "PulumiPlugin.yaml"
_RUNNER: Final = "pulumi.run.plugin"


@dataclass(frozen=True, slots=True)
class Package:
    """How the package in `directory` is started: `python` runs `module` with `arguments`."""

    directory: Path
    python: Path
    module: str
    arguments: tuple[str, ...]


def load_package(directory: Path, where: str) -> Package:
    """The package in `directory`, which is named at `where`.

    As Pulumi starts it: a ``__main__.py`` beside ``PulumiPlugin.yaml`` goes first, else the Python package that
    ``pyproject.toml`` names is. The option ``virtualenv`` of the runtime names the package's own virtual environment;
    without it the package runs on the interpreter that runs us.

    Raises:
        CaramlError: there is no such package, a file is not right, it is in another language, or the virtual
            environment is not there.
    """
    file = directory / FILE_NAME
    if not file.is_file():
        raise CaramlError(
            f"there is no component package in {directory}: {FILE_NAME} is missing",
            where=where,
            fix="name the directory that holds it, from the directory of Pulumi.yaml on",
        )
    document = read_mapping(file)
    runtime = document.value("runtime")
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if language != "python":
        raise CaramlError(
            f"the component package's runtime is {language!r}",
            where=document.where("runtime"),
            allowed="python",
            fix="install the Pulumi CLI and the runtime, and use --engine pulumi",
        )
    python = _interpreter(directory, document)
    if (directory / "__main__.py").is_file():
        return Package(directory, python, str(directory), ())
    return Package(directory, python, _RUNNER, (_distribution(directory),))


def _distribution(directory: Path) -> str:
    file = directory / "pyproject.toml"
    if not file.is_file():
        raise CaramlError(f"the component package has neither __main__.py nor {file.name}", where=str(directory))
    try:
        name = tomllib.loads(read_text(file)).get("project", {}).get("name")
    except tomllib.TOMLDecodeError as error:
        raise CaramlError(f"the file is not valid TOML: {error}", where=str(file)) from None
    if not isinstance(name, str):
        raise CaramlError("the project has no name", where=str(file), fix='write name = "..." under [project]')
    return name


def _interpreter(directory: Path, document: YamlMap) -> Path:
    if not isinstance(document.value("runtime"), dict):
        return Path(sys.executable)
    options = document.mapping("runtime").mapping("options")
    virtualenv = options.text("virtualenv")
    if not virtualenv:
        return Path(sys.executable)
    python = directory / virtualenv / "bin" / "python"
    if not python.exists():
        raise CaramlError(
            f"the virtual environment {directory / virtualenv} does not exist",
            where=options.where("virtualenv"),
            fix=f"make it: python -m venv {directory / virtualenv} && {python} -m pip install {directory}",
        )
    return python
