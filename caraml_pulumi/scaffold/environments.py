"""Environments as `caraml add` finds and makes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caraml_pulumi.engine.state.yaml_edit import edited
from caraml_pulumi.errors import USAGE, CaramlError
from caraml_pulumi.scaffold.texts import scalar
from caraml_pulumi.stack_files.configuration import EXTENDS_KEY, PROJECTS_KEY, environments, read_configuration


def bases(directory: Path) -> dict[str, str]:
    """Each environment in `directory` and the one that it extends; empty if it extends none. Raises `CaramlError`."""
    found = {}
    for name in environments(directory):
        layers = read_configuration(directory, name).layers
        found[name] = layers[1].environment if len(layers) > 1 else ""
    return found


def first_environment(directory: Path) -> str:
    """The environment in which releases begin: the only one, or the only one that extends no other.

    Raises:
        CaramlError: there is none, or several.
    """
    known = bases(directory)
    roots = [name for name, base in known.items() if not base]
    if len(roots) != 1:
        raise CaramlError(
            "there are several environments, and none is named" if roots else "there is no environment",
            where=str(directory),
            allowed=", ".join(known),
            fix="name one: --stack NAME" if roots else "make a repository with environments: caraml init",
            exit_code=USAGE,
        )
    return roots[0]


def check_environment(directory: Path, name: str) -> str:
    """`name`, if there is such an environment. Raises `CaramlError`."""
    known = environments(directory)
    if name not in known:
        raise CaramlError(
            f"there is no environment {name!r}",
            where=str(directory),
            allowed=", ".join(known),
            fix=f"make it: caraml add environment {name}",
        )
    return name


def environment_file(directory: Path, name: str) -> Path:
    """The file of an environment that there is, whichever its suffix."""
    paths = [directory / f"Pulumi.{name}.{suffix}" for suffix in ("yaml", "yml")]
    return next((path for path in paths if path.is_file()), paths[0])


def domain_beside(domain: str, base: str, name: str) -> str:
    """A domain for the environment `name`, by that of the environment it extends."""
    return f"{name}.{domain.removeprefix(f'{base}.')}"


def environment_text(name: str, base: str, domain: str) -> str:
    """The file of a new environment that differs from `base` in its domain alone."""
    return (
        f"# The environment {name}: what is not said here is as in {base}.\n"
        "config:\n"
        f"  {EXTENDS_KEY}: {scalar(base)}\n"
        "  caraml:platform:\n"
        f"    domain: {domain}\n"
    )


def with_project(text: str, name: str, settings: Mapping[str, Any]) -> str:
    """The text of an environment's file with another project. Raises `CaramlError` if it has it already."""

    def add(document: Any) -> None:  # noqa: ANN401 - ruamel's map
        projects = document.setdefault("config", {}).setdefault(PROJECTS_KEY, {})
        if name in projects:
            raise CaramlError(f"there is a project {name!r} already", fix="edit the file, or choose another name")
        projects[name] = dict(settings)

    return edited(text, add)
