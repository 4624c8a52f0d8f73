"""Takes what a program prints, line by line, so that it does not disturb the display."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TextIO, TypeVar

_in_program: ContextVar[bool] = ContextVar("in_program", default=False)

_kept: "list[_Tee]" = []
"""Streams once installed are never freed: another thread may be in `print`, which holds no reference of its own."""

P = ParamSpec("P")
R = TypeVar("R")


def outside_program(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap what the program calls of the engine: what it prints there is not the program's."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        token = _in_program.set(False)
        try:
            return function(*args, **kwargs)
        finally:
            _in_program.reset(token)

    return wrapper


class _Tee:
    """A text stream that hands the program's lines to `line` and everything else to `stream`."""

    def __init__(self, stream: TextIO, line: Callable[[str], None]) -> None:
        self._stream = stream
        self._line = line
        self._buffer = ""

    def write(self, text: str) -> int:
        """Take `text`, from the program or from anybody else."""
        if not _in_program.get():
            return self._stream.write(text)
        self._buffer += text
        while "\n" in self._buffer:
            line, self._buffer = self._buffer.split("\n", 1)
            self._line(line)
        return len(text)

    def rest(self) -> None:
        """Hand over a last line without an end."""
        if self._buffer:
            self._line(self._buffer)
            self._buffer = ""

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextmanager
def capturing(out: Callable[[str], None], err: Callable[[str], None]) -> Iterator[ContextVar[bool]]:
    """Send the lines that the program prints to `out` and `err`.

    Yields the variable that marks the program's context.
    """
    before = sys.stdout, sys.stderr
    tees = _Tee(before[0], out), _Tee(before[1], err)
    _kept.extend(tees)
    sys.stdout, sys.stderr = tees
    try:
        yield _in_program
    finally:
        sys.stdout, sys.stderr = before
        for tee in tees:
            tee.rest()
