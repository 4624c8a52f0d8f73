"""Where releases come from that a change promotes."""

from typing import Any

import pytest

from caraml_pulumi.review.document import Review
from caraml_pulumi.review.markdown import markdown
from caraml_pulumi.review.promotions import RELEASE_TYPE
from tests.unit.engine.display.events import Resource
from tests.unit.review.builders import a_version, reviewed, version

RECORD = Resource(RELEASE_TYPE, "iris-team-iris", custom=False)


def record(update: int | None = None, **more: Any) -> dict[str, Any]:
    promotion = {"environment": "dev", "time": "2026-11-22T10:00:00Z", "update": update}
    return {"project": "iris-team", "model": "iris", "promotedFrom": promotion, **more}


def promoted(before: dict[str, Any] | None, after: dict[str, Any]) -> Review:
    release = RECORD.does("update", before, after) if before else RECORD.does("create", None, after)
    return reviewed(release, a_version().does("create", None, version()), create=1)


@pytest.mark.parametrize("before", [None, record(11), {"project": "iris-team", "model": "iris"}])
def test_a_promotion_is_told_with_the_update_that_it_comes_from(before: dict[str, Any] | None) -> None:
    found = promoted(before, record(12))
    assert [model.promoted_from for model in found.models] == ["dev (update 12)"]
    assert "**iris-team/iris · dev · promoted from dev (update 12)**" in markdown(found)


def test_what_was_promoted_before_is_not_told_again() -> None:
    assert [model.promoted_from for model in promoted(record(12), record(12, versions=[])).models] == [None]


def test_an_update_that_is_not_known_is_left_out() -> None:
    assert [model.promoted_from for model in promoted(None, record()).models] == ["dev"]
