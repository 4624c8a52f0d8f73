"""Text of users in Markdown: nothing in it is markup, a mention or HTML."""

import re
from typing import Final

_MARKUP: Final = re.compile(r"([\\`*_\[\]|~])")
_HTML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_REFERENCE: Final = re.compile(r"([@#])(?=[A-Za-z0-9])")
_APART: Final = "\N{ZERO WIDTH SPACE}"
"""Between an at sign and a name, or a number sign and a number: it looks like nothing, and nobody is told."""
_BEGINNING: Final = re.compile(r"^(\d*)([-+#.)])")
"""What is markup at the beginning of a line."""


def escaped(text: str) -> str:
    """`text` on one line, as it is."""
    line = _MARKUP.sub(r"\\\1", " ".join(text.split()).translate(_HTML))
    return _REFERENCE.sub(rf"\1{_APART}", _BEGINNING.sub(r"\1\\\2", line))


def cell(text: str) -> str:
    """`text` of several lines, on one line of Markdown."""
    return "<br>".join(escaped(line) for line in text.strip().split("\n"))


def code(text: str) -> str:
    """`text` on one line in a typewriter's letters, also in a table. Backticks in it become apostrophes."""
    line = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{line}`" if line else ""


def block(text: str, language: str = "") -> str:
    """`text` as a block of code, within a fence that is longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
