"""A file that is changed before it is certain that it may be: it is as before unless the change came into effect."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from caraml_pulumi.engine.state.yaml_edit import write_whole


@contextmanager
def changed_file(path: Path, text: str, is_applied: Callable[[], bool]) -> Iterator[None]:
    """Write `text` to `path` for what is done inside; if that fails, the file is as before unless `is_applied`.

    A file that was not there before is removed. Raises `CaramlError` if the file cannot be written.
    """
    before = path.read_text("utf-8") if path.exists() else None
    if text != before:
        write_whole(path, text)
    try:
        yield
    except BaseException:
        if text != before and not is_applied():
            if before is None:
                path.unlink(missing_ok=True)
            else:
                write_whole(path, before)
        raise
