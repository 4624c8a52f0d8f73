"""Files that hold keys."""

import os
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Write a file that nobody but its owner could read at any moment; an old one is replaced."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
