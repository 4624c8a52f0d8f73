"""Where releases come from that a change promotes."""

from collections.abc import Mapping
from typing import Any, Final

from caraml_pulumi.engine.display.tree import Row
from caraml_pulumi.review.subjects import inputs, text, whole

RELEASE_TYPE: Final = "caraml:index:ModelRelease"


def promotions(rows: Mapping[str, Row]) -> dict[tuple[str, str], str]:
    """What is promoted, by project and model: ``dev (update 12)``; a promotion of before is not."""
    found = {}
    for row in rows.values():
        props = inputs(row, "new") if row.type == RELEASE_TYPE else None
        if props and (origin := _origin(props)) and origin != _origin(inputs(row, "old") or {}):
            found[text(props.get("project")), text(props.get("model"))] = origin
    return found


def _origin(release: Mapping[str, Any]) -> str:
    promotion = release.get("promotedFrom")
    if not isinstance(promotion, Mapping) or not (environment := text(promotion.get("environment"))):
        return ""
    update = whole(promotion.get("update"))
    return f"{environment} (update {update})" if update else environment
