"""A Pulumi project: the directory with a ``Pulumi.yaml``."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from caraml_pulumi.engine.state.names import check_name
from caraml_pulumi.engine.state.yaml_text import YamlMap, read_mapping
from caraml_pulumi.errors import CaramlError

_FILES: Final = ("Pulumi.yaml", "Pulumi.yml")


@dataclass(frozen=True)
class Project:
    """What ``Pulumi.yaml`` says.

    Attributes:
        name: the project's name.
        root: the directory of ``Pulumi.yaml``.
        main: the program to run; ``main:`` or ``__main__.py`` in the root. It may not exist yet.
        stack_config_dir: where the ``Pulumi.<stack>.yaml`` files are; ``stackConfigDir:`` or the root.
        description: its description.
        config: the declarations under ``config:`` as they are written, by key.
        packages: the component packages that are directories, under ``packages:``, by the packages' names.
        backend_url: the backend under ``backend:``; PULUMI_BACKEND_URL goes before it.
    """

    name: str
    root: Path
    main: Path
    stack_config_dir: Path
    description: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    backend_url: str = ""
    packages: dict[str, Path] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The ``Pulumi.yaml``, for messages."""
        return next((self.root / name for name in _FILES if (self.root / name).is_file()), self.root / _FILES[0])


def load_project(directory: Path) -> Project:
    """The project whose ``Pulumi.yaml`` (or ``.yml``) is in `directory` or the nearest directory above it.

    Raises:
        CaramlError: there is none, it is malformed, or its runtime is not Python; with file:line.
    """
    path = _find(directory)
    root = path.parent
    document = read_mapping(path)
    name = document.text("name")
    if not name:
        raise CaramlError("the project has no name", where=str(path), fix="add a line 'name: ...'")
    check_name("project", name, where=document.where("name"))
    _check_runtime(document)
    config, config_dir = _config(document)
    main = root / document.text("main")
    return Project(
        name=name,
        root=root,
        main=main if main.is_file() else main / "__main__.py",
        stack_config_dir=root / (document.text("stackConfigDir") or config_dir),
        description=document.text("description"),
        config=config,
        backend_url=_backend_url(root, document.mapping("backend").text("url")),
        packages=_packages(root, document.mapping("packages")),
    )


def _find(directory: Path) -> Path:
    start = directory.absolute()
    if not start.is_dir():
        raise CaramlError(f"there is no directory {str(directory)!r}", fix="correct the path after -C")
    for parent in (start, *start.parents):
        for name in _FILES:
            if (parent / name).is_file():
                return parent / name
    raise CaramlError(
        f"there is no Pulumi project in {str(start)!r}, nor in a directory above it",
        allowed="a directory with a Pulumi.yaml",
        fix="change to the project's directory, or name it: -C DIRECTORY",
    )


def runtime_of(document: YamlMap) -> str:
    """The runtime that a ``Pulumi.yaml`` names, in either of its forms; empty if it names none."""
    runtime = document.value("runtime")
    return str((runtime.get("name") if isinstance(runtime, dict) else runtime) or "")


def _check_runtime(document: YamlMap) -> None:
    name = runtime_of(document)
    if name != "python":
        raise CaramlError(
            f"the project's runtime is {name!r}" if name else "the project has no runtime",
            where=document.where("runtime"),
            allowed="python",
            fix="use the Pulumi CLI for programs in other languages",
        )


def _packages(root: Path, packages: YamlMap) -> dict[str, Path]:
    """The packages whose source is a directory; those of registries and repositories are the Pulumi CLI's to get."""
    found: dict[str, Path] = {}
    for name in packages:
        value = packages.value(name)
        source = value.get("source") if isinstance(value, dict) else value
        if isinstance(source, str) and source.startswith((".", "/")):
            found[name] = (root / source).resolve()
    return found


def _backend_url(root: Path, url: str) -> str:
    """`url`, a relative directory in it taken from the project's root."""
    scheme, separator, path = url.partition("://")
    relative = scheme == "file" and separator and not path.startswith(("/", "~"))
    return f"file://{(root / path).absolute()}" if relative else url


def _config(document: YamlMap) -> tuple[dict[str, Any], str]:
    """The declarations, and the directory of the stack files: ``config: DIRECTORY`` is the old way to say it."""
    value = document.value("config")
    if isinstance(value, str):
        return {}, value
    keys = document.mapping("config")
    return {key: keys.value(key) for key in keys}, ""
