"""Colour and questions: the two things that depend on whether somebody is watching."""

import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TextIO

from caraml_pulumi.errors import USAGE, CaramlError

if TYPE_CHECKING:
    from rich.console import Console


class Color(StrEnum):
    """When to colour: ``auto`` is on a terminal, unless NO_COLOR or CLICOLOR=0 is set."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def apply_color(color: Color) -> None:
    """Make `color` hold for this process and the programs it starts, by the usual environment variables."""
    if color is Color.NEVER:
        os.environ["NO_COLOR"] = "1"
        os.environ.pop("FORCE_COLOR", None)
    elif color is Color.ALWAYS:
        os.environ["FORCE_COLOR"] = "1"
        os.environ.pop("NO_COLOR", None)


def colors(stream: TextIO) -> bool:
    """Whether to colour what is written to `stream`."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb" and os.environ.get("CLICOLOR") != "0"


def is_interactive() -> bool:
    """Whether a person sees standard output and can answer on standard input."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def console() -> "Console":
    """Standard output, in colour where that is wanted."""
    from rich.console import Console

    system: Literal["auto", "standard"] = "auto" if sys.stdout.isatty() else "standard"
    return Console(color_system=system if colors(sys.stdout) else None, highlight=False, emoji=False)


def refuse_to_ask(command: str) -> CaramlError:
    """The error where `command` would have to ask and nobody can answer."""
    return CaramlError(
        f"{command} asks before it changes anything, and nobody can answer here",
        fix=f"look at the preview first, then run: caraml {command} --yes",
        exit_code=USAGE,
    )
