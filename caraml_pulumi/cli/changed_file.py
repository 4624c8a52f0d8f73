"""A file that is changed before it is certain that it may be: it is as before unless the change came into effect."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGHUP, SIGTERM

from caraml_pulumi.engine.state.yaml_edit import write_whole
from caraml_pulumi.errors import LOCKED, CaramlError


@contextmanager
def changed_file(path: Path, text: str, is_applied: Callable[[], bool]) -> Iterator[None]:
    """Write `text` to `path` for what is done inside; if that fails, the file is as before unless `is_applied`.

    A file that was not there before is removed; one that somebody else has changed meanwhile stays. Raises
    `CaramlError` if the file cannot be written.
    """
    before = _read(path)
    # Whoever closes the terminal or ends the process wants the file back as much as who presses Ctrl-C.
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in (SIGTERM, SIGHUP)}
    try:
        if text != before:
            write_whole(path, text)
        yield
    except BaseException as error:
        if _read(path) == text != before and (is_locked(error) or not is_applied()):
            if before is None:
                path.unlink()
            else:
                write_whole(path, before)
        raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def is_locked(error: BaseException) -> bool:
    """Whether nothing was done because another update of the stack is under way."""
    return isinstance(error, CaramlError) and error.exit_code == LOCKED


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None
