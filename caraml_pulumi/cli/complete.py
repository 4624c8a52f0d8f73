"""What the shell offers for a stack, an environment or a model: read from the project's files, without any server.

It is asked at each press of Tab, so that nothing but YAML is imported, and what cannot be read offers nothing.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from typer import Context

_FILES = ("Pulumi.yaml", "Pulumi.yml")


def stacks(context: Context, incomplete: str) -> list[str]:
    """The stacks that have a ``Pulumi.<stack>.yaml``, which are the environments."""
    directory = _stack_files(context)
    return _beginning(incomplete, _stack_names(directory)) if directory else []


def models(context: Context, incomplete: str) -> list[str]:
    """The models of the release files, as ``model``, and once a project is typed as ``project/model``."""
    directory = _stack_files(context)
    named = set(_models(directory)) if directory else set()
    if "/" in incomplete:
        return _beginning(incomplete, (f"{project}/{model}" for project, model in named))
    return _beginning(incomplete, (model for _, model in named))


def versions(context: Context, incomplete: str) -> list[str]:
    """As `models`, and after a slash the versions of a model: ``model/version``."""
    directory = _stack_files(context)
    model, slash, _ = incomplete.rpartition("/")
    found = []
    for release in _releases(directory) if slash and directory else []:
        if model in (release.get("model"), f"{release.get('project')}/{release.get('model')}"):
            found += [f"{model}/{one['version']}" for one in release.get("versions") or [] if isinstance(one, dict)]
    return _beginning(incomplete, found) + models(context, incomplete)


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})


def _stack_files(context: Context) -> Path | None:
    """The directory of the stacks' configuration, of the project that the command line so far is about."""
    start = Path(context.params.get("cwd") or Path()).absolute()
    for directory in (start, *start.parents):
        for name in _FILES:
            if (directory / name).is_file():
                document = _mapping(directory / name)
                said = document.get("stackConfigDir") or document.get("config")
                return directory / (said if isinstance(said, str) else ".")
    return None


def _stack_names(directory: Path) -> list[str]:
    paths = [*directory.glob("Pulumi.*.yaml"), *directory.glob("Pulumi.*.yml")]
    return [path.name.removeprefix("Pulumi.").removesuffix(path.suffix) for path in paths]


def _releases(directory: Path) -> list[dict[str, Any]]:
    return [_mapping(path) for ending in ("yaml", "yml") for path in directory.glob(f"releases/*/*.{ending}")]


def _models(directory: Path) -> list[tuple[str, str]]:
    return [
        (str(release["project"]), str(release["model"]))
        for release in _releases(directory)
        if {"project", "model"} <= release.keys()
    ]


def _mapping(path: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (OSError, yaml.YAMLError):
        return {}
    return document if isinstance(document, dict) else {}
