"""What a long operation tells the person who waits for it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

Say = Callable[[str], None]
"""Takes a short note on how far the step is; the next note replaces it. Cheap enough to be called for every event."""


class Report(Protocol):
    """Shows the steps of an operation with the time each took."""

    def step(self, title: str) -> AbstractContextManager[Say]:
        """A step that lasts as long as the `with` block and has failed if that raises."""
        ...

    def note(self, text: str) -> None:
        """A remark outside the steps."""
        ...
