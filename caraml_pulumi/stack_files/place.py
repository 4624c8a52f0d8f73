"""Where the files of a stack are, for those that Pulumi does not tell: policy packs and components."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.stack_files.document import Document

STACK_FILES: Final = "CARAML_STACK_FILES"
"""The environment variable that names the directory of the ``Pulumi.<stack>.yaml`` files; `caraml` sets it."""


def stack_files(project: str, starts: Iterable[Path]) -> Path:
    """The directory of the configuration of the Pulumi project of that name.

    It is what the environment variable says, else it follows from the first ``Pulumi.yaml`` of the project in one of
    the directories `starts` or above.

    Raises:
        CaramlError: there is none.
    """
    if named := os.environ.get(STACK_FILES):
        return Path(named)
    for start in starts:
        for directory in (start, *start.parents):
            for path in (directory / "Pulumi.yaml", directory / "Pulumi.yml"):
                if path.is_file() and (document := Document(path)).value("name") == project:
                    return directory / _directory(document)
    raise CaramlError(
        f'the files of the project "{project}" are not found, whose environments extend each other',
        fix=f"name the directory of Pulumi.<stack>.yaml in the environment variable {STACK_FILES}",
    )


def _directory(document: Document) -> str:
    """Where a project keeps its stacks' configuration; ``config: DIRECTORY`` is the old way to say it."""
    said = document.value("stackConfigDir") or document.value("config")
    return said if isinstance(said, str) else "."
