"""Evidence that a command hands over to policy packs."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def evidence_given(variable: str, data: bytes | None) -> Iterator[None]:
    """Let policy packs find `data` in a file that the environment variable names; None hands over nothing.

    What the user's environment says is put back afterwards.
    """
    if data is None:
        yield
        return
    before = os.environ.get(variable)
    with tempfile.TemporaryDirectory(prefix="caraml-evidence-") as directory:
        path = Path(directory) / "evidence.json"
        path.write_bytes(data)
        os.environ[variable] = str(path)
        try:
            yield
        finally:
            os.environ.pop(variable)
            if before is not None:
                os.environ[variable] = before
