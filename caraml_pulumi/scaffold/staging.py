"""Writing files of environments only if these then hold every rule."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from caraml_pulumi.engine.state.yaml_edit import write_whole
from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.stack_files import RELEASES, StackFiles, read_stack
from caraml_pulumi.stack_files.configuration import read_configuration


def read_files(directory: Path, environment: str) -> StackFiles:
    """What the files of an environment say, without a passphrase. Raises `CaramlError` for the rules they break."""
    own = read_configuration(directory, environment).layers[0].values
    return read_stack(directory, environment, own)


def write_checked(directory: Path, environments: Iterable[str], files: Mapping[Path, str]) -> None:
    """Write `files` under `directory`, by relative path, if `environments` then hold every rule.

    Raises:
        CaramlError: they would not; nothing was written then. Or a file cannot be written.
    """
    with TemporaryDirectory() as name:
        copy = Path(name).resolve()
        for file in (*directory.glob("Pulumi.*.yaml"), *directory.glob("Pulumi.*.yml")):
            shutil.copy(file, copy)
        if (directory / RELEASES).is_dir():
            shutil.copytree(directory / RELEASES, copy / RELEASES)
        for path, text in files.items():
            write_whole(copy / path, text)
        try:
            for environment in environments:
                read_files(copy, environment)
        except CaramlError as error:
            _move(error, str(copy), str(directory))
            raise
    for path, text in files.items():
        write_whole(directory / path, text)


def _move(error: CaramlError, old: str, new: str) -> None:
    """Name the files in the messages as they would be called."""
    for single in error.errors if isinstance(error, CaramlErrors) else [error]:
        for part in ("what", "where", "allowed", "fix"):
            setattr(single, part, getattr(single, part).replace(old, new))
