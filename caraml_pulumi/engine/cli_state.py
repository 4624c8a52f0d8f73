"""The state of stacks wherever it is."""

from pathlib import Path

from caraml_pulumi.engine.state.backend import Backend, open_backend


def open_state(url: str | None, directory: Path | None = None) -> Backend:
    """The backend at `url`."""
    return open_backend(url)
