"""Changing a YAML text so that the rest of it stays: comments, quotes, order and indentation."""

import os
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from caraml_pulumi.errors import CaramlError


def edited(text: str, change: Callable[[Any], object]) -> str:
    """`text`, a mapping, after `change` of it. Raises `ruamel.yaml.error.YAMLError` if it is malformed."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.util import load_yaml_guess_indent

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    _, _, dash = load_yaml_guess_indent(text, yaml=yaml)
    yaml.indent(mapping=_indentation(text), sequence=(dash or 0) + 2, offset=dash or 0)
    document = yaml.load(text)
    comments = text if document is None else ""
    document = CommentedMap() if document is None else document
    change(document)
    written = StringIO()
    yaml.dump(document, written)
    return comments + written.getvalue()


def write_whole(path: Path, text: str) -> None:
    """Write a file at once as a whole, with the rights it had. Raises `CaramlError` if it cannot be written."""
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{uuid4().hex}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(text, encoding="utf-8")
            if target.exists():
                temporary.chmod(target.stat().st_mode & 0o777)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise CaramlError(f"the file cannot be written: {error.strerror}", where=str(path)) from error


def _indentation(text: str) -> int:
    """The spaces before the keys of an inner mapping."""
    return min((len(spaces) for spaces in re.findall(r"^( +)[^\s#-]", text, re.MULTILINE)), default=2)
