"""What policies are told besides the resources: where the stack's files are, and its state before the update."""

import os
from pathlib import Path
from typing import Final

STACK_BEFORE: Final = "CARAML_STACK_BEFORE"
"""The environment variable that names a file with the state of the stack, as a backend keeps it or an export has it."""
STATUS_BEFORE: Final = "CARAML_STATUS_BEFORE"
"""The environment variable that names what `caraml status --json` printed of the environment before."""
STACK_RESTORED: Final = "CARAML_STACK_RESTORED"
"""The environment variable that names the state which an update left that is gone back to; an absolute path."""


STACK_FILES: Final = "CARAML_STACK_FILES"
"""The environment variable that names the directory of the ``Pulumi.<stack>.yaml`` files."""


def evidence(stack_before: Path | None, stack_files: Path) -> dict[str, str]:
    """The environment variables of a pack; paths are absolute, since a pack runs in its own directory.

    A stack that holds nothing yet has no state to name. The null device says so: what the user's environment names
    would be of another one, and nothing at all would mean that nobody knows.
    """
    status = os.environ.get(STATUS_BEFORE)
    return {
        STACK_FILES: str(stack_files.absolute()),
        STACK_BEFORE: str(stack_before.absolute()) if stack_before else os.devnull,
        **({STATUS_BEFORE: os.path.abspath(status)} if status else {}),
    }
