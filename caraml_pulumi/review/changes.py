"""Every changed property as text, for those who want to see all of it; values of environment variables are left out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from rich.text import Text

from caraml_pulumi.engine.display.diff import diff
from caraml_pulumi.engine.display.tree import Row, Tree
from caraml_pulumi.engine.display.values import is_secret

_ENV: Final = "env"
_UNSHOWN: Final = "[not shown]"
_SIDES: Final = ("old", "new")


def all_changes(tree: Tree) -> list[Text]:
    """The changed resources of a preview with every changed property, as `caraml preview --diff` shows them."""
    rows = {urn: _without_env(row) if row.changed else row for urn, row in tree.rows.items()}
    return diff(replace(tree, rows=rows))


def _without_env(row: Row) -> Row:
    sides = {side: _masked(row.metadata[side]) for side in _SIDES if row.metadata.get(side)}
    return replace(row, metadata={**row.metadata, **sides}, _changes=None)


def _masked(value: Any) -> Any:  # noqa: ANN401 - whatever properties have
    """`value` with the values of environment variables replaced, wherever they are in it."""
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if not isinstance(value, Mapping) or is_secret(value):
        return value
    return {key: _variables(item) if key == _ENV else _masked(item) for key, item in value.items()}


def _variables(env: Any) -> Any:  # noqa: ANN401 - as above
    """Variables as a map by name, or as a container lists them."""
    if isinstance(env, Mapping) and not is_secret(env):
        return dict.fromkeys(env, _UNSHOWN)
    if isinstance(env, list):
        return [
            {**item, "value": _UNSHOWN} if isinstance(item, Mapping) and item.get("value") is not None else item
            for item in env
        ]
    return env
